"""Hanse: a declarative GitOps reconciler for federated research e-infrastructures."""

__version__ = "0.1.0"
SCHEMA_VERSION = "hanse/v1"
