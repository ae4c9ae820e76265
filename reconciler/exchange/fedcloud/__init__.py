"""The EGI Federated Cloud's files: ``sites/*.yaml`` and ``vo-mappings.yaml``, as Site and VO manifests and back."""

from reconciler.exchange.fedcloud.exporter import ExportReport, export_fedcloud
from reconciler.exchange.fedcloud.importer import ImportReport, import_fedcloud

__all__ = ["ExportReport", "ImportReport", "export_fedcloud", "import_fedcloud"]
