"""Probes of many services: what is expanded, what is run for each, and what plugins tell of passive metrics."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from reconciler.daemon.kept import Kept
from reconciler.daemon.prepared import checks, prepared
from reconciler.daemon.probing import run_due, run_once
from reconciler.drivers.plugins import Plugins
from reconciler.errors import Terminal
from reconciler.kinds import registry
from reconciler.kinds.metricprofile import MetricProfileSpec
from reconciler.kinds.metrictemplate import MetricTemplateSpec
from reconciler.kinds.probe import Looked, Operator, ProbeSpec
from reconciler.kinds.site import SiteSpec
from reconciler.model import Details, Entry, Inventory, Ref, encode
from reconciler.records.store import open_store
from reconciler.uptime import declaration
from reconciler.uptime.declared import report_named

PROBE = Ref("Probe/egi/all")
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
SAYS = """\
#!{python}
import sys
print("TELL OK -", *sys.argv[1:], "| n=1")
print("[1] PROCESS_SERVICE_CHECK_RESULT;a.example.org;org.x.Told;2;told of something bad|x=1")
print("more of its own")
"""


def site(*hosts, **more):
    services = [{"name": host.partition(".")[0], "type": "webdav", "hostname": host} for host in hosts]
    return SiteSpec.model_validate_json(encode({"services": services, **more}))


def template(**fields):
    given = {
        "probe": "tell",
        "config": {"interval": 2, "maxCheckAttempts": 2, "retryInterval": 1, "path": "/opt/probes/", "timeout": 9},
        **fields,
    }
    return MetricTemplateSpec.model_validate_json(encode(given))


HELD = {
    Ref("Site/NORTH"): site("a.example.org", "b.example.org"),
    Ref("Site/SOUTH"): site("c.example.org"),
    Ref("Site/GONE"): site("d.example.org", certification="Closed"),
    Ref("MetricTemplate/org.x.Tell"): template(attribute=[{"name": "X_TOKEN", "value": "--token"}]),
    Ref("MetricTemplate/org.x.Plain"): template(flags=[{"name": "NOHOSTNAME"}, {"name": "NOTIMEOUT"}]),
    Ref("MetricTemplate/org.x.Told"): MetricTemplateSpec.model_validate_json(
        encode({"flags": [{"name": "PASSIVE"}], "parent": "org.x.Tell"})
    ),
    Ref("MetricTemplate/org.x.Url"): template(attribute=[{"name": "URL", "value": "-u"}]),
    Ref("MetricProfile/all"): MetricProfileSpec.model_validate_json(
        encode({"services": [{"service": "webdav", "metrics": ["org.x.Tell", "org.x.Told", "org.x.None"]}]})
    ),
}


def probe(services, **fields):
    return ProbeSpec.model_validate_json(encode({"target": {"services": services}, **fields}))


def made(spec, ref=PROBE, operator=None):
    held = {**HELD, ref: spec}
    entries = {r: Entry(r, "a" * 32, 1, one.digest(), one.digest(), "x:y") for r, one in held.items()}

    def details(refs):
        return {r: Details(held[r].canonical(), (), {}, {}, {}, "", {}, None, "", "") for r in refs}

    return prepared(Inventory(entries, details), registry(), None, operator)


@pytest.fixture
def plugins(tmp_path) -> Plugins:
    file = tmp_path / "tell"
    file.write_text(SAYS.format(python=sys.executable))
    file.chmod(0o755)
    return Plugins(tmp_path, frozenset({"tell"}), folders={"/opt/probes": tmp_path})


def test_every_monitored_service_of_a_profile_has_a_check_of_each_metric():
    found = made(probe({"profile": "all"}))
    assert len(found) == 3 * 3
    assert {one.about for one in found.values()} == {
        Looked("webdav", f"{host}.example.org", f"org.x.{metric}")
        for host in "abc"
        for metric in ("Tell", "Told", "None")
    }
    assert Ref("Probe/egi/all@NORTH+a+org.x.Tell") in found
    assert all(ref.whole == "Probe/egi/all" for ref in found)


def test_sites_are_chosen_by_name_and_pattern():
    found = made(probe({"type": "webdav", "sites": ["SOU*", "GONE"]}, template="org.x.Plain"))
    assert [one.about.hostname for one in found.values()] == ["c.example.org"]


def test_times_are_those_of_the_template_and_of_a_passive_one_those_of_its_parent():
    found = {one.about.metric: one.spec for one in made(probe({"profile": "all", "sites": ["SOUTH"]})).values()}
    for metric in ("org.x.Tell", "org.x.Told"):
        one = found[metric]
        assert (one.interval, one.retryInterval, one.attempts) == (120, 60, 2)
    assert (found["org.x.Tell"].passive, found["org.x.Told"].passive, found["org.x.None"].passive) == (
        False,
        True,
        True,
    )


def test_a_service_that_lacks_a_value_is_unknown_with_the_reason(plugins):
    (one,) = made(probe({"type": "webdav", "sites": ["SOUTH"]}, template="org.x.Url")).values()
    assert "no URL" in run_once(one, plugins).summary


def test_the_plugin_gets_the_whole_command_and_the_secret_is_told_nowhere(plugins):
    found = made(probe({"type": "webdav", "sites": ["SOUTH"]}, template="org.x.Tell"))
    (one,) = found.values()
    result = run_once(one, plugins, lambda name: {"X_TOKEN": "s3cr3t"}[name])
    assert result.summary == "TELL OK - -H c.example.org -t 9 --token $X_TOKEN"
    assert "s3cr3t" not in repr(result)
    assert "s3cr3t" not in repr(found)


def test_a_secret_that_nobody_says_is_unknown(plugins):
    (one,) = made(probe({"type": "webdav", "sites": ["SOUTH"]}, template="org.x.Tell")).values()

    def nobody(name):
        raise Terminal(f"there is no secret {name}")

    result = run_once(one, plugins, nobody)
    assert (result.status, result.summary) == ("UNKNOWN", "tell was not run: there is no secret X_TOKEN")


def test_without_host_and_time_out_where_flags_say_so(plugins):
    (one,) = made(probe({"type": "webdav", "sites": ["SOUTH"]}, template="org.x.Plain")).values()
    assert run_once(one, plugins).summary == "TELL OK -"


def test_attributes_come_from_the_probe_the_operator_and_overrides_in_this_order():
    over = [{"host": "c.example.org", "attribute": "WHAT", "value": "own"}]
    held = dict(HELD)
    HELD[Ref("MetricTemplate/org.x.What")] = template(attribute=[{"name": "WHAT", "value": "-w"}])
    try:
        said = Operator({"WHAT": "operator's"})
        chosen = {"type": "webdav", "sites": ["SOUTH"]}
        for fields, expected in (
            ({}, "operator's"),
            ({"attributes": {"WHAT": "probe's"}}, "probe's"),
            ({"attributes": {"WHAT": "probe's"}, "overrides": over}, "own"),
        ):
            (one,) = made(probe(chosen, template="org.x.What", **fields), operator=said).values()
            assert one.arguments[-1] == expected
    finally:
        HELD.clear()
        HELD.update(held)


def test_what_a_plugin_tells_of_a_passive_metric_is_its_result(plugins, tmp_path):
    found = made(probe({"profile": "all", "sites": ["NORTH"]}))
    known = checks(found)
    with open_store(f"sqlite:///{tmp_path}/hanse.db", lambda: NOW) as store:
        run_due(found.values(), {}, plugins, lambda: NOW, Kept(store, lambda: known), secret=lambda _name: "t")
        states = store.probes.states()
    told = states[known.by_what[Looked("webdav", "a.example.org", "org.x.Told")]]
    assert (told.status, told.attempt, told.summary) == ("CRITICAL", 1, "told of something bad")
    assert known.by_what[Looked("webdav", "b.example.org", "org.x.Told")] not in states
    own = states[known.by_what[Looked("webdav", "b.example.org", "org.x.Tell")]]
    assert own.status == "OK"


def test_a_folder_that_the_operator_does_not_know_is_not_run_from(tmp_path):
    (one,) = made(probe({"type": "webdav", "sites": ["SOUTH"]}, template="org.x.Plain")).values()
    result = run_once(one, Plugins(tmp_path, frozenset({"tell"})))
    assert (result.status, "no folder that the operator knows" in result.summary) == ("UNKNOWN", True)


def test_availability_knows_the_checks_that_are_run():
    spec = probe({"profile": "all"})
    held = {**HELD, PROBE: spec}
    resources = {ref: SimpleNamespace(spec=one, labels={}) for ref, one in held.items()}
    about = declaration(resources, *report_named(resources, ""))
    found = made(spec)
    assert {one.ref for one in about.sources} == set(found)
    assert {(one.service, one.hostname, one.metric) for one in about.sources} == {one.about for one in found.values()}
    assert {one.monitor for one in about.sources} == {"egi/all"}


def test_the_environment_of_plugins_is_bare(tmp_path, monkeypatch):
    monkeypatch.setenv("X_TOKEN", "s3cr3t")
    file = Path(tmp_path / "tell")
    file.write_text(f"#!{sys.executable}\nimport os\nprint(sorted(os.environ))\n")
    file.chmod(0o755)
    result = Plugins(tmp_path, frozenset({"tell"})).check("tell", [], 9)
    assert "X_TOKEN" not in result.summary
    assert os.environ["X_TOKEN"]
