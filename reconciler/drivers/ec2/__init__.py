"""EC2 through apache-libcloud: clouds that speak Amazon's interface.

A target is what one key may see in one region. The ownership mark of an instance is its tags, given in the request that
makes it. What its cluster shares (security group, key pair, elastic IP) bears the cluster's uid in its name or tag.
Instances get a public address of their own where their subnet gives them one.
"""

from __future__ import annotations

from reconciler.drivers.ec2.compute import EC2
from reconciler.drivers.ec2.options import Options, options_of
from reconciler.model import SecretRef, Target
from reconciler.ports import Drivers

__all__ = ["EC2", "Options", "open", "options_of"]


def open(target: Target, drivers: Drivers) -> EC2:  # noqa: A001
    """The cloud behind ``target``. Nothing is asked yet. Raises Terminal when options or secrets are missing."""
    options = options_of(target)
    read = [drivers.secret(held) if isinstance(held, SecretRef) else held for held in (options.key, options.secret)]
    return EC2(target.id, options, read[0], read[1])
