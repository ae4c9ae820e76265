"""``/api/v1`` on a real server over a federation that was planned and applied."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

import pytest

from reconciler.web.api.endpoints import BASE, ENDPOINTS
from tests.web.shown.conftest import LOST, TOKEN, WWW

PATHS = [
    "/api/openapi.json",
    *(f"{BASE}{one.path}".format(kind="DNSRecord", namespace="tides", name="www", run="x") for one in ENDPOINTS),
    f"{BASE}/nowhere",
    f"{BASE}/stream",
]


@pytest.mark.parametrize("path", PATHS)
def test_no_token_and_a_wrong_one_are_refused(looked, path):
    for token in (None, "wrong", TOKEN[:-1]):
        answer = looked.get(path, token)
        assert answer.status_code == 401, token
        assert answer.headers["content-type"] == "application/problem+json"
        assert "tides" not in answer.text
    assert "Bearer" in answer.headers["www-authenticate"]


def test_a_token_of_a_machine_may_read_where_it_may(looked):
    tokens = looked.store.tokens
    may, not_ = (
        tokens.create(name, [right], "me", lambda n, s=name: s[0] * 2 * n)
        for name, right in (("a", "read"), ("b", "results"))
    )
    assert looked.get(f"{BASE}/status", None, **{"x-api-key": may}).status_code == 200
    refused = looked.get(f"{BASE}/status", not_)
    assert (refused.status_code, refused.json()["detail"]) == (403, "the token b may not read: it may results")
    tokens.revoke("a")
    assert looked.get(f"{BASE}/status", may).status_code == 401


def test_a_browser_shows_the_token_as_a_password(looked):
    shown = base64.b64encode(f"anybody:{TOKEN}".encode()).decode()
    assert looked.get(f"{BASE}/status", None, Authorization=f"Basic {shown}").status_code == 200
    for bad in ("!!", base64.b64encode(b"anybody:wrong").decode(), base64.b64encode(b"\xff:\xff").decode()):
        assert looked.get(f"{BASE}/status", None, Authorization=f"Basic {bad}").status_code == 401


def test_without_a_token_only_own_names_are_answered_to(blocked):
    assert blocked.get(f"{BASE}/status", None).status_code == 200
    assert blocked.get(f"{BASE}/status", None, Host="localhost:1").status_code == 200
    assert blocked.get(f"{BASE}/status", None, Host="rebound.example.org").status_code == 403


def test_the_status_tells_what_is_not_ready_and_what_was_done(looked):
    found = looked.json(f"{BASE}/status")
    assert found["counts"]["Site"] == {"True": 3}
    assert [one["ref"] for one in found["troubled"]] == [LOST]
    assert found["unread"][0]["target"] == "dns:dark.example.org."
    assert found["runs"][0]["counts"]["create"] >= 5
    assert len(found["commit"]) == 40


def test_resources_come_in_portions_that_add_up(looked):
    whole = [one["ref"] for one in looked.json(f"{BASE}/resources")["items"]]
    assert len(whole) >= 11
    found, cursor = [], ""
    while True:
        portion = looked.json(f"{BASE}/resources?limit=3&cursor={cursor}")
        found += [one["ref"] for one in portion["items"]]
        if portion["next"] is None:
            break
        cursor = portion["next"]
    assert found == whole == sorted(whole)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("kind=Site", ["Site/EAST", "Site/NORTH", "Site/SOUTH"]),
        ("namespace=tides&kind=DNSRecord", [LOST, "DNSRecord/tides/mail", WWW]),
        ("condition=Ready:Unknown", [LOST]),
        ("contains=NoRtH", ["Site/NORTH"]),
        ("contains=%25", []),
        ("kind=Sit", []),
    ],
)
def test_resources_are_found_by_kind_namespace_and_condition(looked, query, expected):
    assert [one["ref"] for one in looked.json(f"{BASE}/resources?{query}")["items"]] == expected


def test_a_resource_tells_how_it_stands_and_why(looked):
    found = looked.json(f"{BASE}/resources/DNSRecord/tides/lost")
    ready = next(one for one in found["conditions"] if one["type"] == "Ready")
    assert (ready["status"], found["causes"]) == ("Unknown", ["dns:dark.example.org."])
    assert found["explanation"]["below"][0]["said"][0].startswith("cannot be read")
    assert found["desired"]["zone"] == "dark.example.org."
    good = looked.json(f"{BASE}/resources/DNSRecord/tides/www")
    assert [event["verb"] for event in good["events"]] == ["create"]
    assert good["explanation"]["well"] is True
    assert good["file"] == "manifests/all.yaml"


def test_what_is_not_there_is_told(looked):
    for path in ("/resources/Site/NOWHERE", "/runs/x", "/nowhere", "/resources/Site/a%00b", "/availability?report=No"):
        answer = looked.get(f"{BASE}{path}")
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json"), path


@pytest.mark.parametrize(
    "query",
    [
        "resources?limit=0",
        "resources?limit=501",
        "resources?limit=x",
        "resources?kind=%3Cb%3E",
        "resources?condition=Ready",
        "resources?nonsense=1",
        "resources?limit=1&limit=2",
        "resources?contains=%00",
        "events?cursor=-1",
        "availability?first=1",
        "availability?first=2026-01-02&last=2026-01-01",
        "availability?last=0001-01-01",
        "usage?month=2026-13",
        "usage?since=2026-02&month=2026-01",
    ],
)
def test_what_cannot_be_understood_is_refused(looked, query):
    answer = looked.get(f"{BASE}/{query}")
    assert (answer.status_code, answer.json()["status"]) == (400, 400), answer.text


def test_an_answer_that_has_not_changed_is_not_sent_again(looked):
    first = looked.get(f"{BASE}/resources?kind=Site")
    again = looked.get(f"{BASE}/resources?kind=Site", **{"If-None-Match": f'"other", W/{first.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    assert looked.get(f"{BASE}/resources?kind=VO", **{"If-None-Match": first.headers["etag"]}).status_code == 200


def test_runs_events_plan_and_graph_tell_the_same_story(looked):
    (run,) = looked.json(f"{BASE}/runs")["items"]
    assert looked.json(f"{BASE}/runs/{run['id']}") == run
    events = looked.json(f"{BASE}/events?run={run['id']}&limit=2")
    assert len(events["items"]) == 2
    rest = looked.json(f"{BASE}/events?run={run['id']}&cursor={events['next']}")
    assert {one["ref"] for one in (*events["items"], *rest["items"])} >= {WWW, "VO/tides"}
    plan = looked.json(f"{BASE}/plan")
    done = {one["ref"] for one in plan["actions"] if one["outcome"] == "done"}
    assert WWW in done
    assert LOST not in done
    assert (plan["digest"], plan["commit"]) == (run["plan_digest"], run["commit"])
    graph = looked.json(f"{BASE}/graph")
    ready = {node["ref"]: node["ready"] for node in graph["nodes"]}
    assert (ready[WWW], ready[LOST]) == ("True", "Unknown")
    assert {"first": "VO/tides", "then": "Dataset/tides/notes", "gate": "exists"} in graph["edges"]


def test_what_waits_for_a_person_is_told_with_the_command(blocked):
    found = blocked.json(f"{BASE}/status")
    names = {f"DNSRecord/waves/{name}" for name in "abc"}
    assert {one["ref"] for one in found["blocked"]} == {*names, "VirtualCluster/ebb/big"}
    assert any("hanse approve --action delete --kind DNSRecord" in step for step in found["steps"])


def test_availability_and_usage_are_told(looked, numbers):
    found = looked.json(f"{BASE}/availability?site=NORTH&first={numbers.days[-1]}&last={numbers.days[0]}")
    assert (found["report"], len(found["items"])) == ("Default", 20)
    assert {one["availability"] for one in found["items"]} == {100.0, 98.5, 91.0, 62.0, 12.0, None}
    since = f"{datetime.now(UTC).year - 1}-06"
    used = looked.json(f"{BASE}/usage?since={since}&vo=waves")["items"]
    assert {one["site"] for one in used} == {"NORTH", "SOUTH"}
    assert sum(one["core_hours"] for one in used) == pytest.approx(
        400 * sum((n + b) for n in (1, 2) for b in (1, 2, 3))
    )


def test_a_stream_tells_when_something_was_done(looked):
    with looked.session.get(
        f"{looked.url}{BASE}/stream", headers={"x-api-key": TOKEN}, stream=True, timeout=120
    ) as answer:
        lines = answer.iter_lines(decode_unicode=True)
        assert next(lines) == "event: changed"
        assert json.loads(next(lines).removeprefix("data: "))["state"] == "failed"
