"""What this kind reads of sites, VOs and data: their specs, seen through Protocols, since kinds know no other kind."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any, Protocol, cast

from reconciler.kinds.base import Federation
from reconciler.model import Ref, Standing, Standings


class Share(Protocol):
    """A VO's project in a cloud."""

    @property
    def vo_name(self) -> str: ...
    @property
    def projectId(self) -> str | None: ...  # noqa: N802
    @property
    def projectName(self) -> str | None: ...  # noqa: N802
    @property
    def region(self) -> str | None: ...
    @property
    def auth(self) -> Mapping[str, Any]: ...


class Network(Protocol):
    """A network of a cloud."""

    @property
    def name(self) -> str: ...
    @property
    def public(self) -> bool: ...
    @property
    def vos(self) -> Sequence[str]: ...


class Cloud(Protocol):
    """A cloud of a site."""

    @property
    def name(self) -> str: ...
    @property
    def driver(self) -> str: ...
    @property
    def endpoint(self) -> str: ...
    @property
    def auth(self) -> str | None: ...
    @property
    def region(self) -> str | None: ...
    @property
    def protocol(self) -> str | None: ...
    @property
    def identityProvider(self) -> str | None: ...  # noqa: N802
    @property
    def networks(self) -> Sequence[Network]: ...
    @property
    def imageSync(self) -> bool | None: ...  # noqa: N802
    @property
    def apiOverrides(self) -> Mapping[str, str]: ...  # noqa: N802
    @property
    def options(self) -> Mapping[str, Any]: ...
    def shares_of(self, vo: str) -> Sequence[Share]: ...


class Extension(Protocol):
    """An extension property of a site."""

    @property
    def key(self) -> str: ...
    @property
    def value(self) -> str: ...


class Service(Protocol):
    """A service of a site."""

    @property
    def name(self) -> str: ...
    @property
    def hostname(self) -> str: ...
    @property
    def url(self) -> str | None: ...


class AtMost(Protocol):
    """The most that may be taken of a site."""

    @property
    def instances(self) -> int | None: ...
    @property
    def vcpus(self) -> int | None: ...
    @property
    def ramGiB(self) -> int | None: ...  # noqa: N802


class VoAtMost(AtMost, Protocol):
    """The most that one VO may take of it."""

    @property
    def vo(self) -> str: ...


class Limits(Protocol):
    """A site's own terms."""

    @property
    def total(self) -> AtMost: ...
    @property
    def perVO(self) -> AtMost: ...  # noqa: N802
    @property
    def vos(self) -> Sequence[VoAtMost]: ...
    @property
    def allocationsRequired(self) -> bool: ...  # noqa: N802
    def objection(self, kind: str) -> str: ...


class Site(Protocol):
    """A site."""

    @property
    def limits(self) -> Limits | None: ...

    @property
    def services(self) -> Sequence[Service]: ...

    @property
    def country(self) -> str | None: ...
    @property
    def certification(self) -> str | None: ...
    @property
    def infrastructure(self) -> str | None: ...
    @property
    def integration(self) -> str: ...
    @property
    def extensions(self) -> Sequence[Extension]: ...
    @property
    def clouds(self) -> Sequence[Cloud]: ...
    def services_at(self, *urls: str) -> Collection[str]: ...


class Allocation(Protocol):
    """What a VO was promised at a site."""

    @property
    def site(self) -> str: ...
    @property
    def vcpus(self) -> int | None: ...
    @property
    def ramGiB(self) -> int | None: ...  # noqa: N802
    @property
    def instances(self) -> int | None: ...
    @property
    def start(self) -> date | None: ...
    @property
    def end(self) -> date | None: ...
    @property
    def availabilityTarget(self) -> float | None: ...  # noqa: N802


class VoImage(Protocol):
    """An image that a VO wants at its sites."""

    @property
    def name(self) -> str: ...


class Image(Protocol):
    """An appliance."""

    @property
    def withdrawn(self) -> str | None: ...


class VO(Protocol):
    """A virtual organisation."""

    @property
    def allocations(self) -> Sequence[Allocation]: ...
    @property
    def images(self) -> Sequence[VoImage]: ...


class SiteService(Protocol):
    """A service of a site, as a probe names it."""

    @property
    def site(self) -> str: ...
    @property
    def service(self) -> str: ...


class ProbeTarget(Protocol):
    """What a probe looks at."""

    @property
    def siteService(self) -> SiteService | None: ...  # noqa: N802


class Probe(Protocol):
    """A check that is run again and again."""

    @property
    def target(self) -> ProbeTarget: ...


def probes_of(federation: Federation, site: str) -> Sequence[tuple[Ref, str]]:
    """Every probe of a site's services, with the service it looks at."""
    found = []
    for ref, spec in federation.of_kind("Probe"):
        looked = cast("Probe", spec).target.siteService
        if looked is not None and looked.site == site:
            found.append((ref, looked.service))
    return found


def checked_of(federation: Federation, known: Mapping[Ref, Standing], site: str) -> Sequence[tuple[Ref, str]]:
    """The same, and those checks among ``known`` that probes of many services have of this site's."""
    standings = known if isinstance(known, Standings) else Standings(known)
    checks = standings.of_sites.get(site, ())
    return [*probes_of(federation, site), *(one for one in checks if federation.get(one[0].whole) is not None)]


def site_of(federation: Federation, name: str) -> Site | None:
    """The declared site; None when there is none."""
    return cast("Site | None", federation.get(Ref.of("Site", name)))


def sites(federation: Federation) -> Sequence[tuple[str, Site]]:
    """Every declared site, by name."""
    return [(ref.name, cast("Site", spec)) for ref, spec in federation.of_kind("Site")]


def vo_of(federation: Federation, name: str) -> VO | None:
    """The declared VO; None when there is none."""
    return cast("VO | None", federation.get(Ref.of("VO", name)))


def withdrawn(federation: Federation, image: str) -> str:
    """Why a declared image is not to be used any more; "" when it is, and of one that nobody declares."""
    declared = cast("Image | None", federation.get(Ref.of("Image", image)))
    return (declared.withdrawn or "") if declared else ""


def networks_for(cloud: Cloud, vo: str) -> list[str]:
    """Networks that the cloud gives the VO: those named for it, else those open to all."""
    own = [network.name for network in cloud.networks if vo in network.vos]
    return own or [network.name for network in cloud.networks if not network.vos]
