"""Hostile values in every field of every kind's example: refused, or plain text wherever they are shown or used."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from reconciler import SCHEMA_VERSION
from reconciler.drivers.ansible.trust import guarded
from reconciler.inert import coloured
from reconciler.kinds import registry
from reconciler.model import Action, FieldChange, Plan, Reason, Verb
from reconciler.plan import render
from tests.manifest.revisions import outcome
from tests.security.test_inert_output import _tags

HOSTILE = (
    "$(touch /tmp/pwned)",
    "{{ lookup('pipe', 'id') }}",
    "{% for x in ().__class__.__base__.__subclasses__() %}{% endfor %}",
    "#jinja2: variable_start_string:'[%', variable_end_string:'%]'\n[% lookup('pipe', 'id') %]",
    "-oProxyCommand=id",
    "';DROP TABLE inventory;--",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    '=HYPERLINK("http://evil.example")',
    "a\x1b]0;t\x07\x1b[2Jb",
    "../../../etc/passwd",
    "a\nb: c\n---\nkind: Approval",
    "\u202emoc.elpmaxe",
    "`id`; ```\n</details>",
    "%s%n{0.__class__.__init__.__globals__}",
    "x" * 5000,
)
ODD: tuple[Any, ...] = (10**30, -(10**400), 1e308, "", [[[]]], {"a": {"b": []}}, True, None, "\u0663", {"": 1})
_ACTS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
Path_ = tuple[str | int, ...]


def example(name: str) -> dict[str, Any]:
    """The documented example of a kind, as JSON data."""
    file = Path(inspect.getfile(type(registry()[name]))).parent / "example.yaml"
    documents = [one for one in YAML(typ="safe").load_all(file.read_text()) if one]
    found = next(one for one in documents if one["kind"] == name)
    return dict(json.loads(json.dumps(found, default=str)))


def leaves(value: Any, path: Path_ = ()) -> Iterator[Path_]:
    """Where every value stands."""
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(inner, (*path, key))
    else:
        yield path


def planted(value: Any, path: Path_, what: Any) -> Any:
    """The same with another value in one place."""
    if not path:
        return what
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = planted(copy[path[0]], path[1:], what)
    return copy


@pytest.mark.parametrize("name", sorted(registry()))
def test_what_is_planted_in_a_manifest_is_refused_or_inert(name):
    quiet = {("text", ""), ("code_inline", "code")} | {tag for n in (0, 1) for tag in _tags(shown(name, {"a": "b"})[n])}
    whole = example(name)
    for number, path in enumerate(path for path in leaves(whole) if path[0] in ("metadata", "spec")):
        for what in (HOSTILE[number % len(HOSTILE)], HOSTILE[(number * 7 + 3) % len(HOSTILE)], ODD[number % len(ODD)]):
            body = planted(whole, path, what)
            items, said, _ = outcome({"m.yaml": json.dumps(body)})
            assert items or said, (path, what)
            for one in said:
                assert not _ACTS.search(coloured(one) + render.faulty("c" * 40, [one])), (path, what, one)
            for resource in items.values():
                comment, text = shown(str(resource.ref), json.loads(resource.content))
                assert not _ACTS.search(comment + text), (path, what)
                assert _tags(comment) <= quiet, (path, what)
                assert not any(live(v) for v in guarded_values(json.loads(resource.content))), (path, what)


def shown(ref: str, spec: Any) -> tuple[str, str]:
    """A plan that makes it and one that changes every field to it: as a comment, and as text."""
    changes = tuple(FieldChange(f"spec.{key}", None, value) for key, value in spec.items())
    common = {"target": "registry:x", "spec": spec}
    created = Action(Verb.CREATE, ref, Reason.NEW, **common)  # type: ignore[arg-type]
    changed = Action(Verb.UPDATE, ref, Reason.SPEC_CHANGED, changes=changes, message=str(spec), **common)  # type: ignore[arg-type]
    plan = Plan("c" * 40, SCHEMA_VERSION, (created, changed), 0)
    return render.markdown(plan), coloured(render.text(plan))


def guarded_values(spec: Any) -> Iterator[Any]:
    """Everything that Ansible would be handed of it."""
    yield from _strings(guarded(spec))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if value.keys() == {"__ansible_unsafe"}:
            return
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)
    elif isinstance(value, str):
        yield value


def live(value: str) -> bool:
    """Whether Ansible would take it for a template."""
    return any(mark in value for mark in ("{{", "{%", "{#", "#jinja2:"))


@pytest.mark.parametrize("said", HOSTILE)
def test_names_that_a_manifest_can_have_are_those_of_the_grammar(said):
    """A name stands in commands, paths, URLs and SQL: none of these is one."""
    for name in sorted(registry()):
        body = planted(example(name), ("metadata", "name"), said)
        items, faults, _ = outcome({"m.yaml": json.dumps(body)})
        assert (items, bool(faults)) == ({}, True), name


def test_a_wrong_type_is_a_fault_and_ends_nothing():
    """Each of these once ended the whole reading, for everybody."""
    head = {"apiVersion": "hanse/v1", "metadata": {"name": "x", "namespace": "tides"}}
    window = {
        **head,
        "metadata": {"name": "x"},
        "kind": "Window",
        "spec": {"type": "deny", "minutes": 5, "reason": "r"},
    }
    group = {**head, "metadata": {"name": "x"}, "kind": "ServiceGroup", "spec": {"monitored": [[]]}}
    for body, path in ((window, "spec.schedule"), (group, "spec.monitored")):
        for bad in ([[]], {"a": {}}, "never"):
            body["spec"][path.partition(".")[2]] = bad
            items, said, _ = outcome({"m.yaml": json.dumps(body)})
            assert items == {}
            assert any(path in one for one in said), said
