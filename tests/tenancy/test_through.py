"""From a signed commit to what is done: only what those have changed who may, and the rest goes on."""

from __future__ import annotations

import shutil
from pathlib import Path

import jsonschema
import orjson
import pytest
from typer.testing import CliRunner

from reconciler.cli.application import app
from reconciler.model import Reason, Who
from reconciler.plan.render import markdown, text
from reconciler.plan.saved import from_json, to_json
from reconciler.reconcile import propose
from tests.house import applied, commit, git, once, opened, planned, said
from tests.real.forges import TOKEN, forge_server
from tests.tenancy.federation import ROLES, SITE, TENANCY, begun, record, signed

PENDING, REFUSED = Reason.APPROVAL_PENDING, Reason.NOT_AUTHORISED


@pytest.fixture
def fed(tmp_path: Path) -> Path:
    root = begun(tmp_path / "fed")
    applied(root, until_quiet=True)
    return root


def only(plan, ref):
    (action,) = (one for one in plan.actions if one.ref == ref)
    return action


def test_what_its_manager_changes_is_done(fed):
    signed(fed, "ada", {"tides/www.yaml": record("tides", value="192.0.2.9")})
    assert said(planned(fed)) == ["update DNSRecord/tides/www SpecChanged"]
    assert [str(o.state) for o in applied(fed).outcomes] == ["done"]
    assert said(planned(fed)) == []


def test_what_the_manager_of_another_vo_changes_is_not_done_and_the_rest_goes_on(fed):
    new = {"tides/www.yaml": record("tides", value="192.0.2.66"), "waves/www.yaml": record("waves", value="192.0.2.7")}
    signed(fed, "bob", new)
    plan = planned(fed)
    assert said(plan) == ["update DNSRecord/tides/www NotAuthorised", "update DNSRecord/waves/www SpecChanged"]
    told = only(plan, "DNSRecord/tides/www")
    assert "made by bob@example.org; Tenancy/tides does not let them update it" in told.message
    assert "ada@example.org may agree: hanse consent latest --part vo:tides" in told.message
    assert [one.path for one in told.changes] == ["spec.values"]
    report = applied(fed)
    assert [(o.action.ref, str(o.state)) for o in report.outcomes if str(o.state) == "done"] == [
        ("DNSRecord/waves/www", "done")
    ]
    assert said(planned(fed)) == ["update DNSRecord/tides/www NotAuthorised"]


def test_what_was_accepted_meanwhile_is_not_asked_again_nor_turned_back(fed):
    signed(fed, "bob", {"tides/www.yaml": record("tides", value="192.0.2.66")})
    applied(fed)
    signed(fed, "bob", {"waves/www.yaml": record("waves", value="192.0.2.7")})
    applied(fed)
    signed(fed, "eve", {"waves/www.yaml": record("waves", value="192.0.2.8")})
    plan = planned(fed)
    assert [one.blocked for one in plan.actions] == [REFUSED, REFUSED]
    assert only(plan, "DNSRecord/waves/www").changes[0].before == ["192.0.2.7"]


def test_what_was_accepted_meanwhile_may_be_turned_back_by_its_manager(fed):
    signed(fed, "bob", {"tides/www.yaml": record("tides", value="192.0.2.66")})
    applied(fed)
    signed(fed, "bob", {"waves/www.yaml": record("waves", value="192.0.2.7")})
    applied(fed)
    signed(fed, "bob", {"waves/www.yaml": record("waves")})
    assert only(planned(fed), "DNSRecord/waves/www").blocked is None


def test_who_takes_it_back_ends_the_matter(fed):
    signed(fed, "bob", {"tides/www.yaml": record("tides", value="192.0.2.66")})
    applied(fed)
    signed(fed, "bob", {"tides/www.yaml": record("tides")})
    assert said(planned(fed)) == []
    applied(fed)
    with opened(fed) as house:
        assert house.store.acceptances.of("main").beyond == {}


