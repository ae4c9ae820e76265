"""ServiceGroup: services of several sites that belong together, whoever runs them.

Kept in Hanse's register (`registry:servicegroups`), as GOCDB keeps its service groups: a contact of its own, whether it
is monitored, its services.
"""

from reconciler.kinds.servicegroup.kind import ServiceGroupKind
from reconciler.kinds.servicegroup.members import GroupMember, members
from reconciler.kinds.servicegroup.spec import Member, ServiceGroupSpec

KIND = ServiceGroupKind()

__all__ = ["KIND", "GroupMember", "Member", "ServiceGroupKind", "ServiceGroupSpec", "members"]
