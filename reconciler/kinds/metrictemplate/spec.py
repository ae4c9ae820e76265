"""What a metric template is: everything that ARGO's POEM says of one, in the order in which it says it."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from reconciler.model import Spec, Strict

Text = Annotated[str, Field(max_length=2000, pattern=r"^[^\x00\n]*$")]
Word = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[^\x00\n]+$")]


class Option(Strict):
    """An option of a plugin, a flag, or what comes to it. The order of options is that of the command."""

    name: Word
    value: Text = ""


class Config(Strict):
    """When and where it is run. All are left out for a passive metric."""

    interval: Annotated[int, Field(ge=1)] | None = None
    """Minutes from one run to the next."""
    maxCheckAttempts: Annotated[int, Field(ge=1, le=100)] | None = None
    """Bad results in a row before the state counts."""
    path: Text | None = None
    """Folder of the plugin: ``/usr/libexec/argo/probes/http_parser``."""
    retryInterval: Annotated[int, Field(ge=1)] | None = None
    """Minutes from a bad result that does not count yet to the next run."""
    timeout: Annotated[int, Field(ge=1)] | None = None
    """Seconds that a run may take."""


class MetricTemplateSpec(Spec):
    """How a metric is measured."""

    tags: tuple[Text, ...] = ()
    probe: Text = ""
    """Name of the plugin: ``check_http_parser``; none for a passive metric."""
    config: Config = Config()
    flags: tuple[Option, ...] = ()
    """``NOHOSTNAME`` and ``NOTIMEOUT`` leave ``-H`` and ``-t`` out; ``PASSIVE``: another metric tells its results."""
    dependency: tuple[Option, ...] = ()
    """Metrics that are to be well before this one means anything."""
    attribute: tuple[Option, ...] = ()
    """Name of an attribute, and the plugin's option that takes its value: ``BDII_PORT``, ``-p``."""
    parameter: tuple[Option, ...] = ()
    """The plugin's options with their values."""
    fileAttribute: tuple[Option, ...] = ()
    fileParameter: tuple[Option, ...] = ()
    parent: Text = ""
    """The metric that tells the results of a passive one."""
    docurl: Text | None = None
    """Where the plugin is described."""

    def flagged(self, flag: str) -> bool:
        """Whether it has a flag."""
        return any(one.name == flag for one in self.flags)

    @property
    def passive(self) -> bool:
        """Whether others tell its results."""
        return self.flagged("PASSIVE")

    @model_validator(mode="after")
    def _runs_or_is_told(self) -> Self:
        config = self.config
        needed = (self.probe, config.interval, config.maxCheckAttempts, config.path, config.timeout)
        if not self.passive and not all(needed):
            message = "give probe, and in config interval, maxCheckAttempts, path and timeout; or the flag PASSIVE"
            raise ValueError(message)
        return self
