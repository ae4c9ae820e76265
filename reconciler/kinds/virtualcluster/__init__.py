"""VirtualCluster: a front end and workers in a site's cloud, configured by playbooks, kept as declared.

It lives in the share that its VO has in a cloud (`compute:SITE/CLOUD/VO`). Machines are made, reached over SSH, and
configured by one playbook run for all of them; a run that fails is told host by host. With `site: auto` the site is
chosen by the requirements; the choice is kept as long as it is possible.

Others may take from it: `frontend_address`, `worker_addresses`, `endpoints` (URLs of its open TCP ports) and `nodes`.
"""

from reconciler.kinds.virtualcluster.kind import VirtualClusterKind
from reconciler.kinds.virtualcluster.spec import VirtualClusterSpec

KIND = VirtualClusterKind()

__all__ = ["KIND", "VirtualClusterKind", "VirtualClusterSpec"]
