"""What people do by page and API: the right ones may, the wrong ones not, and nobody agrees to what he has not seen."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from reconciler.daemon.loop import Bell
from reconciler.model import Ref
from reconciler.web.api.document import document
from reconciler.web.api.endpoints import BASE, ENDPOINTS
from tests.real.oidc import NORTH, OPERATOR, STRANGER, TIDES, WAVES
from tests.real.waiting import PATIENCE, until
from tests.web.login.conftest import MANIFESTS, SETTINGS, Entered, Entering
from tests.web.shown.conftest import commit

OWNERS = """\
[[tenancy.owners]]
entitlement = "urn:mace:egi.eu:group:hanse:operators:role=member#aai.egi.eu"
issuer = "{issuer}"
"""
TENANCY = """\
---
apiVersion: hanse/v1
kind: Tenancy
metadata: {{name: {name}}}
spec:
  authority: {{vo: {name}}}
  scope: {{namespaces: [{name}]}}
  allow:
    - who: [{{entitlement: "urn:mace:egi.eu:group:{name}:role=manager#aai.egi.eu", issuer: "{issuer}"}}]
      actions: [create, update, delete, approve, pause]
"""


@dataclass
class Federation:
    """Two VOs, each with a Tenancy that the operator has agreed to, and a change of each that waits."""

    entered: Entered
    text: str

    @property
    def plan(self):
        return self.entered.service.planned.plan

    def part(self, name):
        return next(one for one in self.plan.parts if one.name == name)

    def step(self):
        self.entered.service.step(Bell())

    def change(self, old, new):
        assert old in self.text
        self.text = self.text.replace(old, new)
        commit(self.entered.root, self.text)
        self.step()

    def updated(self, ref):
        return self.entered.store.events.history(Ref(ref))

    def ask(self, method, path, who="", body=None, **headers) -> requests.Response:
        token = self.entered.provider.token(who) if "@" in who else who
        shown = {"Authorization": f"Bearer {token}"} if token else {}
        data = json.dumps(body) if body is not None else None
        return requests.request(
            method,
            f"{self.entered.url}{path}",
            headers={**shown, **headers},
            data=data,
            timeout=120,
            allow_redirects=False,
        )

    def agree(self, who, part, seen=None, reason="ticket 12"):
        seen = seen or self.part(part).digest
        path = "/api/v1/plans/latest/consents"
        return self.ask("POST", path, who, {"part": part, "reason": reason}, **{"If-Match": f'"{seen}"'})


@pytest.fixture(scope="module")
def federation(tmp_path_factory, oidc) -> Iterator[Federation]:
    with Entering(
        tmp_path_factory.mktemp("deeds"), oidc, SETTINGS + OWNERS + "[run]\ninterval_seconds = 3600\n"
    ) as entered:
        text = MANIFESTS + "".join(TENANCY.format(name=name, issuer=oidc.url) for name in ("tides", "waves"))
        made = Federation(entered, text)
        commit(entered.root, text)
        made.step()
        assert [one.name for one in made.plan.parts] == ["owners"]
        assert made.agree(TIDES, "owners").status_code == 403
        assert made.agree(OPERATOR, "owners", reason="the first Tenancies").status_code == 201
        made.step()
        assert not [one for one in made.plan.parts if one.open]
        yield made


@pytest.fixture
def waiting(federation) -> Federation:
    """Both VOs' names are to get other addresses; nobody has proved that he may say so."""
    numbers = re.findall(r"192\.0\.2\.(\d+)", federation.text)
    for old in numbers:
        federation.text = federation.text.replace(f"192.0.2.{old}", f"192.0.2.{int(old) + 20}")
    commit(federation.entered.root, federation.text)
    federation.step()
    assert [one.name for one in federation.plan.parts if one.open] == ["vo:tides", "vo:waves"]
    yield federation
    for who, part in ((TIDES, "vo:tides"), (WAVES, "vo:waves")):
        if any(one.name == part and one.open for one in federation.plan.parts):
            assert federation.agree(who, part).status_code in (200, 201)
    federation.step()


def test_the_right_one_agrees_to_his_part_and_it_alone_is_done(waiting):
    for who in (WAVES, NORTH, OPERATOR):
        refused = waiting.agree(who, "vo:tides")
        assert refused.status_code == 403, who
        assert "may not agree to vo:tides" in refused.json()["detail"]
    assert waiting.agree(STRANGER, "vo:tides").status_code == 403
    given = waiting.agree(TIDES, "vo:tides")
    assert given.status_code == 201
    told = given.json()
    assert (told["identity"], told["proof"], told["issuer"]) == (TIDES, "oidc", waiting.entered.provider.url)
    waiting.step()
    done = {event.ref for event in waiting.entered.store.events.history(limit=3) if event.verb == "update"}
    assert "DNSRecord/tides/www" in done
    assert [one.name for one in waiting.plan.parts if one.open] == ["vo:waves"]


