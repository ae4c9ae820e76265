"""What the tests of the OpenStack driver share."""

from tests.real.namespaces import roots
from tests.real.openstack import openstack

__all__ = ["openstack", "roots"]
