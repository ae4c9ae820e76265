"""Rucio: its storages, datasets and rules as manifests, and rules given back as Rucio takes them."""

from reconciler.exchange.rucio.exporter import add_rule, export_rules
from reconciler.exchange.rucio.importer import ImportReport, import_rucio
from reconciler.kinds.datasetrule.rucio import Untold, rucio_expression

__all__ = ["ImportReport", "Untold", "add_rule", "export_rules", "import_rucio", "rucio_expression"]
