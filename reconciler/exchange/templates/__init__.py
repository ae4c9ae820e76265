"""Templates of Infrastructure Manager, EC3 and the PaaS Orchestrator (TOSCA, RADL), as VirtualCluster manifests.

Each statement of a template ends in a manifest or in a remark with its place. What no mapping has spoken of is found by
walking the template once more (`items.Account.close`), so nothing is dropped in silence.
"""

from reconciler.exchange.templates.importer import TemplateReport, import_radl, import_tosca
from reconciler.exchange.templates.wishes import Wishes

__all__ = ["TemplateReport", "Wishes", "import_radl", "import_tosca"]
