"""Accounting: the messages of APEL, written, read as strictly as its loader reads them, queued and signed.

A message that its loader would refuse is refused here first: there, one bad record rejects a whole message.
"""

from __future__ import annotations

from reconciler.exchange.apel.forms import CLOUD, CLOUD_SUMMARY, FORMS, JOB, NORMALISED, SUMMARY, SYNC, Form, Value
from reconciler.exchange.apel.reading import Message, Refused, read
from reconciler.exchange.apel.writing import Batch, Reject, batches

__all__ = [
    "CLOUD",
    "CLOUD_SUMMARY",
    "FORMS",
    "JOB",
    "NORMALISED",
    "SUMMARY",
    "SYNC",
    "Batch",
    "Form",
    "Message",
    "Refused",
    "Reject",
    "Value",
    "batches",
    "read",
]