def test_a_consent_of_the_right_one_lets_it_through_and_that_of_a_wrong_one_does_not(fed):
    signed(fed, "bob", {"tides/www.yaml": record("tides", value="192.0.2.66")})
    (part,) = planned(fed).parts
    assert (part.name, [str(by) for by in part.wanted[0].by]) == ("vo:tides", ["ada@example.org"])
    changes = [one.digest for one in part.wanted]
    for name in ("bob", "sam"):
        with opened(fed) as house:
            who = Who(name, "signature", f"{name}@example.org")
            house.store.consents.give("p", part.name, who, "why not", changes=changes)
        assert said(planned(fed)) == ["update DNSRecord/tides/www NotAuthorised"]
    with opened(fed) as house:
        given = house.store.consents.give(
            "p", part.name, Who("Ada", "signature", "ada@example.org"), "she may", changes=changes
        )
    plan = planned(fed)
    assert said(plan) == ["update DNSRecord/tides/www SpecChanged"]
    assert plan.parts[0].wanted[0].given == "Ada"
    with opened(fed) as house:
        house.store.consents.withdraw(given.id, "ada")
    assert said(planned(fed)) == ["update DNSRecord/tides/www NotAuthorised"]


def test_a_field_needs_the_word_of_its_approver_and_a_signed_trailer_gives_it(fed):
    signed(fed, "ada", {"tides/www.yaml": record("tides", ttl=60)})
    plan = planned(fed)
    assert said(plan) == ["update DNSRecord/tides/www ApprovalPending"]
    assert "lifetime of names: made by ada@example.org; sam@example.org may agree" in plan.actions[0].message
    digest = plan.parts[0].digest
    signed(fed, "ada", {}, f"I agree with myself\n\nHanse-Agreed: {digest}")
    assert said(planned(fed)) == ["update DNSRecord/tides/www ApprovalPending"]
    signed(fed, "", {}, f"sam says nothing\n\nHanse-Agreed: {digest}")
    assert said(planned(fed)) == ["update DNSRecord/tides/www ApprovalPending"]
    signed(fed, "sam", {}, f"The site agrees\n\nHanse-Agreed: {digest}")
    assert said(planned(fed)) == ["update DNSRecord/tides/www SpecChanged"]


def test_another_change_elsewhere_does_not_take_a_word_back(fed):
    signed(fed, "ada", {"tides/www.yaml": record("tides", ttl=60)})
    (part,) = planned(fed).parts
    signed(fed, "sam", {}, f"ok\n\nHanse-Agreed: {part.digest}")
    signed(fed, "bob", {"waves/www.yaml": record("waves", value="192.0.2.7")})
    assert said(planned(fed)) == ["update DNSRecord/tides/www SpecChanged", "update DNSRecord/waves/www SpecChanged"]
    signed(fed, "ada", {"tides/www.yaml": record("tides", ttl=61)})
    assert only(planned(fed), "DNSRecord/tides/www").blocked is PENDING


ATTEMPTS = {
    "a manifest": {"tides/www.yaml": record("tides", value="192.0.2.66")},
    "a new resource in the namespace": {"tides/evil.yaml": record("tides", "evil")},
    "a new resource in a file of one's own": {"waves/more.yaml": record("tides", "evil")},
    "taking it away": {"tides/www.yaml": None},
    "taking its name over": {
        "tides/www.yaml": None,
        "waves/mine.yaml": record("waves", "mine", more="lifecycle: {moved: tides/www}\n"),
    },
    "how it is handled": {"tides/www.yaml": record("tides", more="lifecycle: {deletionPolicy: retain}\n")},
    "who may": {"tenancy/tides.yaml": TENANCY.format(vo="tides", who="bob")},
    "what is said of who may": {"tenancy/tides.yaml": None},
    "roles": {"roles.yaml": ROLES.replace("sam@", "bob@")},
    "the site": {"site.yaml": SITE.replace("By the sea", "Mine")},
    "the certification of a site": {"site.yaml": SITE.replace("Candidate", "Certified")},
    "a limit lifted": {
        "approval.yaml": "apiVersion: hanse/v1\nkind: Approval\nmetadata: {name: a}\nspec: {scope: {namespaces: [tides]},"
        " atMost: 9, expires: 2099-01-01T00:00:00Z, reason: r, by: bob@example.org}\n"
    },
    "a limit lifted by a pattern": {
        "approval.yaml": "apiVersion: hanse/v1\nkind: Approval\nmetadata: {name: a}\nspec: {scope: {resources: [DNS*s/www]},"
        " atMost: 9, expires: 2099-01-01T00:00:00Z, reason: r, by: bob@example.org}\n"
    },
    "a window": {
        "window.yaml": "apiVersion: hanse/v1\nkind: Window\nmetadata: {name: w}\nspec: {type: deny, schedule: 0 0 * * *,"
        " minutes: 60, reason: r, scope: {namespaces: [tides]}}\n"
    },
}


