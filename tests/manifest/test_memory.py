"""What is remembered never shows in the result: only in what need not be read again."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.kinds import registry
from reconciler.manifest import Memory, RuleSettings, snapshot
from tests.manifest.revisions import VO, outcome

LIVELY = VO.format("lively", "x") + "lifecycle: {mode: observe, ignore: [spec.description]}\n"
LABELLED = VO.format("labelled", "x").replace("labelled}", "labelled, labels: {a: b}, annotations: {c: d}}")
ODD_ENTITLEMENT = VO.format("odd", "x").replace(
    "{description: x}", "{entitlements: [{role: member, value: 'urn:mace:egi.eu: group:x:role=member#aai.egi.eu'}]}"
)
CLUSTER = """apiVersion: hanse/v1
kind: DNSRecord
metadata: {name: www, namespace: a}
spec: {zone: example.org, name: www, valuesFrom: {kind: VirtualCluster, name: c, output: frontend_address}}
"""
TEXTS = [
    VO.format("a", "one"),
    VO.format("a", "two"),
    VO.format("b", "one"),
    VO.format("c", "x") + "---\n" + VO.format("d", "x"),
    VO.format("c", "x") + "---\n" + VO.format("c", "y"),
    VO.format("e", "x").replace("description", "descriptoin"),
    "",
    "# nothing yet\n",
    "kind: [",
    LIVELY,
    LABELLED,
    ODD_ENTITLEMENT,
    CLUSTER,
]
FILES = st.dictionaries(st.sampled_from([f"{n}.yaml" for n in range(6)]), st.sampled_from(TEXTS), max_size=6)
RULE = next(r.id for r in registry()["VO"].rules if "entitlement" in r.id)
LENIENT = RuleSettings({RULE: {"*": "warning"}})
STRICT = RuleSettings({RULE: {"*": "error"}})


@settings(deadline=None)
@given(st.lists(st.tuples(FILES, st.booleans(), st.booleans(), st.sampled_from([None, LENIENT, STRICT])), max_size=6))
def test_any_history_of_commits_and_restarts_gives_what_a_cold_start_gives(history):
    with TemporaryDirectory() as directory:
        memory = Memory.open(Path(directory), registry())
        seen = set()
        for files, save, restart, rules in history:
            warm = outcome(files, rules, memory)
            assert warm[:2] == outcome(files, rules)[:2]
            pointed_at = {fault.partition(":")[0] for fault in warm[1] if "already" in fault}
            assert warm[2] <= len(set(files.values()) - seen) + len(pointed_at)
            seen |= set(files.values())
            if save or restart:
                memory.save()
            if restart:
                memory = Memory.open(Path(directory), registry())


@settings(deadline=None, max_examples=30)
@given(st.lists(FILES, min_size=2, max_size=5))
def test_what_changed_is_exactly_what_differs(history):
    from reconciler.errors import ManifestError
    from reconciler.manifest import load
    from tests.manifest.revisions import revision

    memory, before = Memory(), None
    for files in history:
        try:
            made = load(revision(files), registry(), LENIENT, memory)
        except ManifestError:
            continue
        if before is None:
            assert made.changed is None
        else:
            differ = {ref for ref in before.keys() | made.items.keys() if before.get(ref) != made.items.get(ref)}
            assert made.changed == differ
        before = dict(made.items)


def test_files_without_and_with_several_documents_keep_their_places(tmp_path):
    files = {"0.yaml": "", "1.yaml": VO.format("a", "x"), "2.yaml": VO.format("c", "x") + "---\n" + VO.format("d", "x")}
    memory = Memory.open(tmp_path, registry())
    outcome(files, memory=memory)
    memory.save()
    assert outcome(files, memory=Memory.open(tmp_path, registry()))[0] == outcome(files)[0]


def test_a_broken_commit_costs_only_the_mended_file(tmp_path):
    files = {f"{n}.yaml": VO.format(f"vo{n}", "x") for n in range(20)} | {"bad.yaml": "kind: ["}
    memory = Memory.open(tmp_path, registry())
    assert outcome(files, memory=memory)[2] == 21
    memory.save()
    again = Memory.open(tmp_path, registry())
    assert outcome(files | {"bad.yaml": VO.format("good", "x")}, memory=again)[2] == 1


def test_going_back_to_an_earlier_branch_reads_nothing():
    memory = Memory()
    main = {f"{n}.yaml": VO.format(f"vo{n}", "x") for n in range(5)}
    branch = {path: text.replace(": x", ": y") for path, text in main.items()}
    assert [outcome(files, memory=memory)[2] for files in (main, branch, main, branch)] == [5, 5, 0, 0]


def test_few_changes_are_noted_and_many_make_a_new_snapshot(tmp_path):
    files = {f"{n}.yaml": VO.format(f"vo{n}", "x") for n in range(200)}
    memory = Memory.open(tmp_path, registry())
    outcome(files, memory=memory)
    memory.save()
    snapshot_before = (tmp_path / "parsed").read_bytes()
    outcome(files | {"0.yaml": VO.format("vo0", "y")}, memory=memory)
    memory.save()
    assert (tmp_path / "parsed").read_bytes() == snapshot_before
    assert outcome(files | {"0.yaml": VO.format("vo0", "y")}, memory=Memory.open(tmp_path, registry()))[2] == 0
    many = files | {f"{n}.yaml": VO.format(f"vo{n}", "z") for n in range(100)}
    memory = Memory.open(tmp_path, registry())
    outcome(many, memory=memory)
    memory.save()
    assert (tmp_path / "parsed").read_bytes() != snapshot_before
    assert outcome(many, memory=Memory.open(tmp_path, registry()))[2] == 0


@pytest.mark.parametrize("cut", [1, 20, 60])
def test_a_half_written_note_is_not_believed_and_not_built_upon(tmp_path, cut):
    files = {"a.yaml": VO.format("a", "x"), "bad.yaml": "kind: ["}
    memory = Memory.open(tmp_path, registry())
    outcome(files, memory=memory)
    memory.save()
    notes = tmp_path / "parsed.more"
    notes.write_bytes(notes.read_bytes()[:-cut])
    memory = Memory.open(tmp_path, registry())
    assert outcome(files, memory=memory)[:2] == outcome(files)[:2]
    memory.save()
    assert outcome(files, memory=Memory.open(tmp_path, registry()))[2] <= 1


@pytest.mark.parametrize("where", range(0, 1200, 37))
def test_no_flipped_bit_of_the_snapshot_is_believed(tmp_path, where):
    files = {f"{n}.yaml": VO.format(f"vo{n}", "x") for n in range(3)}
    memory = Memory.open(tmp_path, registry())
    outcome(files, memory=memory)
    memory.save()
    written = bytearray((tmp_path / "parsed").read_bytes())
    written[where % len(written)] ^= 4
    (tmp_path / "parsed").write_bytes(written)
    assert outcome(files, memory=Memory.open(tmp_path, registry())) == outcome(files)


def test_what_other_code_wrote_means_nothing(tmp_path, monkeypatch):
    memory = Memory.open(tmp_path, registry())
    outcome({"a.yaml": VO.format("a", "x"), "b.yaml": "x: ["}, memory=memory)
    memory.save()
    outcome({"a.yaml": VO.format("a", "x")}, memory=memory)
    memory.save()
    for module in ("snapshot", "kept"):
        monkeypatch.setattr(f"reconciler.manifest.{module}.stamp", lambda: "0" * 32)
    assert outcome({"a.yaml": VO.format("a", "x")}, memory=Memory.open(tmp_path, registry()))[2] == 1


def test_a_snapshot_of_kinds_that_are_gone_is_not_read(tmp_path):
    memory = Memory.open(tmp_path, registry())
    outcome({"a.yaml": VO.format("a", "x")}, memory=memory)
    memory.save()
    fewer = {name: kind for name, kind in registry().items() if name != "VO"}
    assert snapshot.read(tmp_path / "parsed", fewer) is None


def test_a_directory_that_cannot_be_written_is_no_error(tmp_path):
    (tmp_path / "file").write_text("")
    memory = Memory.open(tmp_path / "file" / "cache", registry())
    outcome({"a.yaml": VO.format("a", "x")}, memory=memory)
    memory.save()


def test_the_files_on_disk_are_plain_json(tmp_path):
    memory = Memory.open(tmp_path, registry())
    outcome({"a.yaml": VO.format("a", "x"), "bad.yaml": "x: ["}, memory=memory)
    memory.save()
    lines = (tmp_path / "parsed.more").read_bytes().splitlines()[1:]
    assert all(json.loads(line.partition(b" ")[2]) for line in lines)
