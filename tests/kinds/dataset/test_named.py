"""A dataset whose files the manifest names: what is taken out of them stays wanted, until it is named as lost."""

from __future__ import annotations

from zlib import adler32

import pytest

from reconciler.kinds import NOWHERE
from reconciler.kinds.dataset import KIND, DatasetSpec
from reconciler.kinds.world import World
from reconciler.model import Ref
from tests.house import applied, commit, planned, said

SITE = """apiVersion: hanse/v1
kind: Site
metadata: {name: LAB}
spec:
  storage:
    - {name: drop, driver: directory, attributes: {role: source}}
    - {name: a, driver: directory}
    - {name: b, driver: directory}
"""
HEAD = """apiVersion: hanse/v1
kind: Dataset
metadata: {name: waves, namespace: vo}
spec:
  scope: sea
  name: waves
"""
RULE = """apiVersion: hanse/v1
kind: DatasetRule
metadata: {name: keep, namespace: vo}
spec: {scope: sea, name: waves, copies: 2, locations: a | b}
"""
LISTING = HEAD + "  listing: {site: LAB, storage: drop, path: incoming}\n"


def line(name, text):
    checksum = f"adler32:{adler32(text.encode()):08x}"
    return f'{{path: {name}, size: {len(text)}, checksum: "{checksum}", source: "data:,{text}"}}'


def data(texts, lost=()):
    rows = "".join(f"    - {line(name, text)}\n" for name, text in texts.items())
    return f"{HEAD}  files:\n{rows}" + (f"  lost: [{', '.join(lost)}]\n" if lost else "")


WHOLE = {f"f{n:02}.dat": f"text{n}" for n in range(40)}
FIRST = dict(list(WHOLE.items())[:1])
REST = list(WHOLE)[1:]


@pytest.fixture
def root(tmp_path):
    commit(tmp_path, {"site.yaml": SITE, "data.yaml": data(WHOLE), "rule.yaml": RULE})
    applied(tmp_path, until_quiet=True)
    assert (copy(tmp_path, "a"), copy(tmp_path, "b")) == (WHOLE, WHOLE)
    return tmp_path


def copy(root, storage):
    folder = root / ".hanse/state/storage/LAB" / storage / "sea/waves"
    return {p.name: p.read_text() for p in folder.iterdir()} if folder.exists() else {}


def warned(root):
    return [w for w in planned(root).warnings if "any more" in w or "as they were known" in w]


def test_files_taken_out_of_the_manifest_stay_wanted_until_they_are_named_as_lost(root):
    commit(root, {"data.yaml": data(FIRST)})
    assert not any("Replica" in line for line in said(planned(root)))
    (warning,) = warned(root)
    assert "39 files, first f01.dat, were not found among its files any more" in warning
    assert "let go of it by naming it in lost" in warning
    applied(root, until_quiet=True)
    assert (copy(root, "a"), copy(root, "b")) == (WHOLE, WHOLE)
    assert said(planned(root)) == []
    assert len(warned(root)) == 1
    commit(root, {"data.yaml": data(FIRST, REST)})
    assert warned(root) == []
    applied(root, until_quiet=True)
    assert (copy(root, "a"), copy(root, "b")) == (FIRST, FIRST)
    assert said(planned(root)) == []


def test_a_copy_of_what_was_taken_out_is_mended_as_before(root):
    commit(root, {"data.yaml": data(FIRST)})
    applied(root, until_quiet=True)
    for storage in "ab":  # no copy is left: it comes from where it was read first
        (root / ".hanse/state/storage/LAB" / storage / "sea/waves/f07.dat").unlink()
    applied(root, until_quiet=True)
    assert (copy(root, "a"), copy(root, "b")) == (WHOLE, WHOLE)


def test_a_file_whose_checksum_is_edited_is_a_new_version(root):
    edited = {**FIRST, "f01.dat": "other"}
    commit(root, {"data.yaml": data(edited)})
    applied(root, until_quiet=True)
    assert copy(root, "a") == {**WHOLE, **edited}
    assert "38 files, first f02.dat" in warned(root)[0]


def test_a_folder_in_place_of_named_files_and_back_sheds_none(root):
    folder = root / ".hanse/state/storage/LAB/drop/incoming"
    folder.mkdir(parents=True)
    (folder / "new.dat").write_text("new")
    commit(root, {"data.yaml": LISTING})
    assert "40 files, first f00.dat, were not found at its source any more" in warned(root)[0]
    applied(root, until_quiet=True)
    assert copy(root, "a") == {**WHOLE, "new.dat": "new"}
    commit(root, {"data.yaml": data(FIRST)})
    assert "40 files, first f01.dat, were not found among its files any more" in warned(root)[0]
    applied(root, until_quiet=True)
    assert copy(root, "a") == {**WHOLE, "new.dat": "new"}


def spec(texts, **more):
    files = [{"path": name, "size": len(text), "checksum": "adler32:00000001"} for name, text in texts.items()]
    return DatasetSpec.model_validate({"scope": "sea", "name": "waves", "files": files, **more}, strict=False)


def settled(now, before, files=None):
    world = World(applied=lambda _: before, files=lambda _: files)
    return KIND.complete(Ref("Dataset/vo/waves"), now, None, world)


def test_without_the_catalogue_the_manifest_of_then_says_which_files_were_known():
    before = KIND.complete(Ref("Dataset/vo/waves"), spec(WHOLE), None, NOWHERE).spec
    found = settled(spec(FIRST), before)
    assert found.spec.fileset == before.fileset
    assert "39 files" in found.faults[0].message


def test_known_files_that_nobody_can_name_any_more_are_kept_as_they_were():
    whole = KIND.complete(Ref("Dataset/vo/waves"), spec(WHOLE), None, NOWHERE).spec
    before = spec(FIRST).model_copy(update={"fileset": whole.fileset})
    found = settled(spec({**FIRST, "new.dat": "new"}), before)
    assert found.spec.fileset == whole.fileset
    assert "its 40 files stay as they were known" in found.faults[0].message