def test_nobody_agrees_to_what_he_has_not_seen(waiting):
    seen = waiting.part("vo:tides").digest
    path, body = "/api/v1/plans/latest/consents", {"part": "vo:tides", "reason": "x"}
    assert waiting.ask("POST", path, TIDES, body).status_code == 428
    waiting.change("name: tides}\nspec: {description: what", "name: tides}\nspec: {description: That")
    waiting.change("metadata: {name: www, namespace: tides}", "metadata: {name: www, namespace: tides, labels: {a: b}}")
    waiting.change('values: ["192.0.2.', 'ttl: 77, values: ["192.0.2.')
    assert waiting.part("vo:tides").digest != seen
    assert waiting.agree(TIDES, "vo:tides", seen).status_code == 412
    assert waiting.agree(TIDES, "vo:tides").status_code == 201


def test_the_same_word_again_is_one_word_and_who_gave_it_takes_it_back(waiting):
    first, again = waiting.agree(TIDES, "vo:tides"), waiting.agree(TIDES, "vo:tides")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    way = f"/api/v1/plans/latest/consents/{first.json()['id']}"
    assert waiting.ask("DELETE", way, WAVES).status_code == 403
    assert waiting.ask("DELETE", way, TIDES).status_code == 204
    assert waiting.ask("DELETE", way, TIDES).status_code == 404
    waiting.step()
    assert waiting.part("vo:tides").open


def test_what_makes_no_sense_is_refused_with_its_reason(waiting):
    path, seen = "/api/v1/plans/latest/consents", {"If-Match": f'"{waiting.part("vo:tides").digest}"'}
    for body, status in (
        ({"part": "vo:tides"}, 422),
        ({"part": "vo:tides", "reason": ""}, 422),
        ({"part": "vo:tides", "reason": " "}, 422),
        ({"part": "vo:tides", "reason": "x", "more": 1}, 422),
        ({"part": "vo:tides", "reason": "x", "expires": "2001-01-01T00:00:00Z"}, 422),
        ({"part": "site:NOWHERE", "reason": "x"}, 404),
    ):
        assert waiting.ask("POST", path, TIDES, body, **seen).status_code == status, body
    assert waiting.ask("POST", path, TIDES, None, **seen).status_code == 400
    assert waiting.ask("GET", "/api/v1/plans/0000000000000000/consents", TIDES).status_code == 404


def test_a_machine_gives_no_word_and_a_cookie_does_not_count_for_the_api(waiting):
    store = waiting.entered.store
    token = store.tokens.create("robot", ["read", "pause"], "me", lambda n: "7e" * n)
    assert waiting.agree(token, "vo:tides").status_code == 403
    assert waiting.ask("POST", "/api/v1/pauses", token, {"scope": "all", "reason": "x"}).status_code == 201
    assert waiting.ask("DELETE", "/api/v1/pauses/all", token).status_code == 204
    browser = waiting.entered.logged_in(TIDES)
    seen = {"If-Match": f'"{waiting.part("vo:tides").digest}"'}
    body = json.dumps({"part": "vo:tides", "reason": "x"})
    way = f"{waiting.entered.url}/api/v1/plans/latest/consents"
    assert browser.post(way, data=body, headers=seen, timeout=120).status_code == 401


def test_the_page_shows_the_parts_and_a_way_to_agree_to_those_who_may(waiting):
    url = waiting.entered.url
    his, other = waiting.entered.logged_in(TIDES, "/plan"), waiting.entered.logged_in(WAVES, "/plan")
    mine, theirs = (one.get(f"{url}/plan", timeout=120).text for one in (his, other))
    assert "Approve…" in mine
    assert 'part?name=vo%3Atides">Approve' in mine
    assert 'part?name=vo%3Atides">Approve' not in theirs
    way = f"{url}/plan/part?name=vo:tides"
    refused = other.get(way, timeout=120).text
    assert "You, Wanda Waves, are not among those who may agree" in refused
    page = his.get(way, timeout=120).text
    assert "192.0.2." in page
    form = dict(re.findall(r'name="(csrf|part|seen)" value="([^"]*)"', page))
    for wrong in ({"csrf": "0" * 64}, {"csrf": ""}, {"seen": "0" * 64}, {"reason": ""}):
        said = his.post(f"{url}/plan/agree", data={**form, "reason": "as agreed", **wrong}, timeout=120)
        assert said.status_code in (403, 412, 422), wrong
    stolen = {**form, "csrf": re.search(r'name="csrf" value="([^"]*)"', other.get(f"{url}/me", timeout=120).text)[1]}
    assert his.post(f"{url}/plan/agree", data={**stolen, "reason": "x"}, timeout=120).status_code == 403
    assert other.post(f"{url}/plan/agree", data={**stolen, "reason": "x"}, timeout=120).status_code == 403
    assert his.post(f"{url}/plan/agree", data={**form, "reason": "as <b>agreed"}, timeout=120).url == f"{url}/plan"
    after = his.get(way, timeout=120).text
    assert "as &lt;b&gt;agreed" in after
    taken = dict(re.findall(r'name="(csrf|id)" value="([^"]*)"', after))
    his.post(f"{url}/plan/withdraw", data=taken, timeout=120)
    assert "as &lt;b&gt;agreed" not in his.get(way, timeout=120).text


