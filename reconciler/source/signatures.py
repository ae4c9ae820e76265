"""Whose commits count: SSH and GPG signatures, checked by git against the operator's lists (git-verify-commit).

Both lists come from outside of the repository, and so does all that decides how they are read: neither the keys nor
the configuration of whoever runs this count.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import git

from reconciler.errors import SourceError

_PATIENCE = 60
"""Seconds for reading a keyring."""


@dataclass(frozen=True, slots=True)
class Signers:
    """Lists of those whose signatures count; either may be missing."""

    ssh: Path | None = None
    """Allowed signers (ssh-keygen(1))."""
    gpg: Path | None = None
    """Public keys, as ``gpg --export`` writes them."""

    @property
    def name(self) -> str:
        """How the lists are called in messages."""
        return " or ".join(path.name for path in (self.ssh, self.gpg) if path)


def unverified(repo: git.Repo, commit: str, signers: Path | None) -> str:
    """Why a commit does not count; "" when one of the signers has signed it, or when no list is given.

    ``signers`` is a file of allowed signers (ssh-keygen(1)). Raises SourceError when it cannot be read.
    """
    if signers is None:
        return ""
    with checking(Signers(signers)) as environment:
        return unsigned(repo, commit, Signers(signers), environment)


@contextmanager
def checking(signers: Signers) -> Iterator[Mapping[str, str]]:
    """The environment in which signatures are checked. Raises SourceError for lists that cannot be read."""
    for path in (signers.ssh, signers.gpg):
        if path is not None and not path.is_file():
            raise SourceError(f"{path}: no such file; [source] signers names a list of allowed signers (ssh-keygen)")
    with tempfile.TemporaryDirectory(prefix="hanse-keys-") as home:
        (Path(home) / "gpg.conf").write_text("trust-model always\nno-autostart\n", encoding="utf-8")
        if signers.gpg is not None:
            _imported(Path(home), signers.gpg)
        yield {"GNUPGHOME": home, "HOME": home}


def unsigned(repo: git.Repo, commit: str, signers: Signers, environment: Mapping[str, str]) -> str:
    """Why a commit counts as signed by nobody on the lists; "" when one of them has signed it."""
    try:
        repo.git.execute(["git", *settings_of(signers), "verify-commit", commit], env=dict(environment))
    except git.GitCommandError as error:
        said = str(error.stderr).strip().removeprefix("stderr: ").strip("'\n ").partition("\n")[0]
        return f"commit {commit[:12]} is signed by nobody of {signers.name}{f' ({said})' if said else ''}"
    return ""


def settings_of(signers: Signers) -> list[str]:
    """What git is told, so that these lists and nothing else decide."""
    given = [
        f"gpg.ssh.allowedSignersFile={signers.ssh.absolute() if signers.ssh else ''}",
        "gpg.ssh.program=ssh-keygen",
        "gpg.ssh.revocationFile=",
        "gpg.program=gpg",
        "gpg.x509.program=false",
        "gpg.minTrustLevel=fully",
    ]
    return [word for setting in given for word in ("-c", setting)]


def _imported(home: Path, keys: Path) -> None:
    home.chmod(0o700)
    command = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--no-autostart", "--import", str(keys)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SourceError(f"{keys} cannot be read: gpg is not there, or does not end") from error
    if done.returncode:
        raise SourceError(f"{keys} is no list of public keys: gpg --export --armor writes one")
