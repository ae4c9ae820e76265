"""Accounting: what cASO needs to know about a site's clouds. It extracts usage from OpenStack for the federation."""

from __future__ import annotations

from collections.abc import Iterable
from configparser import ConfigParser
from dataclasses import dataclass
from io import StringIO
from urllib.parse import urlsplit

import orjson

from reconciler.exchange.shares import Known
from reconciler.kinds.site import Cloud

_PROPERTY = "egi.VO"


@dataclass(frozen=True, slots=True)
class Configuration:
    """Files by name, and what could not be told."""

    files: dict[str, str]
    problems: tuple[str, ...]


def caso(site: str, shares: Iterable[Known]) -> Configuration:
    """``<cloud>/caso.conf`` and ``<cloud>/mapping.json`` for each cloud of a site whose accounting is on.

    Credentials are not in it: they are added where cASO runs.
    """
    clouds: dict[str, list[Known]] = {}
    for known in shares:
        clouds.setdefault(known.cloud.name, []).append(known)
    files: dict[str, str] = {}
    problems: list[str] = []
    for name, held in clouds.items():
        cloud = held[0].cloud
        if cloud.accounting is None or not cloud.accounting.enabled:
            problems.append(f"{name}: accounting is not enabled, so nothing is told of it")
            continue
        problems += [f"{name}: no project is known for {k.share.vo}: apply first" for k in held if not k.project_id]
        told = [known for known in held if known.project_id]
        files[f"{name}/caso.conf"] = _settings(site, cloud, told)
        files[f"{name}/mapping.json"] = _mapping(told)
    return Configuration(files, tuple(problems))


def _settings(site: str, cloud: Cloud, shares: list[Known]) -> str:
    given = ConfigParser(interpolation=None)
    given["DEFAULT"] = {
        "extractor": "nova",
        "site_name": (cloud.accounting.siteName if cloud.accounting else None) or site,
        "service_name": urlsplit(cloud.endpoint).hostname or "",
        "projects": ",".join(dict.fromkeys(known.project_id for known in shares)),
        "vo_property": _PROPERTY,
        "mapping_file": "mapping.json",
        "messengers": "ssm",
    }
    region = {"region_name": cloud.region} if cloud.region else {}
    given["keystone_auth"] = {
        "auth_url": cloud.endpoint,
        "identity_provider": cloud.identityProvider or "egi.eu",
        "protocol": cloud.protocol or "openid",
        **region,
    }
    written = StringIO()
    given.write(written)
    return written.getvalue().rstrip("\n") + "\n"


def _mapping(shares: list[Known]) -> str:
    projects: dict[str, list[str]] = {}
    for known in shares:
        held = projects.setdefault(known.group, [])
        if known.project_id not in held:
            held.append(known.project_id)
    said = {vo: {"projects": ids} for vo, ids in projects.items()}
    return orjson.dumps(said, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode() + "\n"
