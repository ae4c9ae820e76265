"""File contents, many at once: out of git's object store, or out of the working tree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import IO

import git

from reconciler.errors import SourceError
from reconciler.source.refusals import MAX_BYTES, too_large


@dataclass(frozen=True)
class Stored:
    """Contents out of git's object store, all through one process. Raises SourceError when one cannot be had."""

    repo: git.Repo
    files: Mapping[str, str]
    """Path -> blob id, so that a fault can name the file."""

    def read(self, blobs: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        wanted = list(dict.fromkeys(blobs))
        lost: dict[str, str] = {}
        large: list[str] = []
        if wanted:
            yield from self._batch(wanted, lost, large)
        if lost or large:
            faults = [f"{self._named(blob)}: {why}" for blob, why in lost.items()]
            faults += [str(too_large(self._named(blob))) for blob in large]
            raise SourceError("\n".join(faults), () if lost else large)

    def _batch(self, wanted: list[str], lost: dict[str, str], large: list[str]) -> Iterator[tuple[str, bytes]]:
        with TemporaryFile() as names:
            names.write("".join(f"{blob}\n" for blob in wanted).encode())
            names.seek(0)
            process = self.repo.git.cat_file("--batch", "--buffer", istream=names, as_process=True)
            try:
                for blob in wanted:
                    content, fault = _next(process.stdout)
                    if fault:
                        lost[blob] = fault
                    elif len(content) > MAX_BYTES:
                        large.append(blob)
                    else:
                        yield blob, content
            finally:
                process.stdout.close()
                process.stderr.close()
                process.proc.terminate()
                process.proc.wait()

    def _named(self, blob: str) -> str:
        return next((path for path, other in self.files.items() if other == blob), blob)


def _next(out: IO[bytes]) -> tuple[bytes, str]:
    """The next object that ``git cat-file --batch`` writes (a header line, the content, a newline), or its fault."""
    header = out.readline().split()
    if len(header) != 3 or header[1] != b"blob":  # noqa: PLR2004 (id, type, size)
        return b"", "the repository cannot give it; git fsck tells more"
    size = int(header[2])
    content = out.read(size + 1)[:size]
    if len(content) < size:
        return b"", "the repository gave only a part of it; git fsck tells more"
    return content, ""