@pytest.mark.parametrize("attempt", ATTEMPTS, ids=str)
@pytest.mark.parametrize("who", ["bob", "eve", ""], ids=["manager of another VO", "stranger", "unsigned"])
def test_nobody_else_reaches_into_a_namespace(fed, who, attempt):
    signed(fed, who, ATTEMPTS[attempt])
    plan = planned(fed)
    assert plan.actions
    assert {action.blocked for action in plan.actions} <= {REFUSED, PENDING}, said(plan)
    before = (fed / ".hanse/state").exists()
    assert [str(o.state) for o in applied(fed).outcomes if str(o.state) == "done"] == []
    assert before


def test_the_same_by_those_who_may_is_done(fed):
    signed(fed, "sam", {"site.yaml": SITE.replace("By the sea", "On the shore")})
    assert said(planned(fed)) == ["update Site/SEA SpecChanged"]
    applied(fed)
    signed(fed, "sam", {"site.yaml": SITE.replace("Candidate", "Uncertified")})
    assert {one.blocked for one in planned(fed).actions} == {REFUSED} or said(planned(fed)) == [
        "update Site/SEA ApprovalPending"
    ]


def test_an_approval_counts_where_its_maker_may_approve_all_that_it_is_about(fed):
    text = ATTEMPTS["a limit lifted"]["approval.yaml"]
    signed(fed, "ada", {"approval.yaml": text})
    assert {one.blocked for one in planned(fed).actions} == {PENDING}
    signed(fed, "ada", {"approval.yaml": text.replace("by: bob", "by: ada")})
    assert {one.blocked for one in planned(fed).actions} == {None}


CLUSTER = """apiVersion: hanse/v1
kind: VirtualCluster
metadata: {name: hub, namespace: tides}
spec:
  vo: tides
  site: ALPHA
  cloud: main
  frontend: {cpus: 1, ramMiB: 1024, image: debian-12}
  workers: [{name: wn, count: 1, cpus: 1, ramMiB: 1024, image: debian-12}]
  sshKeys: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f tester@example.org]
"""
ALPHA = """apiVersion: hanse/v1
kind: Site
metadata: {name: ALPHA}
spec:
  country: DE
  clouds:
    - {name: main, driver: simulated, endpoint: "https://alpha.example.org:5000/v3", shares: [{vo: tides, projectId: p}]}
"""
TAKING = """apiVersion: hanse/v1
kind: DNSRecord
metadata: {name: hub, namespace: waves}
spec:
  zone: fed.example.org
  name: hub.waves
  valuesFrom: {kind: VirtualCluster, namespace: tides, name: hub, output: frontend_address}
"""


def test_a_value_from_another_namespace_is_let_in_by_its_owner_alone(fed):
    signed(fed, "olga", {"alpha.yaml": ALPHA})
    with opened(fed) as house:
        changes = [one.digest for part in propose(house, "HEAD").plan.parts for one in part.wanted]
        house.store.consents.give("p", "site:ALPHA", Who("root", "machine", "root"), "new site", changes=changes)
    applied(fed)
    signed(fed, "ada", {"tides/hub.yaml": CLUSTER})
    applied(fed)
    signed(fed, "bob", {"waves/hub.yaml": TAKING})
    told = only(planned(fed), "DNSRecord/waves/hub")
    assert told.blocked is REFUSED
    assert "namespace waves may not refer to VirtualCluster/tides/hub: Tenancy/tides does not let it in" in told.message
    applied(fed)
    letting = TENANCY.format(vo="tides", who="ada") + "  refers: [{namespaces: [waves], kinds: [VirtualCluster]}]\n"
    signed(fed, "bob", {"tenancy/tides.yaml": letting})
    applied(fed)
    assert only(planned(fed), "DNSRecord/waves/hub").blocked is REFUSED
    (part,) = (one for one in planned(fed).parts if one.name == "owners")
    signed(fed, "olga", {}, f"tides lets waves in\n\nHanse-Agreed: {part.digest}")
    applied(fed)
    assert only(planned(fed), "DNSRecord/waves/hub").blocked is PENDING  # for its lifetime, which is the site's matter


