"""Machines are let in and put out, results are told to a loop that runs, and templates come in and go out again."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import requests

from tests.real.waiting import PATIENCE, until

PROBES = """\
apiVersion: hanse/v1
kind: Site
metadata: {name: NORTH}
spec:
  services:
    - {name: dav, type: webdav, hostname: dav.north.example.org}
---
apiVersion: hanse/v1
kind: Probe
metadata: {name: dav, namespace: tides, labels: {metric: x.WebDAV}}
spec:
  target: {siteService: {site: NORTH, service: dav}}
  passive: true
  attempts: 1
"""
TEMPLATE = {
    "tags": [],
    "probe": "check_tcp",
    "config": {"interval": "5", "maxCheckAttempts": "3", "path": "/p", "retryInterval": "3", "timeout": "10"},
    "flags": {},
    "dependency": {},
    "attribute": {"PORT": "-p"},
    "parameter": {"-z": "1", "-a": ""},
    "file_attribute": {},
    "file_parameter": {},
    "parent": "",
    "docurl": "",
}


def test_a_token_is_shown_once_listed_by_name_and_revoked(federation):
    assert federation.hanse("token", "list").out.strip() == "there are no tokens"
    made = federation.hanse("token", "create", "box", "--may", "results", "--may", "read")
    token = made.out.strip()
    assert (made.code, len(token), "this once" in made.err) == (0, 46, True)
    listed = federation.hanse("token", "list").out
    assert "box" in listed
    assert "read, results" in listed
    assert token not in federation.hanse("token", "list", "-o", "json").out + listed
    assert token.encode() not in (federation.root / ".hanse/hanse.db").read_bytes()
    assert federation.hanse("token", "create", "box", "--may", "read").code == 1
    assert federation.hanse("token", "revoke", "box").code == 0
    assert "revoked" in federation.hanse("token", "list").out
    assert federation.hanse("token", "revoke", "box").code == 1


def test_results_are_told_to_the_loop_and_read_again(federation):
    federation.write("manifests/probes.yaml", PROBES)
    federation.commit()
    rights = ("--may", "results", "--may", "read", "--may", "metrics")
    token = federation.hanse("token", "create", "box", *rights).out.strip()
    base, log = federation.listening()
    told = [
        {
            "service": "webdav",
            "hostname": "dav.north.example.org",
            "metric": "x.WebDAV",
            "status": "CRITICAL",
            "timestamp": datetime.now(UTC).isoformat(),
            "summary": "no answer",
        }
    ]

    def tell():
        return requests.post(f"{base}/v1/results", json=told, headers={"x-api-key": token}, timeout=PATIENCE).json()

    until("the result counts", tell, lambda answer: answer.get("kept", 0) + answer.get("known", 0), why=log)
    assert tell() == {"kept": 0, "known": 1, "wrong": 0, "faults": []}
    answer = requests.get(f"{base}/metrics", headers={"Authorization": f"Bearer {token}"}, timeout=PATIENCE).text
    labels = 'hostname="dav.north.example.org",metric="x.WebDAV",probe="tides/dav",service="webdav"'
    assert f"hanse_probe_hard_status{{{labels}}} 2.0" in answer
    assert requests.get(f"{base}/metrics", timeout=PATIENCE).status_code == 401
    status = f"{base}/api/v2/status/Default/SITES"
    asked = lambda: requests.get(status, headers={"x-api-key": token}, timeout=PATIENCE).status_code  # noqa: E731
    until("the availability is computed", asked, lambda code: code == 200, why=log)
    said = log.end()
    assert log.process.returncode == 0, said
    assert token not in said + log.process.stdout.read()


def test_templates_come_in_and_go_out_as_they_were(federation):
    federation.write("metrics.json", json.dumps([{"x.TCP": TEMPLATE}]))
    file = str(federation.root / "metrics.json")
    assert "1 templates" in federation.hanse("import", "poem", file).out
    assert "nothing changed" in federation.hanse("import", "poem", file).out
    assert federation.hanse("validate", "--worktree").code == 0
    federation.commit()
    out = federation.hanse("export", "poem").out
    assert json.loads(out) == [{"x.TCP": TEMPLATE}]
    assert list(json.loads(out)[0]["x.TCP"]["parameter"]) == ["-z", "-a"]
    federation.write("odd.json", json.dumps([{"x.Odd": {**TEMPLATE, "colour": "red"}}]))
    odd = federation.hanse("import", "poem", str(federation.root / "odd.json"))
    assert (odd.code, "colour is not known" in odd.out) == (1, True)
