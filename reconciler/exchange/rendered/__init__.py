"""Files that sites, services and forges read, rendered from manifests: the same manifests, the same bytes."""

from reconciler.exchange.rendered.allowlist import ACCOUNTING_TYPES, is_listed, ssm_allowlist
from reconciler.exchange.rendered.approvers import Need, approvers, unmet
from reconciler.exchange.rendered.codeowners import codeowners
from reconciler.exchange.rendered.files import Difference, Rendered, differences, written
from reconciler.exchange.rendered.groups import VoGroups, groups, groups_json, groups_text
from reconciler.exchange.rendered.keystone import keystone_mapping
from reconciler.exchange.rendered.voms import lsc, vomses

__all__ = [
    "ACCOUNTING_TYPES",
    "Difference",
    "Need",
    "Rendered",
    "VoGroups",
    "approvers",
    "codeowners",
    "differences",
    "groups",
    "groups_json",
    "groups_text",
    "is_listed",
    "keystone_mapping",
    "lsc",
    "ssm_allowlist",
    "unmet",
    "vomses",
    "written",
]