def test_the_first_tenancy_is_taken_from_the_owners_alone(tmp_path):
    root = begun(tmp_path / "fed")
    signed(root, "eve", {"tenancy/tides.yaml": TENANCY.format(vo="tides", who="eve")})
    plan = planned(root)
    assert {one.blocked for one in plan.actions} <= {REFUSED, PENDING}
    assert not [o for o in applied(root).outcomes if str(o.state) == "done"]


def test_without_a_tenancy_nothing_is_looked_at_and_nothing_is_written_down(tmp_path):
    root = tmp_path / "plain"
    signed(root, "", {"tides/www.yaml": record("tides")})
    applied(root)
    plan = planned(root)
    assert (said(plan), plan.parts) == ([], ())
    with opened(root) as house:
        assert house.store.acceptances.of("main").commit == ""


def test_a_plan_tells_whose_word_it_needs_as_text_markdown_and_data(fed):
    signed(fed, "bob", {"tides/www.yaml": record("tides", value="192.0.2.66")})
    plan = planned(fed)
    assert "vo:tides" in text(plan)
    assert "DNSRecord/tides/www: update: ada@example.org may agree" in text(plan)
    assert "**Whose word it needs**" in markdown(plan)
    assert f"Hanse-Agreed: {plan.parts[0].digest}" in markdown(plan)
    assert from_json(to_json(plan)) == plan
    schema = orjson.loads((Path(__file__).parents[2] / "schemas/hanse.plan.v1.json").read_bytes())
    jsonschema.validate(orjson.loads(to_json(plan)), schema)


def test_a_pull_request_is_judged_by_the_branch_that_it_goes_into(fed):
    git(fed, "checkout", "-q", "-b", "change")
    letting = TENANCY.format(vo="tides", who="bob")
    head = signed(fed, "bob", {"tides/www.yaml": record("tides", value="192.0.2.66"), "tenancy/tides.yaml": letting})
    git(fed, "checkout", "-q", "main")
    signed(fed, "bob", {"waves/www.yaml": record("waves", value="192.0.2.7")})
    with opened(fed) as house:
        plan = propose(house, head, trust="main").plan
    assert [one.name for one in plan.parts] == ["owners", "vo:tides"]
    assert only(plan, "DNSRecord/tides/www").blocked is REFUSED
    assert only(plan, "Tenancy/tides").blocked is REFUSED


def test_the_command_line_tells_parts_and_takes_a_word_of_the_machine(fed):
    def hanse(*words):
        return CliRunner().invoke(app, standalone_mode=False, args=["-C", str(fed), *words])

    assert hanse("consent").return_value == 0
    base = git(fed, "rev-parse", "HEAD")
    signed(fed, "bob", {"tides/www.yaml": record("tides", value="192.0.2.66")})
    assert "ada@example.org may agree" in hanse("validate", "--against", base).output
    told = hanse("plan", "--parts")
    assert "vo:tides" in told.output
    assert hanse("plan", "--parts", "-o", "json").return_value == told.return_value == 3
    refused = hanse("consent", "--part", "vo:waves", "--reason", "r").exception
    assert "nothing to agree to; there are vo:tides" in str(refused)
    said = hanse("consent", "latest", "--part", "vo:tides", "--reason", "Ada rang", "--by", "Ola").output
    assert "Ola agrees to 1 change of vo:tides (number 1)" in said
    assert hanse("plan", "--parts").return_value == 0
    assert "taken back" in hanse("consent", "--withdraw", "1").output
    assert hanse("consent").return_value == 3


def test_a_saved_plan_is_agreed_to_by_its_parts(fed):
    signed(fed, "bob", {"tides/www.yaml": record("tides", value="192.0.2.66")})
    file = fed / "p.json"
    file.write_bytes(to_json(planned(fed)))
    CliRunner().invoke(app, ["-C", str(fed), "consent", str(file), "--part", "vo:tides", "--reason", "r"])
    assert said(planned(fed)) == ["update DNSRecord/tides/www SpecChanged"]


