"""Revisions made of texts, that count how often a content is read."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from reconciler.errors import ManifestError
from reconciler.kinds import registry
from reconciler.manifest import load
from reconciler.model import Revision

VO = "apiVersion: hanse/v1\nkind: VO\nmetadata: {{name: {0}}}\nspec: {{description: {1}}}\n"


class Contents:
    def __init__(self, files: Mapping[str, str]) -> None:
        self.contents = {blob(text): text.encode() for text in files.values()}
        self.read_count = 0

    def read(self, blobs):
        for name in blobs:
            self.read_count += 1
            yield name, self.contents[name]


def blob(text: str) -> str:
    return hashlib.sha1(text.encode()).hexdigest()


def revision(files: Mapping[str, str], commit: str = "c" * 40) -> Revision:
    return Revision(commit, {path: blob(text) for path, text in files.items()}, Contents(files))


def outcome(files: Mapping[str, str], settings=None, memory=None, kinds=None):
    """(resources, faults and warnings as text, contents read): one of the first two is empty."""
    made = revision(files)
    try:
        read = load(made, kinds or registry(), settings, memory)
    except ManifestError as error:
        return {}, [str(d) for d in error.diagnostics], made.blobs.read_count
    return dict(read.items), [str(d) for d in read.warnings], made.blobs.read_count
