"""Rules, dashboard and configuration in docs/monitoring speak of what ``GET /metrics`` tells, and Prometheus takes them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

DOCS = Path(__file__).parents[2] / "docs"
MONITORING = DOCS / "monitoring"
NAME = re.compile(r"\b(?:hanse|process)_[a-z_]+\b")
FROM_PROMETHEUS = {"up"}


def promtool(*arguments: str | Path, text: str = "") -> subprocess.CompletedProcess[str]:
    if shutil.which("promtool") is None:
        said = "promtool is missing: Debian's package prometheus has it"
        pytest.fail(said) if os.environ.get("CI") == "true" else pytest.skip(said)
    return subprocess.run(["promtool", *map(str, arguments)], input=text, capture_output=True, text=True, check=False)


def fine(done: subprocess.CompletedProcess[str]) -> bool:
    assert done.returncode == 0, done.stdout + done.stderr
    return True


def names(text: str) -> set[str]:
    """Every name of a sample that ``text`` may have, whether there is one now or not."""
    ends = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}
    families = text_string_to_metric_families(text)
    return {f"{one.name}{end}" for one in families for end in ends.get(one.type, ("",))}


def dashboard() -> list[str]:
    board = json.loads((MONITORING / "hanse-dashboard.json").read_text(encoding="utf-8"))
    asked = [target["expr"] for panel in board["panels"] for target in panel.get("targets", ())]
    return asked + [one["definition"] for one in board["templating"]["list"] if "definition" in one]


def rules() -> list[dict]:
    (group,) = yaml.safe_load((MONITORING / "hanse-alerts.yml").read_text(encoding="utf-8"))["groups"]
    return group["rules"]


def test_what_is_told_is_as_prometheus_wants_it(scraped):
    assert fine(promtool("check", "metrics", text=scraped))


def test_the_rules_can_be_read():
    assert fine(promtool("check", "rules", MONITORING / "hanse-alerts.yml"))


def test_each_alert_fires_on_its_condition_and_not_otherwise():
    assert fine(promtool("test", "rules", Path(__file__).with_name("alerts.yml")))


def test_each_alert_is_tried_both_ways():
    tried: dict[str, set[bool]] = {}
    for test in yaml.safe_load(Path(__file__).with_name("alerts.yml").read_text(encoding="utf-8"))["tests"]:
        for one in test["alert_rule_test"]:
            tried.setdefault(one["alertname"], set()).add(bool(one.get("exp_alerts")))
    assert {rule["alert"] for rule in rules()} == {name for name, ways in tried.items() if ways == {True, False}}


def test_the_configuration_is_taken(tmp_path):
    shutil.copytree(MONITORING, tmp_path / "p")
    (tmp_path / "p/hanse.token").write_text("hanse_x", encoding="utf-8")
    assert fine(promtool("check", "config", tmp_path / "p/prometheus.yml"))


def test_rules_and_dashboard_ask_for_what_there_is(scraped):
    asked = {name for text in [*dashboard(), *(rule["expr"] for rule in rules())] for name in NAME.findall(text)}
    assert len(asked) > 20
    assert asked - names(scraped) == set()


def test_everything_that_is_told_of_reconciling_is_on_the_dashboard(scraped):
    shown = {name for text in dashboard() for name in NAME.findall(text)}
    of_probes = {name for name in names(scraped) if name.startswith(("hanse_probe_", "hanse_probes", "process_"))}
    alone = {"hanse_lease_held", "hanse_queue_waiting"}
    told = {name for name in names(scraped) if not name.endswith(("_sum", "_count"))}
    assert told - of_probes - shown - alone == set()


def test_panels_of_the_dashboard_lie_beside_one_another():
    board = json.loads((MONITORING / "hanse-dashboard.json").read_text(encoding="utf-8"))
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    assert all(panel["datasource"]["uid"] == "${datasource}" for panel in board["panels"] if panel["type"] != "row")


@pytest.mark.parametrize("expr", dashboard())
def test_a_query_of_the_dashboard_is_one(expr, tmp_path):
    if expr.startswith("label_values("):
        expr = expr.removeprefix("label_values(").rpartition(",")[0]
    plain = expr.replace("$__rate_interval", "5m")
    rule = {"groups": [{"name": "d", "rules": [{"record": "d:d", "expr": plain}]}]}
    (tmp_path / "d.yml").write_text(json.dumps(rule), encoding="utf-8")
    assert fine(promtool("check", "rules", tmp_path / "d.yml"))


def test_each_alert_says_where_its_cure_stands():
    for rule in rules():
        page, _, anchor = rule["annotations"]["runbook"].partition("#")
        assert anchor == rule["alert"].lower()
        assert f"\n### {rule['alert']}\n" in (DOCS.parent / page).read_text(encoding="utf-8")


def test_no_single_resource_is_told_of(scraped):
    assert "www" not in scraped
