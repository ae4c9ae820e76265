"""What ``hanse run --listen`` shows of the loop beside it: pages and API, wired to records and the last round."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

from reconciler.cli.options import Place

if TYPE_CHECKING:
    from reconciler.daemon.service import Service
    from reconciler.reconcile import House
    from reconciler.uptime import Explained


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
            from reconciler.web import api, pages
        except ImportError as error:
            raise SettingsError(f"--listen needs the extra web ({error.name} is not installed): hanse[web]") from error
        from reconciler.web.sight import Sight

        sight = Sight(
            self.house.store,
            self.house.clock,
            planned=lambda: self.service.planned,
            explain_day=partial(_day, self.place),
            token=self.token,
            open="read" in self.house.settings.web.open,
            ended=self.ended.is_set,
        )
        return [*api.routes(sight), *pages.routes(sight)]

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
