"""RoleAssignment: who holds which role over a site, an NGI, a VO, a service group or the whole project.

Kept in Hanse's register (`registry:roleassignments`). The roles are GOCDB's. They give nobody rights by themselves: the
forge does, by the CODEOWNERS file that `hanse export codeowners` makes of them.
"""

from reconciler.kinds.roleassignment.kind import RoleAssignmentKind
from reconciler.kinds.roleassignment.roles import ACTIONS, ROLES, Action, Level
from reconciler.kinds.roleassignment.spec import Over, RoleAssignmentSpec

KIND = RoleAssignmentKind()

__all__ = ["ACTIONS", "KIND", "ROLES", "Action", "Level", "Over", "RoleAssignmentKind", "RoleAssignmentSpec"]
