"""GOCDB's programmatic interface: its XML made from manifests, and manifests made from its XML."""

from reconciler.exchange.gocdb.answering import METHODS, Feed, answer, refusal
from reconciler.exchange.gocdb.asked import Refused
from reconciler.exchange.gocdb.elements import View
from reconciler.exchange.gocdb.importer import ImportReport, import_gocdb
from reconciler.exchange.gocdb.reading import Read, read
from reconciler.exchange.gocdb.topology import Topology, topology

__all__ = [
    "METHODS",
    "Feed",
    "ImportReport",
    "Read",
    "Refused",
    "Topology",
    "View",
    "answer",
    "import_gocdb",
    "read",
    "refusal",
    "topology",
]
