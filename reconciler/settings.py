"""The operator's configuration: hanse.toml, overridden by HANSE_* variables. Secrets in it are references."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator, model_validator

from reconciler.errors import SettingsError
from reconciler.model import SecretRef, SecretScope, Strict
from reconciler.network import NetworkSettings
from reconciler.ports.secrets import OpenBaoOptions, SopsOptions

FILE = "hanse.toml"
Happening = Literal["not-ready", "drift", "blocked", "failed", "leader", "source"]
"""What of reconciling a subscriber may be told."""
_SECRET = (
    "a secret does not stand here itself",
    'give { env = "NAME" } or { file = "PATH" }, or one of { sops = {...} }, { openbao = {...} }',
)


class SignedSettings(Strict):
    """Who must have signed what. A commit that none of them has signed is not in force; the one before it stays so."""

    paths: Annotated[tuple[str, ...], Field(min_length=1)] = ("*",)
    """Folders or patterns: each commit that changes a file there must be signed."""
    branches: Annotated[tuple[str, ...], Field(min_length=1)] = ("*",)
    """Patterns of branches for which this holds."""
    signers: Path | None = None
    """List of allowed signers (ssh-keygen)."""
    keyring: Path | None = None
    """Public keys (``gpg --export --armor``)."""

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if self.signers is None and self.keyring is None:
            raise ValueError("give signers, keyring or both")
        return self

    def pathed(self, root: Path) -> Self:
        """The same with paths counted from ``root``."""
        found = {name: root / path for name in ("signers", "keyring") if (path := getattr(self, name))}
        return self.model_copy(update=found)


class Source(Strict):
    """Where the manifests are."""

    repository: str = "."
    """Path of a git repository, bare or not; with ``remote``, where Hanse keeps its copy (.hanse/source.git)."""
    remote: str = ""
    """``https://git.example.org/federation.git``: what is fetched before each reconcile; "" for nothing."""
    username: str = "git"
    """As whom it is fetched, where there is a password."""
    password: SecretRef | None = None
    """Password or token that may read it."""
    ca: str = ""
    """File of the authorities that are trusted; "" for the machine's own."""
    revision: str = "HEAD"
    """Branch, tag or commit that is reconciled."""
    paths: tuple[str, ...] = ("manifests",)
    """Folders inside the repository that hold manifests."""
    signers: Path | None = None
    """List of allowed signers (ssh-keygen): when given, a commit that none of them signed changes nothing."""
    signed: tuple[SignedSettings, ...] = ()
    """Who must have signed the commits that change certain paths."""

    @field_validator("remote")
    @classmethod
    def _no_secret(cls, given: str) -> str:
        parts = urlsplit(given)
        if parts.password or (parts.username and parts.scheme in ("http", "https")):
            raise ValueError("neither user nor password stand in a URL: give username and password")
        return given


class WebhookSettings(Strict):
    """A web hook of a forge: it says that there may be something to fetch, and nothing else."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
    """The forge posts to ``/hooks/NAME``."""
    forge: Literal["github", "gitlab", "gitea", "forgejo", "bitbucket"]
    """Whose signatures they are."""
    secret: SecretRef
    """What the forge signs with; for GitLab its secret token, or its signing token (``whsec_...``)."""
    repository: Annotated[str, Field(min_length=1)] = "*"
    """Full name of the repository (``ocean/federation``), or a pattern: what comes from others is passed over."""
    branches: tuple[str, ...] = ("*",)
    """Patterns: pushes to other branches are passed over."""
    body_megabytes: Annotated[int, Field(ge=1, le=25)] = 5
    """The largest body that is taken."""


class ForgeSettings(Strict):
    """The forge on which pull requests are told their plan, and commits their status."""

    kind: Literal["github", "gitlab", "gitea", "forgejo"]
    """Which API it speaks."""
    repository: Annotated[str, Field(min_length=1)]
    """``owner/name``; of GitLab the path of the project, or its number."""
    token: SecretRef
    """May read pull requests, and write comments and statuses."""
    url: str = ""
    """``https://git.example.org``; "" for github.com (its API: ``https://api.github.com``) and gitlab.com."""
    context: Annotated[str, Field(min_length=1)] = "hanse"
    """Name of the status."""
    user: str = ""
    """Who the token belongs to; "" asks the forge. Only comments of this user are changed."""
    ca: str = ""
    """File of the authorities that are trusted; "" for the machine's own."""
    pulls: bool = True
    """Whether ``hanse run`` plans open pull requests."""
    page: str = ""
    """``https://hanse.example.org``: where people look; statuses link to it."""


