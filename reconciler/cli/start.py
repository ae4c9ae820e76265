"""What ``hanse init`` writes: settings with every default explained, a tiny federation, and git around them."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from reconciler.errors import SettingsError

SETTINGS = """\
# Hanse: what is reconciled, where it is remembered, how far it may go. Every value here is the default.
# Any of them can be given in the environment: HANSE_RECORDS__URL is [records] url. `hanse config` shows all.

[source]
# repository = "."            # a git repository, bare or not
# revision = "HEAD"           # branch, tag or commit that is reconciled
# paths = ["manifests"]       # folders in it that hold manifests

[records]
# url = "sqlite:///.hanse/hanse.db"     # or postgresql+psycopg://USER@HOST/NAME

# [limits.deletes]            # more than this in one run needs an Approval (hanse approve)
# absolute = 10               # per kind and back end
# percent = 30.0              # counts where at least minimum_population are held
# minimum_population = 10

[run]                         # the loop of `hanse run`
# interval_seconds = 60.0
# jitter = 0.1
# lease_seconds = 30.0

# A rehearsal: what manifests call openstack is simulated.
# [substitute]
# openstack = "simulated"

# What manifests leave to the operator, by back end; patterns are allowed, the longest that fits wins.
# [targets."dns:fed.example.org."]
# driver = "rfc2136"
# server = "192.0.2.53"
# key = { file = "/etc/hanse/fed.example.org.key" }
"""
EXAMPLE = """\
# A virtual organisation. `hanse schema VO` lists every field; `hanse validate --worktree` checks them.
apiVersion: hanse/v1
kind: VO
metadata:
  name: vo.example.org
spec:
  description: the first VO of this federation
"""
RECORD = """\
# A name in a zone. Change its ttl, commit, and see what `hanse plan` says.
apiVersion: hanse/v1
kind: DNSRecord
metadata:
  name: www
  namespace: vo.example.org
spec:
  zone: fed.example.org
  name: www
  type: A
  ttl: 300
  values:
    - 192.0.2.10
"""
FILES = {"hanse.toml": SETTINGS, "manifests/vo.yaml": EXAMPLE, "manifests/www.yaml": RECORD}
IGNORED = "/.hanse/"


def begin(place: Path) -> Iterator[str]:
    """Write everything, and say each thing that was done. Raises SettingsError when something stands there already."""
    there = [name for name in FILES if (place / name).exists()]
    if there:
        raise SettingsError(
            f"{place} has {', '.join(there)} already, nothing was written: hanse plan works on what is there"
        )
    for name, content in FILES.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
        yield f"wrote {name}"
    if _ignore(place / ".gitignore"):
        yield f"wrote .gitignore ({IGNORED} is state, not source)"
    if _under_git(place):
        yield "git init"


def _ignore(path: Path) -> bool:
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    if IGNORED in lines:
        return False
    path.write_text("\n".join([*lines, IGNORED]) + "\n", encoding="utf-8")
    return True


def _under_git(place: Path) -> bool:
    """Make a repository where there is none; says whether it did."""
    if any((folder / ".git").exists() for folder in (place.absolute(), *place.absolute().parents)):
        return False
    if shutil.which("git") is None:
        raise SettingsError("git is not installed: install it, then run git init here")
    subprocess.run(["git", "init", "--quiet", str(place)], check=True)
    return True
