"""Pull requests from the loop: planned as data, told once and kept up to date, those that touch the same told so."""

from __future__ import annotations

import pytest

from reconciler.daemon.forging import forging
from reconciler.daemon.loop import Bell
from reconciler.daemon.pulls import Pulls, apart
from reconciler.daemon.service import Service
from reconciler.plan.render import MARKER
from tests.e2e.test_line import VO
from tests.house import commit, git, opened
from tests.real.forges import TOKEN, forge_server
from tests.tenancy.federation import TENANCY, begun, record, signed

RECORD = """\
apiVersion: hanse/v1
kind: DNSRecord
metadata:
  name: {name}
  namespace: vo.example.org
spec:
  zone: fed.example.org
  name: {name}
  type: A
  ttl: 300
  values: [192.0.2.{last}]
"""
SETTINGS = """\
[source]
remote = "{remote}"
revision = "main"

[forge]
kind = "{kind}"
url = "{url}"
repository = "ocean/federation"
token = {{ env = "FORGE_TOKEN" }}
page = "https://hanse.example.org"
"""
ENVIRONMENT = {"FORGE_TOKEN": TOKEN}


@pytest.fixture
def upstream(tmp_path):
    made = tmp_path / "upstream"
    made.mkdir()
    commit(made, {"vo.yaml": VO, "www.yaml": RECORD.format(name="www", last=1)})
    return made


@pytest.fixture(params=["github", "gitlab"])
def server(request):
    with forge_server(request.param) as made:
        yield made


@pytest.fixture
def root(tmp_path, upstream, server):
    root = tmp_path / "hanse"
    root.mkdir()
    (root / "hanse.toml").write_text(SETTINGS.format(remote=upstream, kind=server.kind, url=server.url))
    return root


@pytest.fixture
def service(root):
    with opened(root, ENVIRONMENT) as house:
        made = Service(house, "main")
        made.fetcher.now()
        with made.holding(Bell()):
            yield made


def pull(upstream, server, number: int, files) -> str:
    """Open a pull request, or push to it."""
    ref = f"refs/merge-requests/{number}/head" if server.kind == "gitlab" else f"refs/pull/{number}/head"
    git(upstream, "checkout", "-q", "--detach", "main")
    head = commit(upstream, files)
    git(upstream, "update-ref", ref, head)
    git(upstream, "checkout", "-q", "main")
    server.pulls[:] = [one for one in server.pulls if one[0] != number] + [(number, head, "main")]
    return head


def states(server, commit_id: str) -> list[str]:
    return [state for known, state, _ in server.statuses if known == commit_id]


def test_a_pull_request_is_told_its_plan_in_one_comment(service, upstream, server):
    service.step(Bell())
    head = pull(upstream, server, 7, {"new.yaml": RECORD.format(name="new", last=20)})
    service.forging.once()
    (told,) = server.told(7)
    assert told.startswith(MARKER)
    assert "create DNSRecord/vo.example.org/new" in told
    assert "DNSRecord/vo.example.org/www" not in told
    assert states(server, head) == ["pending", "success"]
    again = pull(upstream, server, 7, {"new.yaml": RECORD.format(name="newer", last=21)})
    service.forging.once()
    (told,) = server.told(7)
    assert "DNSRecord/vo.example.org/newer" in told
    assert states(server, again) == ["pending", "success"]


def test_nothing_new_is_not_told_again(service, upstream, server):
    pull(upstream, server, 7, {"new.yaml": RECORD.format(name="new", last=20)})
    service.forging.once()
    before = len(server.asked)
    service.forging.once()
    assert [one.split()[0] for one in server.asked[before:]] == ["GET"]


def test_two_that_touch_the_same_are_both_told_so(service, upstream, server):
    pull(upstream, server, 7, {"www.yaml": RECORD.format(name="www", last=7)})
    service.forging.once()
    assert "Other open pull requests" not in server.told(7)[0]
    pull(upstream, server, 8, {"www.yaml": RECORD.format(name="www", last=8)})
    pull(upstream, server, 9, {"new.yaml": RECORD.format(name="new", last=9)})
    service.forging.once()
    assert "- #8: `DNSRecord/vo.example.org/www`" in server.told(7)[0]
    assert "- #7: `DNSRecord/vo.example.org/www`" in server.told(8)[0]
    assert "Other open pull requests" not in server.told(9)[0]
    server.pulls[:] = [one for one in server.pulls if one[0] != 8]
    service.forging.once()
    assert "Other open pull requests" not in server.told(7)[0]


def test_what_the_branch_did_meanwhile_is_not_said_of_the_pull_request(service, upstream, server):
    pull(upstream, server, 7, {"new.yaml": RECORD.format(name="new", last=20)})
    commit(upstream, {"other.yaml": RECORD.format(name="other", last=30)})
    service.fetcher.now()
    service.step(Bell())
    service.forging.once()
    (told,) = server.told(7)
    assert "DNSRecord/vo.example.org/new" in told
    assert "DNSRecord/vo.example.org/other" not in told


def test_a_pull_request_that_cannot_be_planned_is_told_its_faults(service, upstream, server):
    head = pull(upstream, server, 7, {"new.yaml": RECORD.format(name="new", last="20\n  evil: <script>")})
    service.forging.once()
    (told,) = server.told(7)
    assert "Cannot be planned" in told
    assert "manifests/new.yaml:12:7: " in told
    assert states(server, head)[-1] in ("failure", "failed")


