"""Vocabulary: the federation's own service types and scopes, and how strictly words are taken.

Those of GOCDB are known without it. It is a manifest, and no setting of an operator: what a federation calls its
services is agreed on by review, is the same for everybody who validates, and is as of a commit like all else.
"""

from reconciler.kinds.vocabulary.kind import VocabularyKind
from reconciler.kinds.vocabulary.spec import OwnScope, OwnServiceType, VocabularySpec
from reconciler.kinds.vocabulary.types import SERVICE_TYPES
from reconciler.kinds.vocabulary.words import RESERVED_SCOPES, Words, words

KIND = VocabularyKind()

__all__ = [
    "KIND",
    "RESERVED_SCOPES",
    "SERVICE_TYPES",
    "OwnScope",
    "OwnServiceType",
    "VocabularyKind",
    "VocabularySpec",
    "Words",
    "words",
]