def test_who_merged_on_the_forge_may_have_agreed(fed, monkeypatch):
    with forge_server("gitea") as server:
        given = "".join(f'{name} = "{value}"\n' for name, value in server.settings().items() if name != "token")
        toml = (fed / "hanse.toml").read_text() + f'[forge]\n{given}token = {{ env = "FORGE_TOKEN" }}\n'
        (fed / "hanse.toml").write_text(toml)
        olga = TENANCY.format(vo="tides", who="ada").replace("{signer: ada@example.org}", '{user: "@ada"}')
        signed(fed, "olga", {"tenancy/tides.yaml": olga})
        applied(fed, environment={"FORGE_TOKEN": TOKEN})
        head = signed(fed, "", {"tides/www.yaml": record("tides", value="192.0.2.9")})
        server.pulls.append((7, head, "main"))
        server.merged[7] = "bob"
        assert said(planned(fed, environment={"FORGE_TOKEN": TOKEN})) == ["update DNSRecord/tides/www NotAuthorised"]
        server.merged[7] = "ada"
        plan = planned(fed, environment={"FORGE_TOKEN": TOKEN})
        assert said(plan) == ["update DNSRecord/tides/www SpecChanged"]
        assert plan.parts[0].wanted[0].given == "@ada"
        server.refuse += [500] * 9
        assert said(planned(fed, environment={"FORGE_TOKEN": TOKEN})) == ["update DNSRecord/tides/www NotAuthorised"]


@pytest.mark.parametrize("kind", ["github", "gitea", "gitlab"])
def test_the_word_of_a_team_is_that_of_its_members_and_the_forge_is_asked_rarely(fed, kind):
    with forge_server(kind) as server:
        given = "".join(f'{name} = "{value}"\n' for name, value in server.settings().items() if name != "token")
        toml = (fed / "hanse.toml").read_text() + f'[forge]\n{given}token = {{ env = "FORGE_TOKEN" }}\n'
        (fed / "hanse.toml").write_text(toml)
        text = TENANCY.partition("  approvals:")[0].format(vo="tides", who="ada")
        olga = text.replace("{signer: ada@example.org}", '{team: "@ocean/tides"}')
        signed(fed, "olga", {"tenancy/tides.yaml": olga})
        applied(fed, environment={"FORGE_TOKEN": TOKEN})
    with forge_server(kind) as again, opened(fed, {"FORGE_TOKEN": TOKEN, "HANSE_FORGE__URL": again.url}) as house:
        more = {"tides/www.yaml": record("tides", value="192.0.2.9"), "tides/new.yaml": record("tides", "new")}
        head = signed(fed, "", more)
        again.pulls.append((7, head, "main"))
        again.merged[7] = "ada"
        again.teams["ocean/tides"] = {"bob": "active"}
        blocked = [action.blocked for action in propose(house, "main").plan.actions]
        assert blocked == [REFUSED, REFUSED]
        again.teams["ocean/tides"] = {"ada": "active"}
        asked = [one for one in again.asked if "members" in one]
        assert len(asked) == 1
        assert [action.blocked for action in propose(house, "main").plan.actions] == [REFUSED, REFUSED]
        house.memberships.known.clear()
        plan = propose(house, "main").plan
        assert [action.blocked for action in plan.actions] == [None, None]
        assert {one.given for part in plan.parts for one in part.wanted} == {"@ada"}
        house.memberships.known.clear()
        del again.teams["ocean/tides"]
        assert [action.blocked for action in propose(house, "main").plan.actions] == [REFUSED, REFUSED]


def test_the_address_of_an_unsigned_commit_is_believed_only_where_it_is_said_so(fed):
    commit(fed, {"tides/www.yaml": record("tides", value="192.0.2.9")})
    git(fed, "commit", "-q", "--amend", "--no-edit", "--author", "Ada <ada@example.org>")
    plan = planned(fed)
    assert said(plan) == ["update DNSRecord/tides/www NotAuthorised"]
    assert "Ada <ada@example.org>, who did not sign" in plan.actions[0].message
    assert said(planned(fed, environment={"HANSE_TENANCY__TRUST": "author"})) == [
        "update DNSRecord/tides/www SpecChanged"
    ]


def test_a_process_that_goes_on_takes_what_was_held_back_once_the_word_is_given(fed):
    signed(fed, "bob", {"tides/www.yaml": record("tides", value="192.0.2.66")})
    with opened(fed) as house:
        first = once(house, propose(house, "HEAD"))
        assert [str(o.state) for o in first.outcomes] == ["deferred"]
        (part,) = propose(house, "HEAD").plan.parts
        ada = Who("Ada", "signature", "ada@example.org")
        house.store.consents.give("p", part.name, ada, "fine", changes=[one.digest for one in part.wanted])
        report = once(house, propose(house, "HEAD"))
        assert [(o.action.ref, str(o.state)) for o in report.outcomes] == [("DNSRecord/tides/www", "done")]
        assert propose(house, "HEAD").plan.actions == ()


