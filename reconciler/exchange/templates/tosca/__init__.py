"""TOSCA Simple Profile in YAML, with the node types of INDIGO, EC3 and EGI."""

from reconciler.exchange.templates.tosca.topology import tosca_draft

__all__ = ["tosca_draft"]
