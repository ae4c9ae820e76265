"""Share: the part of an OpenStack cloud that one VO may use, made in the cloud's keystone.

Project, property `egi.VO`, group, role, escaped mapping rule, identity provider, protocol and quota, on the target
`identity:SITE/CLOUD`. A Site brings a Share along for each share of a cloud that has `onboarding`; one may also be
declared by hand. It needs its Site and its VO. Outputs: `project_id`, `project`, `domain_id`, `group_id`.
"""

from reconciler.kinds.share.kind import ShareKind
from reconciler.kinds.share.spec import Claims, Quota, ShareSpec

KIND = ShareKind()

__all__ = ["KIND", "Claims", "Quota", "ShareKind", "ShareSpec"]
