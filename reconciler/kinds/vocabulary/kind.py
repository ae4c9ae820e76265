"""How a vocabulary behaves: it is registered. Sites and service groups are judged by it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from reconciler.kinds.base import Fault, Rule
from reconciler.kinds.registered import Registered
from reconciler.kinds.repeated import repeated
from reconciler.kinds.vocabulary.spec import VocabularySpec
from reconciler.model import Ref


def _once(_ref: Ref, spec: VocabularySpec) -> Iterator[Fault]:
    yield from repeated([one.name for one in spec.serviceTypes], "", "spec.serviceTypes", ".name", "remove one")
    yield from repeated([one.name for one in spec.scopes], "", "spec.scopes", ".name", "remove one")


class VocabularyKind(Registered[VocabularySpec]):
    """The federation's own words."""

    name = "Vocabulary"
    plural = "vocabularies"
    Spec = VocabularySpec
    federation_wide: ClassVar[bool] = True
    rules: ClassVar[tuple[Rule, ...]] = (Rule("vocabulary-once", "A word is defined once in a vocabulary.", _once),)
