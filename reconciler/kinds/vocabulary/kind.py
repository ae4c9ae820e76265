"""How a vocabulary behaves: it is registered. Sites and service groups are judged by it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar

from reconciler.kinds.base import Fault, Rule
from reconciler.kinds.registered import Registered
from reconciler.kinds.vocabulary.spec import VocabularySpec
from reconciler.model import Ref


def _once(_ref: Ref, spec: VocabularySpec) -> Iterator[Fault]:
    yield from _repeated("serviceTypes", [one.name for one in spec.serviceTypes])
    yield from _repeated("scopes", [one.name for one in spec.scopes])


def _repeated(field: str, names: Iterable[str]) -> Iterator[Fault]:
    first: dict[str, int] = {}
    for n, name in enumerate(names):
        if name in first:
            yield Fault(
                f"spec.{field}[{n}].name", f"{name} stands already at spec.{field}[{first[name]}]", "remove one"
            )
        first.setdefault(name, n)


class VocabularyKind(Registered[VocabularySpec]):
    """The federation's own words."""

    name = "Vocabulary"
    plural = "vocabularies"
    Spec = VocabularySpec
    federation_wide: ClassVar[bool] = True
    rules: ClassVar[tuple[Rule, ...]] = (Rule("vocabulary-once", "A word is defined once in a vocabulary.", _once),)
