"""OpenStack through apache-libcloud: the federation's cloud.

A target is a VO's project. A site's manifest gives endpoint, region and project, the operator the credential. A login
by password, application credential or federated access token is shared by all threads of a process; access tokens are
renewed at their issuer.

The ownership mark of a server is its metadata. What its cluster shares (security group, key pair, floating IPs) bears
the cluster's uid in its name or description.
"""

from __future__ import annotations

from reconciler.drivers.openstack.compute import OpenStack
from reconciler.drivers.openstack.options import Options, options_of
from reconciler.drivers.openstack.session import Session, session_for
from reconciler.model import Target
from reconciler.ports import Drivers

__all__ = ["OpenStack", "Options", "Session", "open", "options_of"]


def open(target: Target, drivers: Drivers) -> OpenStack:  # noqa: A001
    """The project behind ``target``. Nothing is asked yet. Raises Terminal when the options are wrong."""
    return OpenStack(session_for(target.id, options_of(target), drivers))