def test_what_a_pull_request_brings_besides_manifests_is_data(service, upstream, server, tmp_path):
    touched = tmp_path / "touched"
    evil = f"[source]\nrevision = 'HEAD'\nplaybooks = '{touched}'\n"
    git(upstream, "checkout", "-q", "--detach", "main")
    (upstream / "hanse.toml").write_text(evil)
    (upstream / "playbooks").mkdir()
    (upstream / "playbooks" / "site.yml").write_text(f"- hosts: all\n  tasks: [{{command: touch {touched}}}]\n")
    (upstream / ".gitattributes").write_text("* filter=evil\n")
    pull(upstream, server, 7, {"new.yaml": RECORD.format(name="new", last=20)})
    before = service.house.settings
    service.forging.once()
    assert "create DNSRecord/vo.example.org/new" in server.told(7)[0]
    assert service.house.settings == before
    assert not touched.exists()
    assert not list((tmp_path / "hanse").rglob("site.yml"))


def test_a_commit_has_a_status_while_it_is_applied_and_after_it(service, upstream, server):
    service.step(Bell())
    service.forging.drain()
    head = git(upstream, "rev-parse", "main")
    assert [one for one in server.statuses if one[0] == head] == [
        (head, "pending", f"applying {head[:12]}: 2 to create; 0 unchanged."),
        (head, "success", f"deployed {head[:12]}: 2 done"),
    ]
    service.step(Bell())
    service.forging.drain()
    assert len(server.statuses) == 2


def test_a_commit_of_which_something_waits_is_not_deployed_yet(service, upstream, server):
    service.house.store.pauses.pause("resource:DNSRecord/vo.example.org/www", "not now", "ada")
    service.step(Bell())
    service.forging.drain()
    head = git(upstream, "rev-parse", "main")
    waiting, said = [one[1:] for one in server.statuses if one[0] == head][-1]
    assert waiting == "pending"
    if server.kind == "github":
        assert said.startswith(f"deploying {head[:12]}: 1 done, 1 deferred: create held: ")
    service.house.store.pauses.resume("resource:DNSRecord/vo.example.org/www", "ada")
    for _ in range(3):  # a round looks at what a change concerns, the next one at what that rests on
        service.step(Bell())
    service.forging.drain()
    assert server.statuses[-1] == (head, "success", f"deployed {head[:12]}: 1 done")


def test_a_restart_says_nothing_anew_of_what_is_in_force(root, service, upstream, server):
    service.step(Bell())
    service.forging.drain()
    before = list(server.statuses)
    again = Service(service.house, "main")
    again.step(Bell())
    again.forging.drain()
    assert server.statuses == before


def test_a_commit_that_is_not_in_force_is_told_so(service, upstream, server):
    commit(upstream, {"new.yaml": RECORD.format(name="new", last=20)})
    service.fetcher.now()
    service.step(Bell())
    git(upstream, "reset", "-q", "--hard", "HEAD~1")
    head = commit(upstream, {"other.yaml": RECORD.format(name="other", last=21)})
    service.fetcher.now()
    service.step(Bell())
    service.forging.drain()
    ((_, state, said),) = [one for one in server.statuses if one[0] == head]
    assert state in ("failure", "failed")
    assert said.startswith("not in force: history was rewritten")


def test_a_pull_request_whose_head_is_gone_holds_no_other_up(service, upstream, server):
    server.pulls.append((6, "b" * 40, "main"))
    pull(upstream, server, 7, {"new.yaml": RECORD.format(name="new", last=20)})
    service.forging.once()
    assert "create DNSRecord/vo.example.org/new" in server.told(7)[0]


def test_a_forge_that_is_out_of_order_stops_nothing(service, upstream, server):
    pull(upstream, server, 7, {"new.yaml": RECORD.format(name="new", last=20)})
    server.refuse[:] = [500] * 3
    service.step(Bell())
    service.forging.once()
    assert server.told(7) == []
    service.forging.once()
    assert len(server.told(7)) == 1


def test_a_review_brings_what_is_told_up_to_date(tmp_path):
    with forge_server("gitea") as server:
        settings = SETTINGS.replace('[source]\nremote = "{remote}"\nrevision = "main"\n', "")
        more = settings.format(kind="gitea", url=server.url)
        root = begun(tmp_path / "fed", more)
        tides = TENANCY.partition("  approvals:")[0].format(vo="tides", who="ada")
        signed(root, "olga", {"tenancy/tides.yaml": tides.replace("{signer: ada@example.org}", '{user: "@ada"}')})
        with opened(root, ENVIRONMENT) as house:
            service = Service(house, "main")
            with service.holding(Bell()):
                service.step(Bell())
            pulls, number = Pulls(apart(house), service.forging.forge, "main", lambda _refs: None), 7
            git(root, "checkout", "-qb", "line")
            head = signed(root, "bob", {"tides/www.yaml": record("tides", value="192.0.2.9")})
            git(root, "checkout", "-q", "main")
            server.pulls.append((number, head, "main"))

            def told() -> tuple[str, str]:
                pulls.look()
                (comment,) = server.told(number)
                return comment, server.statuses[-1][2]

            assert told()[1] == "needs the word of vo:tides"
            server.reviews.append((number, "bob", "APPROVED", head))
            assert told()[1] == "needs the word of vo:tides"
            server.reviews.append((number, "ada", "APPROVED", head))
            comment, status = told()
            assert "- `vo:tides`: agreed by `@ada`" in comment
            assert status.startswith("vo:tides: agreed by @ada; Plan: 1 to update")
            before = len(server.statuses)
            told()
            assert len(server.statuses) == before
            server.reviews.append((number, "ada", "REQUEST_CHANGES", head))
            assert told()[1] == "needs the word of vo:tides"


def test_without_a_forge_nobody_is_told(upstream, tmp_path):
    with opened(upstream) as house:
        assert forging(house, "main", lambda _refs: None) is None
