"""Tenancy: who may do what to which things. Pure: rules and proofs in, verdicts and reasons out."""

from reconciler.tenancy.rules import CHANGES, DEEDS, Charter, Deed, Rule, Rules, Word
from reconciler.tenancy.subjects import Book, Subject, holder
from reconciler.tenancy.things import Scope, Thing
from reconciler.tenancy.verdicts import Need, Verdict, may, needed

__all__ = [
    "CHANGES",
    "DEEDS",
    "Book",
    "Charter",
    "Deed",
    "Need",
    "Rule",
    "Rules",
    "Scope",
    "Subject",
    "Thing",
    "Verdict",
    "Word",
    "holder",
    "may",
    "needed",
]
