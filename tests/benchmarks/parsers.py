"""How fast YAML can be read: ``python -m tests.benchmarks.parsers`` prints the table of docs/adr/0002.

The documents are those of a made-up federation. What is not installed is left out.
"""

from __future__ import annotations

import gc
import io
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from time import perf_counter
from typing import Any

import yaml
from ruamel.yaml import YAML

from reconciler.kinds import registry
from reconciler.manifest.document import resource
from reconciler.manifest.nodes import trees
from reconciler.manifest.reader import documents
from tests.benchmarks.federation import documents as federation


def readers() -> Iterator[tuple[str, int, Callable[[bytes], Any]]]:
    """Name, one document of how many is read, reader."""
    yield "ruamel.yaml, round trip", 20, lambda raw: YAML().load(raw)
    yield "ruamel.yaml, safe, Python", 20, lambda raw: YAML(typ="safe", pure=True).load(raw)
    yield "ruamel.yaml, safe, C", 5, lambda raw: YAML(typ="safe").load(raw)
    yield "PyYAML, CSafeLoader (YAML 1.1)", 1, lambda raw: yaml.load(raw, yaml.CSafeLoader)
    yield "libyaml through PyYAML, events alone", 1, _events
    yield "chosen: events, core schema, checks", 1, lambda raw: list(documents(raw))
    yield "the careful reading, with places", 1, lambda raw: list(trees(raw.decode()))
    yield from _others()
    kinds = registry()
    yield "chosen, and validated by its kind", 1, lambda raw: [resource(d, "m", kinds) for d in documents(raw)]


def _others() -> Iterator[tuple[str, int, Callable[[bytes], Any]]]:
    try:
        import yaml12

        yield "py-yaml12 (no places, no duplicate keys)", 1, lambda raw: yaml12.parse_yaml(raw.decode())
    except ImportError:
        pass
    try:
        import ryml

        yield "rapidyaml, the tree alone", 1, ryml.parse_in_arena
    except ImportError:
        pass


def _events(raw: bytes) -> None:
    parser = yaml.CLoader(io.BytesIO(raw))
    while parser.check_event():
        parser.get_event()
    parser.dispose()


def _validated(texts: list[bytes]) -> int:
    kinds = registry()
    return len([resource(d, "m", kinds)[0] for raw in texts for d in documents(raw)])


def _pooled(texts: list[bytes], workers: int) -> float:
    started = perf_counter()
    with ProcessPoolExecutor(workers) as pool:
        list(pool.map(_validated, [texts[n : n + 500] for n in range(0, len(texts), 500)]))
    return perf_counter() - started


def main() -> None:
    """Print the table."""
    texts = [text.encode() for _, text in federation(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)]
    gc.disable()
    print(
        f"{len(texts)} documents, {sum(map(len, texts)) // len(texts)} bytes each\n\n| reader | documents per second |\n|---|---|"
    )
    for name, share, read in readers():
        some = texts[::share]
        started = perf_counter()
        for raw in some:
            read(raw)
        print(f"| {name} | {len(some) / (perf_counter() - started):,.0f} |")
    for workers in (1, 2):
        print(f"| validated in a pool of {workers}, results left there | {len(texts) / _pooled(texts, workers):,.0f} |")


if __name__ == "__main__":
    main()
