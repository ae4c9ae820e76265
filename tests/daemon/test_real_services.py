"""What is really looked at: an LDAP, an SSH, a web and a name server, each well, refusing, and silent."""

from __future__ import annotations

import socket
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from reconciler.daemon.kept import Kept
from reconciler.daemon.prepared import checks, prepared
from reconciler.daemon.probing import run_due
from reconciler.drivers import plugins
from reconciler.kinds import registry
from reconciler.kinds.metricprofile import MetricProfileSpec
from reconciler.kinds.metrictemplate import MetricTemplateSpec
from reconciler.kinds.probe import ProbeSpec
from reconciler.kinds.site import SiteSpec
from reconciler.model import Details, Entry, Inventory, Ref, Target, encode
from reconciler.records.store import open_store
from tests.real.bind import bind
from tests.real.ports import free_port
from tests.real.slapd import BASE, slapd
from tests.real.sshd import sshd
from tests.real.web import web

__all__ = ["bind", "slapd", "sshd", "web"]
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
SECONDS = 2
"""Until a silent server is given up; the others may take longer than that."""
TEMPLATES = {
    "x.LDAP": {"probe": "check_ldap", "attribute": {"LDAP_PORT": "-p"}, "parameter": {"-b": BASE, "-3": ""}},
    "x.SSH": {"probe": "check_ssh", "attribute": {"SSH_PORT": "-p"}},
    "x.HTTP": {"probe": "check_http", "attribute": {"PORT": "-p", "PATH": "-u"}, "parameter": {"-e": "200"}},
    "x.DNS": {"probe": "check_dig", "attribute": {"DNS_PORT": "-p"}, "parameter": {"-l": "static.probed.example"}},
}


def options(given):
    return [{"name": name, "value": value} for name, value in given.items()]


def template(seconds, probe, attribute=(), parameter=()):
    config = {"interval": 5, "maxCheckAttempts": 1, "path": "/usr/lib64/nagios/plugins", "timeout": seconds}
    given = {"probe": probe, "config": config, "attribute": options(dict(attribute))}
    return MetricTemplateSpec.model_validate_json(encode({**given, "parameter": options(dict(parameter))}))


@pytest.fixture
def silent():
    """A port that takes connections and datagrams, and never answers."""
    port = free_port()
    with (
        socket.create_server(("127.0.0.1", port), backlog=32),
        socket.socket(type=socket.SOCK_DGRAM) as datagrams,
    ):
        datagrams.bind(("127.0.0.1", port))
        yield port


def service(kind, state, port):
    """A service at loopback; each has a type of its own, for all are at one host."""
    name = f"{kind.lower()}-{state}"
    extensions = [{"key": f"{kind}_PORT", "value": str(port)}]
    url = {"url": f"http://127.0.0.1:{port}/status/200"} if kind == "HTTP" else {}
    return {"name": name, "type": name, "hostname": "127.0.0.1", "extensions": extensions, **url}


def metric(kind):
    name, _, state = kind.partition("-")
    return f"{'hasty.' if state == 'silent' else ''}x.{name.upper()}"


def test_servers_that_are_well_refuse_or_are_silent_are_told_apart(slapd, sshd, web, bind, silent, tmp_path):
    if not Path("/usr/lib/nagios/plugins/check_ldap").exists():
        pytest.skip("monitoring plugins not installed: apt-get install monitoring-plugins-standard")
    well = {"LDAP": slapd, "SSH": sshd, "HTTP": urlsplit(web).port, "DNS": bind.port}
    states = {"well": well, "refusing": dict.fromkeys(well, free_port()), "silent": dict.fromkeys(well, silent)}
    services = [service(kind, state, ports[kind]) for state, ports in states.items() for kind in well]
    profile = [{"service": one["type"], "metrics": [metric(one["type"])]} for one in services]
    held = {
        Ref("Site/NORTH"): SiteSpec.model_validate_json(encode({"services": services})),
        Ref("MetricProfile/all"): MetricProfileSpec.model_validate_json(encode({"services": profile})),
        Ref("Probe/x/all"): ProbeSpec.model_validate_json(encode({"target": {"services": {"profile": "all"}}})),
        **{Ref(f"MetricTemplate/{name}"): template(60, **given) for name, given in TEMPLATES.items()},
        **{Ref(f"MetricTemplate/hasty.{name}"): template(SECONDS, **given) for name, given in TEMPLATES.items()},
    }
    entries = {ref: Entry(ref, "a" * 32, 1, one.digest(), one.digest(), "x:y") for ref, one in held.items()}

    def details(refs):
        return {r: Details(held[r].canonical(), (), {}, {}, {}, "", {}, None, "", "") for r in refs}

    found = prepared(Inventory(entries, details), registry())
    checker = plugins.open(Target("check:local", "plugins", {}), None)
    with open_store(f"sqlite:///{tmp_path}/hanse.db", lambda: NOW) as store, bind.zone("probed.example."):
        run_due(found.values(), {}, checker, lambda: NOW, Kept(store, lambda: checks(found)), workers=12)
        stand = {found[ref].about.service: state for ref, state in store.probes.states().items()}
    said = {name: (state.hard_status, state.summary) for name, state in sorted(stand.items())}
    assert len(said) == 12
    assert {name for name, (status, _) in said.items() if status == "OK"} == {f"{k.lower()}-well" for k in well}, said
    silence = [state.seconds for name, state in stand.items() if "silent" in name]
    assert min(silence) >= SECONDS - 1
