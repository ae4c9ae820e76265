"""The whole of hanse.toml, section by section."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from reconciler.model import SecretScope, Strict
from reconciler.network import NetworkSettings
from reconciler.ports.secrets import OpenBaoOptions, SopsOptions
from reconciler.settings.data import DataSettings
from reconciler.settings.forge import ForgeSettings, WebhookSettings
from reconciler.settings.limits import Limits
from reconciler.settings.people import OidcSettings, TenancySettings
from reconciler.settings.place import PlaceSettings
from reconciler.settings.source import Source
from reconciler.settings.telling import NotifySettings, TicketSettings
from reconciler.settings.web import WebSettings
from reconciler.settings.work import ApplySettings, ObserveSettings, ProbeSettings, RunSettings


class Records(Strict):
    """Where inventory, journal and history are kept."""

    url: str = "sqlite:///.hanse/hanse.db"
    """SQLAlchemy URL: sqlite:///PATH or postgresql+psycopg://USER@HOST/NAME."""
    backups: str = ""
    """Folder that ``hanse backup`` writes to each night: ``hanse doctor`` says when the newest one is old."""


class Settings(Strict):
    """Everything in hanse.toml."""

    source: Source = Source()
    records: Records = Records()
    state: str = ".hanse/state"
    """Directory of the embedded back ends (registers, zone files, storages, simulated clouds)."""
    cache: str = ".hanse/cache"
    """Directory of parsed manifests; may be deleted at any time."""
    playbooks: str = ""
    """Directory of playbooks; "" for those that come with Hanse."""
    limits: Limits = Limits()
    apply: ApplySettings = ApplySettings()
    observe: ObserveSettings = ObserveSettings()
    place: PlaceSettings = PlaceSettings()
    run: RunSettings = RunSettings()
    data: DataSettings = DataSettings()
    network: NetworkSettings = NetworkSettings()
    probes: ProbeSettings = ProbeSettings()
    notify: tuple[NotifySettings, ...] = ()
    """Who is told of copies of datasets, of probes that change, and of what is not as wanted."""
    tickets: TicketSettings = TicketSettings()
    web: WebSettings = WebSettings()
    tenancy: TenancySettings = TenancySettings()
    oidc: OidcSettings = OidcSettings()
    forge: ForgeSettings | None = None
    """The forge that is told of plans and of what became of them; left out, none is."""
    webhooks: tuple[WebhookSettings, ...] = ()
    """What forges may say over HTTP (``hanse run --listen``)."""
    rules: Mapping[str, Mapping[str, Literal["error", "warning"]]] = Field(default_factory=dict)
    """Rule id -> path pattern -> severity: where a rule is only a warning."""
    sops: SopsOptions = SopsOptions()
    """Secrets in files that SOPS has encrypted."""
    openbao: OpenBaoOptions = OpenBaoOptions()
    """Secrets in OpenBao or Vault."""
    secrets: tuple[SecretScope, ...] = ()
    """Which secrets manifests may name; left out, any: for a repository that only operators write to."""
    substitute: Mapping[str, str] = Field(default_factory=dict)
    """Driver named in manifests -> driver used instead (``openstack = "simulated"`` for a rehearsal)."""
    targets: Mapping[str, Mapping[str, Any]] = Field(default_factory=dict)
    """Target id or pattern -> driver and its options; the longest pattern that fits wins."""
    log: Literal["debug", "info", "warning", "error"] = "warning"
    """The least severe log line that is written."""

    @property
    def _repository(self) -> str:
        default = Source.model_fields["repository"].default
        own = self.source.remote and self.source.repository == default
        return ".hanse/source.git" if own else self.source.repository

    def pathed(self, root: Path) -> Settings:
        """The same settings with paths made absolute, counted from ``root``."""
        prefix = "sqlite:///"
        url = self.records.url
        if url.startswith(prefix) and not url.startswith(f"{prefix}/") and ":memory:" not in url:
            url = f"{prefix}{root / url.removeprefix(prefix)}"
        lists = {name: root / path for name in ("signers", "keyring") if (path := getattr(self.tenancy, name))}
        fixed = {
            "tenancy": self.tenancy.model_copy(update=lists),
            "state": str(root / self.state),
            "cache": str(root / self.cache),
            "records": self.records.model_copy(update={"url": url}),
            "sops": self.sops.model_copy(
                update={"age_key_file": str(root / self.sops.age_key_file) if self.sops.age_key_file else ""}
            ),
            "source": self.source.model_copy(
                update={
                    "repository": str(root / self._repository),
                    "signers": root / self.source.signers if self.source.signers else None,
                    "signed": tuple(one.pathed(root) for one in self.source.signed),
                }
            ),
        }
        return self.model_copy(update=fixed)