class Records(Strict):
    """Where inventory, journal and history are kept."""

    url: str = "sqlite:///.hanse/hanse.db"
    """SQLAlchemy URL: sqlite:///PATH or postgresql+psycopg://USER@HOST/NAME."""
    backups: str = ""
    """Folder that ``hanse backup`` writes to each night: ``hanse doctor`` says when the newest one is old."""


class LimitSettings(Strict):
    """A blast radius, counted per kind and target."""

    absolute: Annotated[int, Field(ge=0)] = 10
    """More than this many need an Approval."""
    percent: Annotated[float, Field(ge=0, le=100)] = 30.0
    """More than this share needs an Approval, where at least ``minimum_population`` are held."""
    minimum_population: Annotated[int, Field(ge=1)] = 10
    """Below this population the share does not count."""


class UpdateLimitSettings(LimitSettings):
    """A blast radius for changes in place, which are wider."""

    absolute: Annotated[int, Field(ge=0)] = 1000
    """More than this many need an Approval."""
    percent: Annotated[float, Field(ge=0, le=100)] = 60.0
    """More than this share needs an Approval, where at least ``minimum_population`` are held."""


class Limits(Strict):
    """How much one run may change without an Approval."""

    deletes: LimitSettings = LimitSettings()
    """Deletes and replaces."""
    updates: UpdateLimitSettings = UpdateLimitSettings()
    """Updates."""


class ApplySettings(Strict):
    """How hard back ends are worked."""

    workers: Annotated[int, Field(ge=1, le=256)] = 8
    """Threads that call back ends."""
    concurrency: Annotated[int, Field(ge=1)] = 4
    """Calls under way at once on one target."""
    attempts: Annotated[int, Field(ge=1)] = 5
    """How often a transient failure is tried in one run."""
    first_delay_seconds: Annotated[float, Field(ge=0)] = 0.5
    """Wait before the second attempt; doubled each time, with jitter."""
    longest_delay_seconds: Annotated[float, Field(ge=0)] = 60.0
    """Longest wait between attempts."""
    breaker: Annotated[int, Field(ge=1)] = 8
    """Transient failures in a row after which a target is left alone until the next run."""


class ObserveSettings(Strict):
    """How patiently the world is read."""

    workers: Annotated[int, Field(ge=1, le=256)] = 8
    """Targets read at once."""
    deadline_seconds: Annotated[float, Field(gt=0)] = 60.0
    """A target that has not answered by then is unknown in this run."""


class WeightSettings(Strict):
    """What each part of a place's score weighs."""

    data: Annotated[float, Field(ge=0)] = 3.0
    """Data that is near already, and the time in which the rest would come."""
    reliability: Annotated[float, Field(ge=0)] = 2.0
    """How the site's probes stood over the last 30 days."""
    room: Annotated[float, Field(ge=0)] = 2.0
    """What stays free of the quota after placement."""
    success: Annotated[float, Field(ge=0)] = 2.0
    """How creates went there; what is a week old counts half."""
    price: Annotated[float, Field(ge=0)] = 1.0
    """What the flavours cost, where the cloud says so."""
    boot: Annotated[float, Field(ge=0)] = 1.0
    """How long it took until clusters were ready there."""


class PlaceSettings(Strict):
    """How places are chosen for what leaves them open."""

    weights: WeightSettings = WeightSettings()
    """A score is the weighted mean of its parts."""
    sites: Annotated[int, Field(ge=1)] = 3
    """So many places are tried for one resource, one after the other, before it waits."""
    retry_hours: Annotated[float, Field(gt=0)] = 1.0
    """A place where a create failed is not tried again for so long."""
    availability_percent: Annotated[float, Field(ge=0, le=100)] = 80.0
    """A site must have been available for so much of the last 30 days, unless the VO has a target of its own there.
    (80 is what EGI agrees with its sites.)"""
    downtime_hours: Annotated[float, Field(ge=0)] = 24.0
    """Nothing new is begun where a Downtime declares an outage that stands, or begins within so many hours."""
    megabytes_per_second: Annotated[float, Field(gt=0)] = 100.0
    """How fast data is assumed to come to where it is not."""
    rebalance_gain: Annotated[float, Field(ge=0, le=1)] = 0.1
    """``hanse place --rebalance`` proposes a move only for a score that is better by so much."""


