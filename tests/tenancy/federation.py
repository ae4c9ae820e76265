"""A small federation with two VOs, a site and an NGI, and those who look after them, each with a key."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.house import commit, git

PEOPLE = ("olga", "ada", "bob", "sam", "nina")
"""The owner of the policy; managers of the VOs tides and waves; the site's manager; the NGI's."""
DOMAIN = "example.org"
VOS = """apiVersion: hanse/v1
kind: VO
metadata: {name: tides}
spec: {description: Tides}
---
apiVersion: hanse/v1
kind: VO
metadata: {name: waves}
spec: {description: Waves}
"""
SITE = """apiVersion: hanse/v1
kind: Site
metadata: {name: SEA}
spec: {ngi: NGI_SEA, country: DE, certification: Candidate, description: By the sea}
"""
ROLES = """apiVersion: hanse/v1
kind: RoleAssignment
metadata: {name: sea}
spec: {over: {site: SEA}, roles: {Site Operations Manager: [sam@example.org]}}
---
apiVersion: hanse/v1
kind: RoleAssignment
metadata: {name: ngi-sea}
spec: {over: {ngi: NGI_SEA}, roles: {NGI Operations Manager: [nina@example.org]}}
"""
TENANCY = """apiVersion: hanse/v1
kind: Tenancy
metadata: {{name: {vo}}}
spec:
  authority: {{vo: {vo}}}
  scope: {{namespaces: [{vo}]}}
  allow:
    - who: [{{signer: {who}@example.org}}]
      actions: [create, update, delete, approve, pause, acknowledge]
  approvals:
    - what: lifetime of names
      fields: [spec.ttl]
      kinds: [DNSRecord]
      by: [{{role: Site Operations Manager, over: site, name: SEA}}]
"""
SITES = """apiVersion: hanse/v1
kind: Tenancy
metadata: {name: sites}
spec:
  authority: {site: SEA}
  scope: {kinds: [Site]}
  roles: true
"""


def record(vo: str, name: str = "www", value: str = "192.0.2.1", ttl: int = 0, more: str = "") -> str:
    """A name of a VO."""
    lasts = f", ttl: {ttl}" if ttl else ""
    return (
        f"apiVersion: hanse/v1\nkind: DNSRecord\nmetadata: {{name: {name}, namespace: {vo}}}\n{more}"
        f"spec: {{zone: fed.example.org, name: {name}.{vo}, type: A, values: [{value}]{lasts}}}\n"
    )


def begun(root: Path, settings: str = "") -> Path:
    """The federation, signed by the owner, with keys of everybody beside the repository."""
    root.mkdir(parents=True)
    lines = []
    for name in (*PEOPLE, "eve"):
        subprocess.run(["ssh-keygen", "-qt", "ed25519", "-N", "", "-C", name, "-f", root.parent / name], check=True)
        if name in PEOPLE:
            key = (root.parent / f"{name}.pub").read_text(encoding="utf-8")
            lines.append(f'{name}@{DOMAIN} namespaces="git" {key}')
    (root / "signers").write_text("".join(lines), encoding="utf-8")
    owners = f'[tenancy]\nsigners = "signers"\nowners = [{{ signer = "olga@{DOMAIN}" }}]\n'
    (root / "hanse.toml").write_text(owners + settings, encoding="utf-8")
    files = {
        "vos.yaml": VOS,
        "site.yaml": SITE,
        "roles.yaml": ROLES,
        "tides/www.yaml": record("tides"),
        "waves/www.yaml": record("waves"),
        "tenancy/tides.yaml": TENANCY.format(vo="tides", who="ada"),
        "tenancy/waves.yaml": TENANCY.format(vo="waves", who="bob"),
        "tenancy/sites.yaml": SITES,
    }
    signed(root, "olga", files)
    return root


def signed(root: Path, who: str, files: dict[str, str | None], subject: str = "change") -> str:
    """A commit that somebody signs; "" for nobody."""
    commit(root, files, subject)
    if who:
        key = ["-c", "gpg.format=ssh", "-c", f"user.signingkey={root.parent / who}.pub"]
        git(root, *key, "commit", "-q", "--amend", "--allow-empty", "--no-edit", "-S")
    return git(root, "rev-parse", "HEAD")
