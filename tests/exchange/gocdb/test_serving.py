"""GOCDB's interface over HTTP, from a real server: who may ask, of which commit, and what it says when it cannot."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import pytest
import requests
import yaml

from reconciler.copies import Board
from reconciler.exchange.gocdb import View
from reconciler.model import encode
from reconciler.reconcile import propose
from reconciler.register import Register
from reconciler.web.gocdb import Interface, readers, routes
from reconciler.web.serving import serving
from tests.exchange.gocdb.federation import CONTACTS, service, site
from tests.house import commit, opened

TOKEN = "a-token-of-tests"
NOW = datetime(2026, 11, 21, tzinfo=UTC)


def manifest(one):
    said = {"apiVersion": "hanse/v1", "kind": one.ref.kind, "metadata": {"name": one.ref.name}}
    return yaml.safe_dump(said | {"spec": yaml.safe_load(encode(one.spec.model_dump(mode="json", exclude_none=True)))})


@pytest.fixture
def house(tmp_path):
    commit(tmp_path, {"a.yaml": manifest(site("CESGA", service("cloud")))})
    with opened(tmp_path) as house:
        propose(house, "HEAD")
        yield house


@contextmanager
def served(house, token="", **more):
    interface = Interface(Register(house), lambda: token, lambda: NOW, **more)
    with serving("127.0.0.1:0", Board(), (lambda: token) if token else None, routes(interface)) as url:
        yield url


def get(url, path="public/", token="", at="", **parameters):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    headers |= {"Hanse-At": at} if at else {}
    return requests.get(f"{url}/gocdbpi/{path}", params=parameters, headers=headers, timeout=120)


def names(answer):
    assert answer.status_code == 200, answer.text
    return [one.get("NAME") for one in ET.fromstring(answer.content) if one.tag == "SITE"]


def test_sites_are_served_with_and_without_the_last_slash(house):
    with served(house) as url:
        assert names(get(url, method="get_site")) == ["CESGA"]
        answer = get(url, "private", method="get_site")
        assert names(answer) == ["CESGA"]
        assert answer.headers["content-type"] == "application/xml"


def test_links_lead_to_the_server(house):
    with served(house) as url:
        link = ET.fromstring(get(url, method="get_service").content).findtext("SERVICE_ENDPOINT/GOCDB_PORTAL_URL")
        assert link.startswith(url)
        found = ET.fromstring(requests.get(link, timeout=120).content)
        assert found.findtext("SERVICE_ENDPOINT/HOSTNAME") == "cloud.example.org"


def test_what_is_refused_is_told_in_gocdbs_form(house):
    with served(house) as url:
        answer = get(url, method="get_site", foo="<1>")
        assert (answer.status_code, answer.text) == (400, "<error>Unsupported parameter: foo</error>\n")


def test_without_the_token_nothing_is_told(house):
    with served(house, TOKEN) as url:
        for path in ("public/", "private/"):
            assert get(url, path, method="get_site").status_code == 401
            assert get(url, path, "another", method="get_site").status_code == 401
            assert CONTACTS["csirtEmail"] in get(url, path, TOKEN, method="get_site").text


def test_a_machine_comes_in_whose_token_may_read(house):
    tokens = house.store.tokens
    made = [tokens.create(name, (name,), "tester", secrets.token_hex) for name in ("read", "results")]
    with served(house, TOKEN, lets_in=readers(tokens)) as url:
        assert [get(url, "private/", one, method="get_site").status_code for one in made] == [200, 401]


def test_public_once_opened_tells_anybody_all_but_whom_to_reach(house):
    with served(house, TOKEN, public=True) as url:
        answer = get(url, method="get_site")
        assert names(answer) == ["CESGA"]
        assert "@" not in answer.text
        assert get(url, "private/", method="get_site").status_code == 401
        assert get(url, method="get_site", at="HEAD").status_code == 401


def test_a_new_commit_is_told_and_earlier_ones_can_be_asked_for(house, tmp_path):
    with served(house) as url:
        first = names(get(url, method="get_site"))
        commit(tmp_path, {"b.yaml": manifest(site("TIDE"))})
        assert names(get(url, method="get_site")) == first
        propose(house, "HEAD")
        assert names(get(url, method="get_site")) == ["CESGA", "TIDE"]
        assert names(get(url, method="get_site", at="HEAD~1")) == first
        assert names(get(url, method="get_site", at=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S+00:00}")) == [
            "CESGA",
            "TIDE",
        ]
        gone = get(url, method="get_site", at="2001-01-01")
        assert (gone.status_code, gone.text) == (404, "<error>2001-01-01: there was no commit yet</error>\n")


def test_before_anything_was_read_it_says_so(tmp_path):
    with opened(tmp_path) as house, served(house) as url:
        answer = get(url, method="get_site")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")


def test_a_configured_scope_and_url_count(house):
    with served(house, scope="Local", url="https://registry.example.org/") as url:
        assert names(get(url, method="get_site")) == []
        assert "https://registry.example.org/gocdbpi/public/?method" in get(url, method="get_site", scope="").text


def test_entries_are_put_into_xml_once(house):
    register = Register(house)
    assert register.feed(View()) is register.feed(View())
    assert register.feed(View("https://other/")).topology is register.feed(View()).topology


def test_changes_of_certification_are_told_from_git(house, tmp_path):
    for status, reason in (("Suspended", "no answer"), ("Suspended", "no answer"), ("Uncertified", "back again")):
        change = {"certification": status, "certificationChange": {"reason": reason}}
        commit(tmp_path, {"a.yaml": manifest(site("CESGA", service("cloud"), **change))})
    commit(tmp_path, {"b.yaml": manifest(site("TIDE", certification="Candidate"))})
    propose(house, "HEAD")
    with served(house) as url:
        found = ET.fromstring(get(url, method="get_cert_status_changes", site="CESGA").content)
        assert len(ET.fromstring(get(url, method="get_cert_status_changes", enddate="2001-01-01").content)) == 0
    steps = [(one.findtext("OLD_STATUS"), one.findtext("NEW_STATUS"), one.findtext("COMMENT")) for one in found]
    assert steps == [("Certified", "Suspended", "no answer"), ("Suspended", "Uncertified", "back again")]
    assert abs(int(found[0].findtext("UNIX_TIME")) - datetime.now(UTC).timestamp()) < 600
    assert found[0].findtext("TIME").startswith(f"{datetime.now(UTC):%d-%b-%Y}")
