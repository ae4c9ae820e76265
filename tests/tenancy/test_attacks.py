"""What somebody tries who knows the rules well: none of it is done, and what is right goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.errors import SourceError
from reconciler.model import Who
from tests.house import applied, git, opened, planned, said
from tests.tenancy.federation import TENANCY, begun, record, signed

TIDES = "tides/www.yaml"


@pytest.fixture
def fed(tmp_path: Path) -> Path:
    root = begun(tmp_path / "fed")
    applied(root, until_quiet=True)
    return root


def merged(root: Path, who: str, line: str, files: dict[str, str] | None = None) -> str:
    """A merge that somebody signs, with these files as he wants them."""
    key = ["-c", "gpg.format=ssh", "-c", f"user.signingkey={root.parent / who}.pub"]
    git(root, "merge", "-q", "--no-ff", "--no-commit", "-s", "ours" if files else "ort", line)
    for name, content in (files or {}).items():
        (root / "manifests" / name).write_text(content, encoding="utf-8")
    git(root, "add", "-A")
    git(root, *key, "commit", "-q", "-S", "-m", "merge")
    return git(root, "rev-parse", "HEAD")


def blocked(root: Path, ref: str = "DNSRecord/tides/www") -> bool:
    found = [one.blocked for one in planned(root).actions if one.ref == ref]
    return bool(found) and all(found)


def agreed(root: Path, who: str, ref: str = "DNSRecord/tides/www") -> None:
    for part in planned(root).parts:
        changes = [one.digest for one in part.wanted if one.ref == ref]
        with opened(root) as house:
            whom = Who(who, "signature", f"{who}@example.org")
            if changes:
                house.store.consents.give("p", part.name, whom, "yes", changes=changes)


def test_a_merge_is_nobodys_word_for_what_is_changed_after_it(fed):
    git(fed, "checkout", "-q", "-b", "line")
    signed(fed, "bob", {TIDES: record("tides", value="192.0.2.5")})
    git(fed, "checkout", "-q", "main")
    merged(fed, "ada", "line")
    assert not blocked(fed)
    signed(fed, "bob", {TIDES: record("tides", value="192.0.2.66")})
    assert blocked(fed)


def test_a_merge_that_turns_a_file_back_is_the_work_of_who_merged(fed):
    old = signed(fed, "ada", {TIDES: record("tides", value="192.0.2.5")})
    signed(fed, "ada", {TIDES: record("tides", value="192.0.2.6")})
    assert not blocked(fed)
    merged(fed, "bob", old, {TIDES: record("tides", value="192.0.2.5")})
    assert blocked(fed)


def test_a_merge_that_leaves_out_what_was_accepted_is_the_work_of_who_merged(fed):
    signed(fed, "bob", {"tides/held.yaml": record("tides", name="held")})  # so nothing is accepted as a whole
    signed(fed, "ada", {TIDES: record("tides", value="192.0.2.5")})
    middle = git(fed, "rev-parse", "HEAD")
    signed(fed, "ada", {TIDES: record("tides", value="192.0.2.6")})
    applied(fed)
    git(fed, "checkout", "-q", "-b", "line", middle)
    signed(fed, "bob", {"waves/www.yaml": record("waves", value="192.0.2.7")})
    key = ["-c", "gpg.format=ssh", "-c", f"user.signingkey={fed.parent / 'bob'}.pub"]
    git(fed, *key, "merge", "-q", "--no-ff", "-S", "-s", "ours", "-m", "merge", "main")
    git(fed, "branch", "-f", "main", "line")
    git(fed, "checkout", "-q", "main")
    assert blocked(fed)


def test_a_word_is_for_one_time(fed):
    signed(fed, "bob", {TIDES: record("tides", value="192.0.2.66")})
    agreed(fed, "ada")
    assert not blocked(fed)
    applied(fed)
    signed(fed, "ada", {TIDES: record("tides")})
    applied(fed)
    signed(fed, "bob", {TIDES: record("tides", value="192.0.2.66")})
    assert blocked(fed)


def test_a_word_in_a_commit_is_for_one_time_although_other_things_wait(fed):
    signed(fed, "bob", {"tides/held.yaml": record("tides", name="held")})  # so nothing is accepted as a whole
    applied(fed)
    signed(fed, "bob", {TIDES: record("tides", value="192.0.2.66")})
    part = next(one for one in planned(fed).parts if one.name == "vo:tides")
    digest = next(one.digest for one in part.wanted if one.ref == "DNSRecord/tides/www")
    signed(fed, "ada", {}, f"yes\n\nHanse-Agreed: {digest}")
    assert not blocked(fed)
    applied(fed)
    signed(fed, "ada", {TIDES: record("tides")})
    agreed(fed, "ada")
    applied(fed)
    signed(fed, "bob", {TIDES: record("tides", value="192.0.2.66")})
    assert blocked(fed)


def test_nothing_is_carried_out_of_a_folder_that_a_tenancy_guards(tmp_path):
    root = begun(tmp_path / "fed")
    folder = TENANCY.format(vo="tides", who="ada").replace("namespaces: [tides]", "paths: [manifests/tides]")
    signed(root, "olga", {"tenancy/tides.yaml": folder})
    applied(root, until_quiet=True)
    signed(root, "bob", {TIDES: None, "mine/www.yaml": record("tides")})
    assert blocked(root)
    applied(root)
    signed(root, "bob", {"mine/www.yaml": record("tides", value="192.0.2.66")})
    assert blocked(root)
    signed(root, "ada", {TIDES: record("tides"), "mine/www.yaml": None})
    assert said(planned(root)) == []


def test_what_a_whole_list_or_map_holds_is_asked_about_too(tmp_path):
    root = begun(tmp_path / "fed")
    word = "    - {what: values, fields: ['spec.v*[*]'], by: [{signer: sam@example.org}]}\n"
    signed(root, "olga", {"tenancy/tides.yaml": TENANCY.format(vo="tides", who="ada") + word})
    applied(root, until_quiet=True)
    signed(root, "ada", {TIDES: record("tides", value="192.0.2.1, 192.0.2.2")})
    assert blocked(root)
    signed(root, "ada", {TIDES: None})
    assert blocked(root)


def test_a_tenancy_that_is_not_understood_any_more_gives_nobody_its_rights(fed):
    newer = TENANCY.format(vo="tides", who="ada") + "  notKnownHere: 1\n"
    with opened(fed) as house:
        house.store.acceptances.whole("main", signed(fed, "olga", {"tenancy/tides.yaml": newer}))
    signed(fed, "bob", {"tenancy/tides.yaml": None, TIDES: record("tides", value="192.0.2.66")})
    with pytest.raises(SourceError, match="Tenancy/tides as of"):
        planned(fed)


def test_who_takes_away_a_name_that_is_not_his_does_not_get_it(tmp_path):
    root = begun(tmp_path / "fed")
    whose = (("tides", "ada"), ("waves", "bob"))
    plain = {vo: TENANCY.format(vo=vo, who=who).partition("  approvals:")[0] for vo, who in whose}
    signed(root, "olga", {f"tenancy/{vo}.yaml": text for vo, text in plain.items()})
    applied(root, until_quiet=True)
    taken = record("waves", name="taken").replace("taken.waves", "www.tides")
    signed(root, "bob", {TIDES: None, "waves/taken.yaml": taken})
    assert all(one.blocked for one in planned(root).actions)
    signed(root, "ada", {"tides/more.yaml": record("tides", name="more")})
    plan = planned(root)
    assert [one.ref for one in plan.actions if not one.blocked] == ["DNSRecord/tides/more"]
