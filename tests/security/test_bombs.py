"""What is small and becomes large, or is quick to write and slow to read: YAML, XML, JSON, patterns."""

from __future__ import annotations

import importlib
import json
import multiprocessing
import pkgutil
import re
from fnmatch import fnmatchcase
from xml.etree import ElementTree as ET

import pytest

import reconciler
from reconciler.exchange.apel.reading import Refused
from reconciler.exchange.apel.storage import parsed
from reconciler.exchange.vocard.element import Malformed, parse
from reconciler.kinds.expression import Expression
from tests.manifest.revisions import outcome
from tests.real.waiting import PATIENCE

HEAD = "apiVersion: hanse/v1\nkind: VO\nmetadata: {name: tides}\nspec:\n  description: "
ENTITIES = "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(8))
LAUGHS = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "{"A" * 100}">{ENTITIES}]><results>&i;</results>'
OUTSIDE = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><results>&e;</results>'


@pytest.mark.parametrize(
    "text",
    [
        HEAD + "&a [x, x]\n  disciplines: [&b [*a, *a, *a], &c [*b, *b, *b], *c]\n",
        "\n".join(
            [
                "a: &a [x,x,x,x,x,x,x,x,x]",
                *(f"{chr(98 + n)}: &{chr(98 + n)} [{','.join([f'*{chr(97 + n)}'] * 9)}]" for n in range(8)),
            ]
        ),
        HEAD + "[" * 50_000,
        HEAD + "{a: " * 50_000,
        HEAD + "- " * 50_000,
        HEAD + "x" * 900_000,
        "---\n" * 100_000,
        "---\nkind: VO\n" * 20_000,
        HEAD + "a\n  description: b\n",
        HEAD + "!!python/object/apply:os.system [id]\n",
        HEAD + "!!binary aGk=\n",
        HEAD + "&a x\n  <<: *a\n",
        HEAD + "9" * 100_000,
        HEAD + "0x" + "f" * 100_000,
        HEAD + "1e" + "9" * 50_000,
        '{"a":' * 50_000,
    ],
    ids=range(16),
)
def test_a_yaml_bomb_is_answered_with_faults_and_not_with_memory(text):
    items, said, _ = outcome({"m.yaml": text})
    assert all(len(resource.content) < 1_000_000 for resource in items.values())
    assert items or said or not text.strip("-\n")


@pytest.mark.parametrize("text", [LAUGHS, OUTSIDE], ids=["laughs", "outside"])
def test_no_document_type_of_xml_is_expanded_or_followed(text):
    with pytest.raises(Malformed):
        parse(text.encode())
    with pytest.raises(Refused, match="document type"):
        parsed(text)
    with pytest.raises(ET.ParseError):  # what answers of storages are read with bounds what entities grow to
        ET.fromstring(text)


def test_a_location_that_is_nested_without_end_is_refused():
    for text in ("(" * 100_000, "(" * 2000 + "a" + ")" * 2000, "a&" * 50_000 + "a", "!" * 1000):
        try:
            Expression.parse(text)
        except ValueError:
            continue


HOSTILE = [
    start + part * (1500 // len(part)) + end
    for part in (
        "a",
        "0",
        ".",
        "-",
        " ",
        "a.",
        "a-",
        "/a",
        '"a',
        "\\a",
        "a=",
        "::",
        "a:",
        "(a",
        "\n ",
        "%2",
        "a,",
        "{a",
    )
    for start in ("", "a", '"', "http://")
    for end in ("\x00", "!")
]


def _every_pattern() -> None:
    """Ours, and those that fields are held against, over texts made to go wrong."""
    found = set()
    for one in pkgutil.walk_packages(reconciler.__path__, "reconciler."):
        if not one.name.startswith(("reconciler.drivers.namespace", "reconciler.cli.__main__")):
            module = importlib.import_module(one.name)
            found |= {value for value in vars(module).values() if isinstance(value, re.Pattern)}
    for pattern in found:
        for text in HOSTILE:
            given = text.encode() if isinstance(pattern.pattern, bytes) else text
            pattern.match(given)
            pattern.fullmatch(given)
    assert len(found) > 100


def _patterns_of_manifests() -> None:
    """Shell patterns, as Approvals, Windows, Tenancies and Probes give them."""
    from reconciler.kinds.approval.spec import ApprovalScope

    for part in ("*a", "[a-", "?", "*a*b", "*", "[!a]*", "[[]", "*a?"):
        (pattern,) = ApprovalScope(resources=(part * (600 // len(part)),)).resources or ()
        assert not fnmatchcase("a" * 20_000 + "\x00", f"{pattern[:599]}!")
    with pytest.raises(ValueError, match="at most 600"):
        ApprovalScope(resources=("*a" * 301,))


@pytest.mark.parametrize("work", [_every_pattern, _patterns_of_manifests])
def test_no_pattern_takes_for_ever(work):
    """In a process of its own, since a pattern that runs away cannot be stopped in this one."""
    child = multiprocessing.get_context("spawn").Process(target=work)
    child.start()
    child.join(3 * PATIENCE)
    running = child.is_alive()
    child.kill()
    child.join()
    assert (running, child.exitcode) == (False, 0)


def test_json_that_is_deep_or_large_is_no_plan():
    from reconciler.errors import StalePlan
    from reconciler.plan.saved import from_json

    for content in (
        b"[" * 100_000,
        b'{"a":' * 100_000,
        json.dumps({"digest": "x", "format": "hanse.plan/v1"}).encode(),
    ):
        with pytest.raises(StalePlan):
            from_json(content)
