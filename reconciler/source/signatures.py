"""Whose commits count: SSH signatures, checked by git against the operator's list of signers (git-verify-commit)."""

from __future__ import annotations

from pathlib import Path

import git

from reconciler.errors import SourceError


def unverified(repo: git.Repo, commit: str, signers: Path | None) -> str:
    """Why a commit does not count; "" when one of the signers has signed it, or when no list is given.

    ``signers`` is a file of allowed signers (ssh-keygen(1)). Raises SourceError when it cannot be read.
    """
    if signers is None:
        return ""
    if not signers.is_file():
        raise SourceError(f"{signers}: no such file; [source] signers names a list of allowed signers (ssh-keygen)")
    given = [
        f"gpg.ssh.allowedSignersFile={signers.absolute()}",
        "gpg.ssh.program=ssh-keygen",
        "gpg.minTrustLevel=fully",
    ]
    words = [word for setting in given for word in ("-c", setting)]
    try:
        repo.git.execute(["git", *words, "verify-commit", commit])
    except git.GitCommandError as error:
        said = str(error.stderr).strip().removeprefix("stderr: ").strip("'\n ").partition("\n")[0]
        return f"commit {commit[:12]} is signed by nobody of {signers.name}{f' ({said})' if said else ''}"
    return ""