class DataSettings(Strict):
    """How data is looked after."""

    dark: Literal["report", "delete"] = "report"
    """What becomes of files in folders of ours that nothing wants: they are reported, or taken away too."""
    dark_days: Annotated[float, Field(ge=0)] = 28.0
    """A dark file is taken away only when two scans so many days apart have seen it."""
    dark_percent: Annotated[float, Field(ge=0, le=100)] = 1.0
    """Percent of a storage's files: where more are dark, none is taken away."""
    lost_percent: Annotated[float, Field(ge=0, le=100)] = 10.0
    """Percent of a storage's files: where more are missing at once, nothing is mended until an Approval says so."""
    lost_minimum: Annotated[int, Field(ge=0)] = 10
    """So many missing files are mended without asking, whatever their share."""
    retry_hours: Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(min_length=1)] = (2.0, 4.0, 6.0, 8.0)
    """Hours between two tries of a file that is stuck: in its first day, its second, and so on."""
    suspend_days: Annotated[float, Field(gt=0)] = 14.0
    """Days of failing, added up, after which a rule is suspended."""


class RunSettings(Strict):
    """The loop of ``hanse run``."""

    interval_seconds: Annotated[float, Field(gt=0)] = 60.0
    """Time between two reconciles when nothing happens."""
    elastic_seconds: Annotated[float, Field(gt=0)] = 5.0
    """Time between two reconciles while something follows the world by itself, as workers follow their queue."""
    jitter: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Share of the interval that is added at random."""
    meter_seconds: Annotated[float, Field(ge=0)] = 300.0
    """Time between two looks at the machines of clusters, for accounting; 0: none."""
    jobs_seconds: Annotated[float, Field(ge=0)] = 3600.0
    """Time between two readings of the jobs of sites' batch systems that [targets] says how to reach; 0: none."""
    availability_seconds: Annotated[float, Field(ge=0)] = 3600.0
    """Time between two computations of today's availability; whole days follow shortly after midnight. 0: none."""
    lease_seconds: Annotated[float, Field(gt=0)] = 30.0
    """A reconciler that has not renewed its lease for this long is taken for dead."""
    quiet_seconds: Annotated[float, Field(ge=0)] = 0.4
    """Many web hooks, or changes of files, close together are one: so long nothing more must come."""
    longest_quiet_seconds: Annotated[float, Field(ge=0)] = 5.0
    """After so long they are one though more come."""
    retry_seconds: Annotated[float, Field(gt=0)] = 5.0
    """From the failure of an action, or of a reading, to the next try; doubled with each further failure."""
    longest_retry_seconds: Annotated[float, Field(gt=0)] = 900.0
    """Longest time between two tries."""
    stall_seconds: Annotated[float, Field(ge=0)] = 900.0
    """A round in which nothing has moved for so long is told as stalled: in the log with what every thread does, at
    ``/healthz``, and to systemd, which starts the service again. 0: never."""


class ProbeSettings(Strict):
    """How probes are run."""

    workers: Annotated[int, Field(ge=1, le=256)] = 16
    """Plugins that run at once."""
    attributes: Mapping[str, str] = Field(default_factory=dict)
    """Values of attributes that metric templates ask for: ``VONAME = "ops"``."""
    secrets: Mapping[str, SecretRef] = Field(default_factory=dict)
    """Where secrets are found that metric templates ask for: ``ARGO_API_TOKEN = { env = "ARGO_API_TOKEN" }``."""
    ports: Mapping[str, str] = Field(default_factory=dict)
    """Ports in place of the usual ones: ``BDII_PORT = "2170"``."""


