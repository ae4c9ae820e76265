"""What a git tree and an archive may hold: names, modes, attributes and sizes that nobody wrote in good faith."""

from __future__ import annotations

import gzip
import hashlib
import io
import subprocess
import tarfile
from pathlib import Path

import pytest

from reconciler import source
from reconciler.drivers.ansible import roles
from reconciler.drivers.ansible.roles import supplied
from reconciler.errors import SourceError, Terminal
from reconciler.ports import RoleSource

VO = b"apiVersion: hanse/v1\nkind: VO\nmetadata: {name: tides}\nspec: {}\n"
EVIL = b"- name: evil\n"
TASKS = b"- name: fine\n"


class Crafted:
    """A bare repository whose objects are written one by one, as no git command would write them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        subprocess.run(["git", "init", "-q", "--bare", str(path)], check=True)

    def git(self, *words: str, given: bytes = b"") -> str:
        own = ("-c", "user.name=Eve", "-c", "user.email=eve@example.org")
        done = subprocess.run(["git", "-C", str(self.path), *own, *words], input=given, check=True, capture_output=True)
        return done.stdout.decode().strip()

    def blob(self, content: bytes) -> str:
        return self.git("hash-object", "-w", "--stdin", given=content)

    def tree(self, *entries: tuple[str, bytes, str]) -> str:
        """(mode, name, id) as they are: git itself checks nothing."""
        raw = b"".join(mode.encode() + b" " + name + b"\0" + bytes.fromhex(of) for mode, name, of in entries)
        return self.git("hash-object", "-w", "-t", "tree", "--literally", "--stdin", given=raw)

    def commit(self, tree: str) -> str:
        made = self.git("commit-tree", tree, "-m", "x")
        self.git("update-ref", "refs/heads/main", made)
        return made


@pytest.fixture
def crafted(tmp_path: Path) -> Crafted:
    return Crafted(tmp_path / "crafted.git")


def read(crafted: Crafted, *inside: tuple[str, bytes, str]) -> tuple[dict[str, str], list[str]]:
    """The manifests of a tree, and what was refused of it."""
    crafted.commit(crafted.tree(("40000", b"manifests", crafted.tree(*inside))))
    found = source.read(crafted.path, "refs/heads/main")
    dict(found.blobs.read(found.files.values()))
    return dict(found.files), [f"{fault.file}: {fault.message}" for fault in found.refused]


# -- manifests: nothing is checked out, a name is only a name ------------------------------------------------------------


@pytest.mark.parametrize("name", [b"..", b".git", b".", b"a\nb", b"a\x1b[2Jb", b"-rf"])
def test_a_folder_called_so_leads_nowhere_else(crafted, name):
    """Files are read by what they hold; their names open nothing."""
    inner = crafted.tree(("100644", b"vo.yaml", crafted.blob(VO)))
    files, _ = read(crafted, ("40000", name, inner), ("100644", b"z.yaml", crafted.blob(VO)))
    assert set(files) <= {f"manifests/{name.decode()}/vo.yaml", "manifests/z.yaml"}


@pytest.mark.parametrize(
    ("mode", "said"),
    [("120000", "is a symbolic link"), ("160000", "is a submodule")],
)
def test_links_and_submodules_are_refused_wherever_they_lead(crafted, mode, said):
    target = crafted.blob(b"/etc/passwd") if mode == "120000" else "1" * 40
    files, refused = read(crafted, ("100644", b"a.yaml", crafted.blob(VO)), (mode, b"b.yaml", target))
    assert (set(files), refused) == ({"manifests/a.yaml"}, [f"manifests/b.yaml: {said}"])


@pytest.mark.parametrize("mode", ["100664", "100755", "100600"])
def test_a_file_of_any_mode_is_only_read(crafted, mode):
    assert set(read(crafted, (mode, b"a.yaml", crafted.blob(VO)))[0]) == {"manifests/a.yaml"}


def test_attributes_change_nothing_and_run_nothing(crafted, tmp_path):
    """No filter is run, no ident filled in, no line end turned, though the repository and the user name programs."""
    ran = tmp_path / "ran"
    for which in ("smudge", "clean", "process"):
        crafted.git("config", f"filter.evil.{which}", f"touch {ran}")
    crafted.git("config", "diff.evil.textconv", f"touch {ran}")
    crafted.git("config", "core.hooksPath", str(tmp_path))
    attributes = crafted.blob(b"* filter=evil ident eol=crlf diff=evil working-tree-encoding=UTF-16\n")
    content = VO + b"# $Id$\n"
    crafted.commit(
        crafted.tree(
            ("100644", b".gitattributes", attributes),
            ("40000", b"manifests", crafted.tree(("100644", b"a.yaml", crafted.blob(content)))),
        )
    )
    found = source.read(crafted.path, "refs/heads/main")
    assert [content for _, content in found.blobs.read(found.files.values())] == [content]
    assert not ran.exists()


def test_two_files_that_differ_in_case_are_two_files(crafted):
    blob = crafted.blob(VO)
    assert set(read(crafted, ("100644", b"A.yaml", blob), ("100644", b"a.yaml", blob))[0]) == {
        "manifests/A.yaml",
        "manifests/a.yaml",
    }


def test_a_file_that_is_too_large_is_refused_and_named(crafted):
    large = crafted.blob(b"#" * (2 << 20))
    with pytest.raises(SourceError, match=r"manifests/a\.yaml:1:1: over 1048576 bytes"):
        read(crafted, ("100644", b"a.yaml", large))


# -- roles: what is pinned is what is run -----------------------------------------------------------------------------------


def role_tree(crafted: Crafted, *more: tuple[str, bytes, str]) -> str:
    tasks = crafted.tree(("100644", b"main.yml", crafted.blob(TASKS)))
    return crafted.tree(*sorted([*more, ("40000", b"tasks", tasks)], key=lambda entry: entry[1]))


def unpacked(role: RoleSource, tmp_path: Path, repository: str = "") -> Path:
    (place,) = supplied([role], tmp_path / "fetched", repository, tmp_path / "own")
    return place / "roles" / role.name


def test_what_refs_replace_put_in_place_of_a_pinned_tree_is_not_run(crafted, tmp_path):
    """Whoever may push any ref could otherwise have anything run."""
    tree = role_tree(crafted)
    evil = crafted.tree(("40000", b"tasks", crafted.tree(("100644", b"main.yml", crafted.blob(EVIL)))))
    crafted.git("replace", "-f", tree, evil)
    made = unpacked(RoleSource("ebb", tree=tree), tmp_path, str(crafted.path))
    assert (made / "tasks" / "main.yml").read_bytes() == TASKS


def test_attributes_of_a_pinned_tree_leave_nothing_out_fill_nothing_in_and_run_nothing(crafted, tmp_path):
    ran = tmp_path / "ran"
    crafted.git("config", "filter.evil.smudge", f"touch {ran}; cat")
    attributes = crafted.blob(b"main.yml filter=evil export-subst\ncheck.yml export-ignore\n")
    tree = role_tree(
        crafted,
        ("100644", b".gitattributes", attributes),
        ("100644", b"check.yml", crafted.blob(b"$Format:%an$\n")),
    )
    made = unpacked(RoleSource("ebb", tree=tree), tmp_path, str(crafted.path))
    assert (made / "check.yml").read_bytes() == b"$Format:%an$\n"
    assert (made / "tasks" / "main.yml").read_bytes() == TASKS
    assert not ran.exists()


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (("120000", b"files"), "files is neither a file nor a folder"),
        (("100644", b"../../escaped"), "would be written elsewhere"),
        (("100644", b"/escaped"), "would be written elsewhere"),
    ],
)
def test_a_pinned_tree_writes_nowhere_else(crafted, tmp_path, entry, said):
    tree = role_tree(crafted, (*entry, crafted.blob(b"/etc")))
    with pytest.raises(Terminal, match=said):
        unpacked(RoleSource("ebb", tree=tree), tmp_path, str(crafted.path))
    assert not list(tmp_path.rglob("escaped"))


def test_a_pinned_tree_with_a_folder_called_dot_dot_writes_nowhere_else(crafted, tmp_path):
    above = crafted.tree(("100644", b"escaped", crafted.blob(b"x")))
    with pytest.raises(Terminal, match="would be written elsewhere"):
        unpacked(RoleSource("ebb", tree=role_tree(crafted, ("40000", b"..", above))), tmp_path, str(crafted.path))
    assert not list(tmp_path.rglob("escaped"))


def test_a_pinned_tree_that_is_too_large_is_not_read(crafted, tmp_path, monkeypatch):
    monkeypatch.setattr(roles, "LARGEST", 1000)
    tree = role_tree(crafted, ("100644", b"big", crafted.blob(b"x" * 2000)))
    with pytest.raises(Terminal, match="more than 1000 bytes"):
        unpacked(RoleSource("ebb", tree=tree), tmp_path, str(crafted.path))


def archive(tmp_path: Path, *members: tarfile.TarInfo) -> RoleSource:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as made:
        for member in members:
            made.addfile(member, io.BytesIO(b"x" * member.size))
    file = tmp_path / "role.tar.gz"
    file.write_bytes(packed.getvalue())
    return RoleSource("tides", f"file://{file}", hashlib.sha256(packed.getvalue()).hexdigest())


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_an_archive_holds_files_and_folders_only(tmp_path, kind):
    member = tarfile.TarInfo("role/tasks")
    member.type, member.linkname = kind, "/etc"
    with pytest.raises(Terminal, match="is neither a file nor a folder"):
        unpacked(archive(tmp_path, member), tmp_path)


def test_an_archive_that_swells_is_given_up_before_it_is_unpacked(tmp_path):
    """A header that promises 8 TiB: nothing of it is decompressed."""
    header = tarfile.TarInfo("role/big")
    header.size = 8 << 40
    content = gzip.compress(header.tobuf(format=tarfile.GNU_FORMAT) + bytes(1 << 20))
    file = tmp_path / "bomb.tar.gz"
    file.write_bytes(content)
    role = RoleSource("tides", f"file://{file}", hashlib.sha256(content).hexdigest())
    with pytest.raises(Terminal, match="bytes unpacked"):
        unpacked(role, tmp_path)
