"""The federation of the scripted evening: a harbour with a cloud, two VOs that share it, and what its machines know."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from tests.demo.hub import REPOSITORY, Hub
from tests.real.bind import Bind

PEOPLE = ("tara", "finn", "sam")
SITE, ZONE, VO, OTHER = "HARBOUR", "fed.example.org", "tides.example.org", "fjord.example.org"
WORKERS = 8
_SITE = f"""\
apiVersion: hanse/v1
kind: Site
metadata: {{name: {SITE}}}
spec:
  country: DE
  latitude: 53.54
  longitude: 8.58
  clouds:
    - name: one
      driver: simulated
      endpoint: https://cloud.harbour.example.org/v3
      shares:
        - {{vo: {VO}, projectId: "{"1" * 32}"}}
        - {{vo: {OTHER}, projectId: "{"2" * 32}"}}
"""
_VO = """\
apiVersion: hanse/v1
kind: VO
metadata: {{name: {name}}}
spec: {{}}
"""
_NAME = """\
apiVersion: hanse/v1
kind: DNSRecord
metadata: {{name: www, namespace: {space}}}
spec:
  zone: {zone}
  name: {space}
  ttl: 3600
  values: [192.0.2.{last}]
"""
SURGE = f"""\
# A surge model for one night.
apiVersion: hanse/v1
kind: VirtualCluster
metadata: {{name: surge, namespace: tides}}
spec:
  vo: {VO}
  site: {SITE}
  frontend: {{cpus: 1, image: debian-12}}
  workers:
    - {{name: compute, count: {WORKERS}, cpus: 1, image: debian-12}}
---
apiVersion: hanse/v1
kind: DNSRecord
metadata: {{name: surge, namespace: tides}}
spec:
  zone: {ZONE}
  name: surge
  valuesFrom: {{kind: VirtualCluster, name: surge, output: frontend_address}}
"""
_TENANCY = """\
# {about}
apiVersion: hanse/v1
kind: Tenancy
metadata: {{name: {name}}}
spec:
  authority: {{{authority}}}
  scope: {{{scope}}}
  allow:
    - who:
        - {{signer: {signer}}}
        - {{entitlement: "{entitlement}", issuer: "{issuer}"}}
      actions: [create, update, delete, approve, pause, acknowledge]
"""
_DOWNTIME = """\
apiVersion: hanse/v1
kind: Downtime
metadata: {{name: 2026-storm-power}}
spec:
  description: The power goes off and on.
  severity: OUTAGE
  start: {start:%Y-%m-%dT%H:%M:%SZ}
  end: {end:%Y-%m-%dT%H:%M:%SZ}
  affects:
    - site: {site}
"""
_SETTINGS = """\
[source]
remote = "{remote}"
revision = "main"
username = "hanse"
password = {{ env = "GIT_PASSWORD" }}

[[source.signed]]                      # no commit counts that none of these people has signed
paths = ["manifests"]
signers = "signers"

[records]
url = "{records}"

[run]
lease_seconds = 30

[forge]
kind = "forgejo"
url = "{forge}"
repository = "{repository}"
token = {{ env = "FORGE_TOKEN" }}

[[webhooks]]
name = "forge"
forge = "forgejo"
secret = {{ env = "HOOK_SECRET" }}

[tenancy]
owners = [{{ signer = "{owner}" }}]

[oidc]
readers = ["urn:mace:egi.eu:group:*"]

[[oidc.issuers]]
issuer = "{issuer}"
client_id = "hanse"
client_secret = {{ env = "OIDC_SECRET" }}
device_client_id = "hanse-cli"

[web]
token = {{ env = "PAGE_TOKEN" }}

[[notify]]                             # Tara's phone, or what stands for it
name = "tara"
url = "{alarms}"
secret = {{ env = "ALARM_KEY" }}
events = ["drift", "not-ready"]
namespaces = ["tides"]
digest_seconds = 1

[targets."dns:{zone}."]
driver = "rfc2136"
server = "127.0.0.1"
port = {port}
key = {{ file = "{key}" }}

[targets."compute:*"]
state = "{cloud}"

[targets."compute:*".simulate]         # as OpenStack: asked twice for one name, it makes two machines
duplicate_names = true
faults = [{{ on = "create", kind = "hang", every = 1, seconds = 0.8 }}]
"""


def entitlement(name: str) -> str:
    """What the provider says of one of the people."""
    group = {"tara": f"{VO}:role=manager", "finn": f"{OTHER}:role=manager"}.get(name, f"sites:{SITE}:role=admin")
    return f"urn:mace:egi.eu:group:{group}#aai.egi.eu"


def users() -> dict[str, dict[str, Any]]:
    """Whom the provider knows."""
    return {mail(name): {"name": name.capitalize(), "entitlements": [entitlement(name)]} for name in PEOPLE}


def mail(name: str) -> str:
    """Of one of the people."""
    return f"{name}@{ {'tara': VO, 'finn': OTHER}.get(name, 'harbour.example.org') }"


def tenancies(issuer: str) -> dict[str, str]:
    """Who may do what: VO managers in their namespaces; what is put on the harbour's cloud needs the harbour's word."""
    rights = {
        "tides": ("Tara looks after what the tides have.", "tara", f"vo: {VO}", "namespaces: [tides]"),
        "fjord": ("Finn looks after what the fjord has.", "finn", f"vo: {OTHER}", "namespaces: [fjord]"),
        "harbour": (
            "What is put on the harbour's cloud needs the harbour's word.",
            "sam",
            f"site: {SITE}",
            'targets: ["compute:HARBOUR/*"]',
        ),
    }
    return {
        f"manifests/tenancies/{name}.yaml": _TENANCY.format(
            about=about,
            name=name,
            authority=authority,
            scope=scope,
            signer=mail(who),
            entitlement=entitlement(who),
            issuer=issuer,
        )
        for name, (about, who, authority, scope) in rights.items()
    }


def manifests() -> dict[str, str]:
    """What the repository holds at the beginning."""
    return {
        "manifests/sites/harbour.yaml": _SITE,
        "manifests/vos/tides.yaml": _VO.format(name=VO),
        "manifests/vos/fjord.yaml": _VO.format(name=OTHER),
        "manifests/tides/names.yaml": _NAME.format(space="tides", zone=ZONE, last=10),
        "manifests/fjord/names.yaml": _NAME.format(space="fjord", zone=ZONE, last=20),
    }


def downtime(start: datetime, end: datetime) -> str:
    """Of the whole harbour."""
    return _DOWNTIME.format(start=start, end=end, site=SITE)


def settings(hub: Hub, records: str, bind: Bind, cloud: Path, alarms: str, issuer: str) -> str:
    """What both machines know; what is secret comes from their environment, and each has a state folder of its own.

    ``cloud``: where the simulated cloud is.
    """
    return _SETTINGS.format(
        cloud=cloud,
        remote=hub.url,
        records=records,
        forge=hub.forge.url,
        alarms=alarms,
        issuer=issuer,
        owner=mail("sam"),
        repository=REPOSITORY,
        zone=ZONE,
        port=bind.port,
        key=bind.writer_key,
    )