def test_approvers_tells_what_tenancies_ask_for_too(fed):
    base = git(fed, "rev-parse", "HEAD")
    signed(fed, "bob", {"tides/www.yaml": record("tides", value="192.0.2.66")})
    told = CliRunner().invoke(app, ["-C", str(fed), "approvers", base])
    assert "DNSRecord/tides/www: update (vo:tides): ada@example.org" in told.output


def test_without_records_a_plan_since_a_branch_is_judged_since_then(fed):
    base = git(fed, "rev-parse", "HEAD")
    signed(fed, "bob", {"tides/www.yaml": record("tides", value="192.0.2.66")})
    shutil.rmtree(fed / ".hanse")
    told = CliRunner().invoke(app, ["-C", str(fed), "plan", "--base", base])
    assert "create DNSRecord/tides/www  NotAuthorised" in told.output


def test_what_cannot_be_told_counts_as_nobodys(fed, monkeypatch):
    signed(fed, "ada", {"tides/www.yaml": record("tides", value="192.0.2.9")})
    monkeypatch.setattr("reconciler.source.tracing.MOST", 0)
    (told,) = planned(fed).actions
    assert told.blocked is REFUSED
    assert "nobody knows whom: there are more than 0 commits since" in told.message


def test_a_site_that_nobody_may_change_is_not_contacted_elsewhere(fed):
    """Its end point is where credentials go: what is held back counts nowhere."""
    signed(fed, "olga", {"alpha.yaml": ALPHA})
    with opened(fed) as house:
        changes = [one.digest for part in propose(house, "HEAD").plan.parts for one in part.wanted]
        house.store.consents.give("p", "site:ALPHA", Who("root", "machine", "root"), "new", changes=changes)
    applied(fed)
    signed(fed, "ada", {"tides/hub.yaml": CLUSTER})
    applied(fed)
    signed(fed, "bob", {"alpha.yaml": ALPHA.replace("https://alpha.", "https://evil.")})
    with opened(fed) as house:
        proposal = propose(house, "HEAD")
    assert only(proposal.plan, "Site/ALPHA").blocked is REFUSED
    assert "evil" not in str({one: target.options for one, target in proposal.graph.targets.items()})


@pytest.mark.parametrize("who", ["bob", "ada"])
def test_what_refers_to_something_held_back_waits_with_it(fed, who):
    tides = TENANCY.format(vo="tides", who="ada")
    signed(
        fed,
        who,
        {"alpha.yaml": ALPHA, "tides/hub.yaml": CLUSTER, "tenancy/note.yaml": tides.replace(": tides}", ": x}")},
    )
    plan = planned(fed)
    assert only(plan, "Site/ALPHA").blocked is PENDING
    waits = only(plan, "VirtualCluster/tides/hub")
    assert waits.blocked in (REFUSED, PENDING)
    assert ("it goes together with Site/ALPHA" in waits.message) is (who == "ada")


def test_validate_shows_what_reaches_into_another_namespace_with_its_line_and_cure(fed):
    signed(fed, "olga", {"alpha.yaml": ALPHA, "tides/hub.yaml": CLUSTER, "waves/hub.yaml": TAKING})
    told = CliRunner().invoke(app, ["-C", str(fed), "validate"]).output
    assert "manifests/waves/hub.yaml:7" in told
    assert "namespace waves may not refer to VirtualCluster/tides/hub: Tenancy/tides does not let it in" in told
    assert "add waves to its spec.refers" in told


def test_a_change_of_several_fields_needs_every_right_and_word_that_each_needs(fed):
    both = SITE.replace("Candidate", "Uncertified").replace("By the sea", "On the shore")
    signed(fed, "nina", {"site.yaml": both})
    assert only(planned(fed), "Site/SEA").blocked is None  # an NGI's manager may change its sites, too
    signed(fed, "sam", {"site.yaml": both.replace("shore", "beach")})
    assert only(planned(fed), "Site/SEA").blocked is PENDING
    signed(fed, "bob", {"site.yaml": both.replace("shore", "moon")})
    assert only(planned(fed), "Site/SEA").blocked is REFUSED