class NotifySettings(Strict):
    """Who is told when datasets have as many copies as they wait for, probes change, or things are not as wanted."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{0,64}$")] = ""
    """What it is called in the log and by ``hanse notify test``; needed for ``events``."""
    url: SecretRef | str | None = None
    """Where it is posted to (``https://...``), or where that is found: a URL may be a secret itself."""
    apprise: SecretRef | None = None
    """In place of ``url``: where an Apprise URL is found (``mailtos://...``, ``matrixs://...``). Needs the extra
    ``notify``."""
    secret: SecretRef | None = None
    """Key of the signature (HMAC-SHA256, Standard Webhooks)."""
    dataset: Annotated[str, Field(min_length=1)] = "*"
    """Name of a dataset, or a pattern: ``ocean:*``."""
    copies: Annotated[int, Field(ge=1)] = 1
    """So many complete copies."""
    at: Annotated[str, Field(min_length=1)] = "*"
    """Location expression: only copies at these storages count."""
    probes: str = ""
    """Name of a probe, or a pattern (``tides/*``): its changes are told, in place of datasets; none in a downtime."""
    events: tuple[Happening, ...] = ()
    """In place of both: ``not-ready`` (and ready again), ``drift`` (found, and mended), ``blocked`` (waits for an
    approval), ``failed`` (an action), ``leader`` (another one), ``source`` (a head that is not in force)."""
    namespaces: Annotated[tuple[str, ...], Field(min_length=1)] = ("*",)
    """Patterns: events of resources in other namespaces are not told; ``""`` are those in none."""
    kinds: Annotated[tuple[str, ...], Field(min_length=1)] = ("*",)
    """Patterns: events of resources of other kinds are not told."""
    digest_seconds: Annotated[float, Field(ge=1)] = 60.0
    """What happens within so long is told in one message."""
    remind_hours: Annotated[float, Field(ge=0)] = 0.0
    """What stays so is told again after so long; 0: never."""

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if (self.url is None) is (self.apprise is None):
            raise ValueError("give url or apprise, and not both")
        if self.events and not self.name:
            raise ValueError("events need a name: by it is remembered what was told")
        if self.events and self.probes:
            raise ValueError("give events or probes: a subscription is to one of them")
        return self

    @property
    def title(self) -> str:
        """As it is called in the log: without what may be secret."""
        if self.name:
            return self.name
        if self.probes:
            return f"probes {self.probes}"
        return f"{self.dataset} x{self.copies} at {self.at}"


class TicketSettings(Strict):
    """The helpdesk that tickets are sent to. Without it they stay drafts."""

    url: str = ""
    """``https://helpdesk.example.org``, which speaks Zammad's API; "" for none."""
    token: SecretRef | None = None
    """Access token, with the right ``ticket.agent``."""
    customer: str = ""
    """In whose name tickets are opened: an address that the helpdesk knows."""
    group: str = ""
    """Group that tickets go to."""
    groups: Mapping[str, str] = Field(default_factory=dict)
    """NGI -> the group of its tickets, in place of ``group``."""
    priorities: Mapping[str, str] = Field(default_factory=dict)
    """``less urgent``, ``urgent`` ... -> what the helpdesk calls it, where that is something else."""
    field: str = ""
    """An own field of tickets in which their mark is kept too; it always stands in the title."""
    rules: tuple[Literal["three-misses", "unknown", "core", "sla", "alarm"], ...] = (
        "three-misses",
        "unknown",
        "core",
        "sla",
    )
    """What tickets are sent for."""
    ca: str = ""
    """File of the authorities that are trusted; "" for the machine's own."""


class GocdbSettings(Strict):
    """GOCDB's programmatic interface, ``/gocdbpi``, as ``hanse run`` serves it."""

    public: bool = False
    """``/gocdbpi/public`` answers without the token then, and tells no e-mail address and no telephone number."""
    scope: str = ""
    """What counts where a request names no scope: GOCDB takes EGI; "" for all."""
    url: str = ""
    """``https://registry.example.org``: under which clients reach it, for links; "" for that of the request."""


class IssuerSettings(Strict):
    """An OpenID provider that vouches for people. What it says is believed because it is listed here."""

    issuer: Annotated[str, Field(pattern=r"^(https://|http://(127\.0\.0\.1|localhost|\[::1\])([:/]|$)).+")]
    """``https://aai.egi.eu/auth/realms/egi``, as the provider writes it; ``http`` only on this machine."""
    client_id: Annotated[str, Field(min_length=1)]
    """What Hanse's page is called there."""
    client_secret: SecretRef | None = None
    """Left out for a public client."""
    device_client_id: str = ""
    """The public client of ``hanse login``; ``client_id`` when left out."""
    label: str = ""
    """What the page calls the provider; the host's name when left out."""
    scopes: tuple[str, ...] = ("openid", "profile", "voperson_id", "eduperson_entitlement")
    """What is asked for."""
    identity: Annotated[tuple[str, ...], Field(min_length=1)] = ("voperson_id", "sub")
    """Claims that may tell who somebody is; the first that is there counts."""
    entitlements: tuple[str, ...] = ("entitlements", "eduperson_entitlement")
    """Claims that may tell what somebody may; all of them count."""
    name: tuple[str, ...] = ("name", "preferred_username", "email")
    """Claims that may tell what somebody is called; the first that is there counts."""
    clients: tuple[str, ...] = ()
    """Other clients (``azp``) whose access tokens are taken, such as ``oidc-agent``."""
    audiences: tuple[str, ...] = ()
    """Other audiences (``aud``) that access tokens may be for, besides ``client_id``."""
    algorithms: Annotated[
        tuple[Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"], ...],
        Field(min_length=1),
    ] = ("RS256", "PS256", "ES256")
    """How tokens may be signed."""
    ca: str = ""
    """File of the authorities that are trusted; "" for the machine's own."""


class OidcSettings(Strict):
    """Who may log in, to pages, to the API and with ``hanse login``."""

    issuers: tuple[IssuerSettings, ...] = ()
    """Providers whose word is taken; none: nobody logs in."""
    readers: tuple[str, ...] = ()
    """Patterns of entitlements that may look (``urn:mace:egi.eu:group:vo.example.org:*``); ``*`` is everybody who can
    log in. Who may do anything by a Tenancy may look too."""
    idle_minutes: Annotated[int, Field(ge=1)] = 60
    """A session that nobody used for so long is over."""
    session_hours: Annotated[float, Field(gt=0)] = 8.0
    """A session ends after so long, however much it is used."""
    entitlement_minutes: Annotated[float, Field(ge=0)] = 10.0
    """So long at most, what the provider told of somebody's rights is taken for true. Who agrees to something on a
    page, or holds it, must have logged in since; looking goes on as long as the session."""

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        known = [one.issuer for one in self.issuers]
        if twice := {one for one in known if known.count(one) > 1}:
            raise ValueError(f"{min(twice)} stands there twice")
        return self


class OwnerSettings(Strict):
    """Somebody who may change Tenancies: exactly one of entitlement, person, signer, user and team."""

    entitlement: str = ""
    """Entitlement of a token (``urn:mace:egi.eu:group:...``)."""
    person: str = ""
    """``voperson_id`` of a token."""
    issuer: str = ""
    """Issuer of the tokens that count, for an entitlement and a person."""
    signer: str = ""
    """Principal of a signature."""
    user: str = ""
    """User of the forge: ``@ana``."""
    team: str = ""
    """Team of the forge: ``@bay/operators``."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        given = [one for one in (self.entitlement, self.person, self.signer, self.user, self.team) if one]
        if len(given) != 1:
            raise ValueError(f"give exactly one of entitlement, person, signer, user, team, not {len(given)}")
        if bool(self.issuer) != bool(self.entitlement or self.person):
            raise ValueError("an issuer belongs to an entitlement and to a person, and to nothing else")
        return self


class TenancySettings(Strict):
    """Who may do what, beside what Tenancies in git say. Without a Tenancy in git it has no effect."""

    owners: tuple[OwnerSettings, ...] = ()
    """Who may change Tenancies; the first one is taken from nobody else."""
    trust: Literal["signature", "author"] = "signature"
    """What proves who made a commit. ``author``: the address that an unsigned commit bears is believed, which anybody
    can write: for repositories whose forge lets nobody push in another's name."""
    signers: Path | None = None
    """List of allowed signers (ssh-keygen) whose signatures prove who they are, beside those of ``[source]``."""
    keyring: Path | None = None
    """Public keys (``gpg --export --armor``) of such signers."""


class WebSettings(Strict):
    """What ``hanse run`` serves over HTTP."""

    listen: str = ""
    """``127.0.0.1:8080``; "" for nothing. Needs the extra ``web``."""
    token: SecretRef | None = None
    """What callers must send as bearer token; needed where others than this machine can reach it."""
    url: str = ""
    """``https://hanse.example.org``: where people reach the page, and return to from logging in; "" for what they asked
    for."""
    proxies: tuple[str, ...] = ("127.0.0.1", "::1")
    """Addresses or networks of reverse proxies: ``X-Forwarded-Proto`` and ``X-Forwarded-For`` count from them only."""
    open: tuple[Literal["read", "metrics"], ...] = ()
    """What needs no token (``hanse token``): ``read`` for availability and statuses, ``metrics``."""
    per_resource_metrics: bool = False
    """Whether ``GET /metrics`` tells of each resource, too: a federation has thousands."""
    results_per_minute: Annotated[int, Field(ge=1)] = 300_000
    """So many results one token may tell in a minute."""
    results_days: Annotated[int, Field(ge=1, le=36_500)] = 400
    """Results that are older than so many days are refused."""
    body_megabytes: Annotated[int, Field(ge=1)] = 32
    """The largest body that is taken."""
    gocdb: GocdbSettings = GocdbSettings()
    """GOCDB's programmatic interface."""


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


def load(root: Path, environment: Mapping[str, str], file: Path | None = None) -> Settings:
    """Read ``hanse.toml`` under ``root`` (or ``file``) and the environment.

    ``HANSE_RECORDS__URL`` stands for ``[records] url``: sections and names are joined by two underscores. Raises
    SettingsError with every fault: field, what is wrong, what would be right.
    """
    path = file or root / FILE
    given: dict[str, Any] = {}
    text = ""
    if path.exists():
        try:
            text = path.read_text(encoding="utf-8")
            given = tomllib.loads(text)
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsError(f"{path}: not valid TOML: {error}") from error
    elif file is not None:
        raise SettingsError(f"{path}: no such file; hanse init writes one")
    for name, value in sorted(environment.items()):
        if name.startswith("HANSE_"):
            _set(given, name.removeprefix("HANSE_").lower().split("__"), value)
    try:
        return Settings.model_validate(given, strict=False).pathed(path.parent if file else root)
    except ValidationError as error:
        raise SettingsError("\n".join(_faults(error, path, text))) from error


def _faults(error: ValidationError, path: Path, text: str) -> Iterator[str]:
    from reconciler.manifest import words  # it takes a while to load, and settings are seldom wrong

    for fault in error.errors():
        names = [str(part) for part in fault["loc"]]
        line = _line(text, names)
        secret = fault.get("ctx", {}).get("class_name") == SecretRef.__name__
        wrong, right = _SECRET if secret else words.said(fault, Settings)
        where = f"{path}:{line}" if line else f"the environment variable HANSE_{'__'.join(names).upper()}"
        yield f"{where}: {'.'.join(names)}: {wrong}{f'; {right}' if right else ''}"


def _line(text: str, names: list[str]) -> int:
    """The line on which a setting stands, or else the nearest table around it; 0 when the file does not have it."""
    found, depth = 0, 0
    table: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        code = line.strip()
        if code.startswith("["):
            table = _parts(code.strip("[] "))
            named = table
        else:
            key, equals, _ = code.partition("=")
            named = [*table, *_parts(key.strip())] if equals and not code.startswith("#") else []
        if named and named == names[: len(named)] and len(named) > depth:
            found, depth = number, len(named)
    return found


def _parts(key: str) -> list[str]:
    """The names in a dotted key; quoted ones may have dots of their own."""
    return [(quoted or bare).strip() for quoted, bare in re.findall(r"[\"']([^\"']*)[\"']|([^.\"'\s]+)", key)]


def _set(given: dict[str, Any], path: list[str], value: str) -> None:
    for step in path[:-1]:
        inner = given.setdefault(step, {})
        if not isinstance(inner, dict):
            return
        given = inner
    given[path[-1]] = value
