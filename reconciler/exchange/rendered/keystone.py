"""The rules by which a keystone lets VOs' members in, for sites that keep their keystone themselves.

They are the rules that Hanse makes where it onboards (``kinds/share``), byte for byte where it knows the groups' ids.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from reconciler.exchange.rendered.files import Rendered
from reconciler.kinds.share import KIND as SHARE
from reconciler.kinds.share import ShareSpec
from reconciler.kinds.share.mapping import rule, rule_by_name
from reconciler.kinds.site import Cloud, Onboarding, SiteSpec, share_name, share_of
from reconciler.kinds.vo import VOSpec
from reconciler.model import Ref, Resource, encode

_DRIVER = "openstack"


def keystone_mapping(
    site: str, resources: Mapping[Ref, Resource], outputs: Mapping[Ref, Mapping[str, Any]]
) -> Rendered:
    """A file ``<cloud>.json`` for each OpenStack cloud of a site. ``outputs`` are those of Shares that were made.

    A group is given by its id where Hanse has made it, else by its name in its domain.
    """
    spec = resources[Ref.of("Site", site)].spec
    assert isinstance(spec, SiteSpec)  # noqa: S101 (its kind's own)
    files: dict[str, str] = {}
    untold: list[str] = []
    for cloud in spec.clouds:
        if cloud.driver != _DRIVER:
            untold.append(f"{cloud.name} is no OpenStack")
            continue
        shares = dict(_shares(site, cloud, resources))
        rules = [_rule(share, outputs.get(ref, {})) for ref, share in shares.items() if share.entitlements]
        untold += [f"{cloud.name}: {one.vo} has no entitlement" for one in shares.values() if not one.entitlements]
        rules.sort(key=lambda made: (encode(made["local"]), encode(made)))
        files[f"{cloud.name}.json"] = orjson.dumps(rules, option=orjson.OPT_INDENT_2).decode() + "\n"
    return Rendered(files, tuple(sorted(untold)))


def _shares(site: str, cloud: Cloud, resources: Mapping[Ref, Resource]) -> Iterator[tuple[Ref, ShareSpec]]:
    """The shares of a cloud: those that its site names, and those that are declared themselves."""
    for share in cloud.shares:
        vo = resources.get(Ref.of("VO", share.vo_name))
        if vo is not None and isinstance(vo.spec, VOSpec):
            made = share_of(site, cloud, cloud.onboarding or Onboarding(), share, vo.spec)
            yield Ref.of("Share", share_name(site, cloud, share)), SHARE.canonical(made)
    for ref, resource in sorted(resources.items()):
        if ref.kind == "Share" and resource.owner is None:
            spec = SHARE.canonical(resource.spec)
            if (spec.site, spec.cloud) == (site, cloud.name):
                yield ref, spec


def _rule(share: ShareSpec, outputs: Mapping[str, Any]) -> Any:
    group = str(outputs.get("group_id", ""))
    return rule(share, group) if group else rule_by_name(share)