def test_the_loop_is_woken_and_does_what_was_agreed_to(waiting):
    service, bell = waiting.entered.service, Bell()
    running = threading.Thread(target=service.run, args=(bell,))
    planned, before = service.planned, service.house.fence
    running.start()
    try:
        planned = until("a plan", lambda: service.planned, lambda found: found is not planned)
        assert waiting.agree(TIDES, "vo:tides").status_code == 201
        until("it is done", lambda: [e for e in waiting.updated("DNSRecord/tides/www") if e.at > planned.at])
    finally:
        bell.end()
        running.join(PATIENCE)
        service.house.fence = before
    assert [event.state for event in waiting.updated("DNSRecord/tides/www") if event.at > planned.at] == ["done"]


@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("/plans/{digest}/consents", "GET"),
        ("/plans/{digest}/consents", "POST"),
        ("/plans/{digest}/consents/{id}", "DELETE"),
        ("/pauses", "GET"),
        ("/pauses", "POST"),
        ("/pauses/{scope}", "DELETE"),
        ("/whoami", "GET"),
    ],
)
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_every_deed_keeps_to_the_document(federation, path, method, mode):
    if mode is GenerationMode.NEGATIVE and path in ("/pauses", "/whoami") and method == "GET":
        return  # nothing can be asked wrongly
    operation = schemathesis.openapi.from_dict(document(ENDPOINTS))[f"{BASE}{path}"][method]
    token = federation.entered.provider.token(OPERATOR)

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(max_examples=8, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    def keeps(case):
        case.call_and_validate(
            base_url=federation.entered.url,
            headers={"Authorization": f"Bearer {token}"},
            excluded_checks=[positive_data_acceptance],
        )

    keeps()
    for held in federation.entered.store.pauses.list():
        federation.entered.store.pauses.resume(held.scope, "the tests")


def test_things_are_held_by_those_who_may_and_by_nobody_else(waiting):
    entered, scope = waiting.entered, "namespace:tides"
    for who in (WAVES, NORTH, STRANGER):
        assert waiting.ask("POST", "/api/v1/pauses", who, {"scope": scope, "reason": "x"}).status_code == 403, who
    for wrong in ("all", "namespace:waves", "resource:DNSRecord/waves/www", "namespace:nowhere"):
        assert waiting.ask("POST", "/api/v1/pauses", TIDES, {"scope": wrong, "reason": "x"}).status_code == 403, wrong
    made = waiting.ask("POST", "/api/v1/pauses", TIDES, {"scope": scope, "reason": "a regatta"})
    assert made.status_code == 201
    assert TIDES in made.json()["by"]
    assert waiting.ask("POST", "/api/v1/pauses", TIDES, {"scope": scope, "reason": "again"}).status_code == 200
    assert [one["scope"] for one in waiting.ask("GET", "/api/v1/pauses", TIDES).json()["items"]] == [scope]
    assert waiting.ask("DELETE", f"/api/v1/pauses/{scope}", WAVES).status_code == 403
    assert waiting.ask("DELETE", f"/api/v1/pauses/{scope}", TIDES).status_code == 204
    assert waiting.ask("POST", "/api/v1/pauses", OPERATOR, {"scope": "all", "reason": "x"}).status_code == 201
    browser = entered.logged_in(OPERATOR, "/hold?scope=all")
    form = dict(
        re.findall(r'name="(csrf|scope)" value="([^"]*)"', browser.get(f"{entered.url}/hold", timeout=120).text)
    )
    assert browser.post(f"{entered.url}/resume", data=form, timeout=120).url == f"{entered.url}/"
    assert not entered.store.pauses.list()
