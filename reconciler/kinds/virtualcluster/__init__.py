"""VirtualCluster: a front end and workers in a site's cloud, configured by playbooks, kept as declared."""

from reconciler.kinds.virtualcluster.kind import VirtualClusterKind
from reconciler.kinds.virtualcluster.spec import VirtualClusterSpec

KIND = VirtualClusterKind()

__all__ = ["KIND", "VirtualClusterKind", "VirtualClusterSpec"]
