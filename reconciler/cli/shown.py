"""What ``hanse run --listen`` shows of the loop beside it: pages and API, wired to records and the last round."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from reconciler.cli.options import Place

if TYPE_CHECKING:
    from reconciler.daemon.service import Service
    from reconciler.reconcile import House
    from reconciler.uptime import Explained
    from reconciler.web.deeds import Deeds
    from reconciler.web.gocdb import Interface
    from reconciler.web.health import Health
    from reconciler.web.hooks import Hooks
    from reconciler.web.known import Known
    from reconciler.web.oidc import People
    from reconciler.web.sight import Sight


@dataclass(frozen=True)
class Shown:
    """Routes, and when what they stream shall end."""

    house: House
    service: Service
    place: Place
    token: Callable[[], str] | None
    ended: threading.Event = field(default_factory=threading.Event)

    def routes(self) -> Sequence[Any]:
        """Of the API and of the pages. Raises SettingsError where what they need is not installed."""
        from reconciler.errors import SettingsError

        try:
            from reconciler.web import api, doing, login, pages
        except ImportError as error:
            raise SettingsError(f"--listen needs the extra web ({error.name} is not installed): hanse[web]") from error
        sight, url = self.sight, self.house.settings.web.url
        refuse = pages.refusing(sight)
        entrance = login.Entrance(sight, sight.people, url).routes(refuse) if sight.people else []
        return [*entrance, *doing.Doing(self.deeds).routes(refuse), *api.routes(sight), *pages.routes(sight)]

    @cached_property
    def deeds(self) -> Deeds:
        """What people do through the page."""
        from reconciler.web.deeds import Deeds

        return Deeds(self.sight, self.house.settings.tenancy.owners, self.service.woken)

    @cached_property
    def people(self) -> People | None:
        """Whom providers vouch for; None where none is configured."""
        from reconciler.web.oidc import People

        known = self.house.settings.oidc
        return People(known, self.house.drivers.secret) if known.issuers else None

    @cached_property
    def sight(self) -> Sight:
        """Everything that may be looked at."""
        from reconciler.web.sight import Sight

        return Sight(
            self.house.store,
            self.house.clock,
            planned=lambda: self.service.planned,
            explain_day=partial(_day, self.place),
            token=self.token,
            open="read" in self.house.settings.web.open,
            people=self.people,
            views=lambda who: self.deeds.views(who),  # noqa: PLW0108 (deeds are made over this very sight)
            agreeable=lambda part, who: self.deeds.agreeable(part, who),  # noqa: PLW0108
            ended=self.ended.is_set,
        )

    def everything(self) -> Sequence[Any]:
        """Every route but those of datasets. Raises SettingsError where what they need is not installed."""
        pages = self.routes()
        from reconciler.web import argo, gocdb, health, hooks, metrics, results

        known = self._known()
        found = [*gocdb.routes(self._gocdb()), *results.routes(known), *argo.routes(known), *metrics.routes(known)]
        return [*found, *hooks.routes(self._hooks()), *health.routes(self._health), *pages]

    @contextmanager
    def served(self, listen: str) -> Iterator[str]:
        """Serve all of it while the block runs; gives the URL. Raises SettingsError."""
        routes = self.everything()
        from reconciler.web.serving import serving

        proxies = self.house.settings.web.proxies
        board, door = self.service.board, self.sight.door
        with serving(listen, board, self.token, routes, door, proxies) as url, self.while_served():
            yield url

    def _known(self) -> Known:
        from reconciler.web.known import Known

        return Known(
            self.house.store,
            self.house.settings.web,
            self.house.clock,
            checks=lambda: self.service.watched.checks,
            declared=lambda: self.service.declared,
            people=self.people,
            views=self.deeds.views,
            backlog=lambda: self.service.watched.backlog,
            measured=self.service.measured,
        )

    def _health(self) -> Health:
        from reconciler.web.health import Health

        leading, well = self.service.measured.leading, self.service.measured.succeeded_at > 0
        return Health(live=not self.service.watchdog.stalled, leading=leading, ready=leading and well)

    def _hooks(self) -> Hooks:
        from reconciler.web.hooks import Hooks

        house, forges = self.house, self.house.settings.webhooks
        waits, called = (lambda: self.service.waits), self.service.called
        return Hooks(forges, house.drivers.secret, house.store.deliveries, called, house.clock, waits)

    def _gocdb(self) -> Interface:
        """Where people log in, nobody comes in without being known."""
        from reconciler.register import Register
        from reconciler.web.door import reading
        from reconciler.web.gocdb import Interface

        house, nothing = self.house, secrets.token_hex(32) if self.people else ""
        settings = house.settings.web.gocdb.model_dump()
        return Interface(
            Register(house), self.token or (lambda: nothing), house.clock, reading(self.sight.door), **settings
        )

    @contextmanager
    def while_served(self) -> Iterator[None]:
        """Streams end with the block: a server waits for them."""
        try:
            yield
        finally:
            self.ended.set()


def _day(place: Place, site: str, day: date, report: str) -> Explained:
    """What ``hanse explain availability`` tells of a site's day."""
    from reconciler.cli.house import now
    from reconciler.cli.uptime import asking
    from reconciler.uptime import explained

    with asking(place, "", report) as (store, asked, _):
        return explained(store, asked, site, day, now())
