"""A repository opened so that only it decides what is read: not the user's git configuration, not the environment."""

from __future__ import annotations

import os
from pathlib import Path

import git

from reconciler.errors import SourceError


def opened(repository: Path) -> git.Repo:
    """The repository at a directory or above it. Raises SourceError when there is none."""
    try:
        repo = git.Repo(repository, search_parent_directories=True)
    except git.NoSuchPathError as error:
        raise SourceError(f"{repository}: no such directory") from error
    except git.InvalidGitRepositoryError as error:
        raise SourceError(
            f"{repository}: not a git repository; git init makes one, hanse init a whole start"
        ) from error
    repo.git.update_environment(**_isolated(repo))
    return repo


def _isolated(repo: git.Repo) -> dict[str, str]:
    """Environment for git. A name that git looks up is given here, so that a hook's or a shell's does not count."""
    given = {
        "GIT_DIR": str(repo.git_dir),
        "GIT_COMMON_DIR": str(repo.common_dir),
        "GIT_INDEX_FILE": str(Path(repo.git_dir) / "index"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "core.fsmonitor",  # a program that the repository could name
        "GIT_CONFIG_VALUE_0": "false",
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",  # a commit id means the commit, not what refs/replace puts in its place
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
    }
    if repo.working_tree_dir is not None:
        given["GIT_WORK_TREE"] = str(repo.working_tree_dir)
    if "GIT_QUARANTINE_PATH" not in os.environ:  # in a receive hook, new objects are still elsewhere
        given["GIT_OBJECT_DIRECTORY"] = str(Path(repo.common_dir) / "objects")
    return given
