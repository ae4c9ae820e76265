"""The check port: one run of one monitoring plugin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

CheckStatus = Literal["OK", "WARNING", "CRITICAL", "UNKNOWN"]
STATUSES: tuple[CheckStatus, ...] = get_args(CheckStatus)
"""In the order of the exit codes of plugins, from 0."""

STANDARD_PLUGINS = (
    "check_curl",
    "check_dig",
    "check_dns",
    "check_ftp",
    "check_http",
    "check_icmp",
    "check_imap",
    "check_ldap",
    "check_ldaps",
    "check_mysql",
    "check_ntp_peer",
    "check_ntp_time",
    "check_pgsql",
    "check_ping",
    "check_pop",
    "check_simap",
    "check_smtp",
    "check_snmp",
    "check_spop",
    "check_ssh",
    "check_ssmtp",
    "check_tcp",
    "check_time",
    "check_udp",
)
"""What may be run unless the operator says otherwise: plugins that look at a service over the network, and neither
read the reconciler's own machine nor run anything on another."""


@dataclass(frozen=True, slots=True)
class OtherResult:
    """What a plugin says of another metric than its own."""

    hostname: str
    metric: str
    status: CheckStatus
    summary: str


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one run said. ``perfdata`` rows are (label, value, unit, warn, crit, min, max) as printed."""

    status: CheckStatus
    summary: str
    perfdata: tuple[tuple[str, float, str, str, str, str, str], ...] = ()
    seconds: float = 0.0
    others: tuple[OtherResult, ...] = ()
    """Results of passive metrics, in lines ``PROCESS_SERVICE_CHECK_RESULT;host;metric;code;text``."""


class Checker(Protocol):
    """Runs plugins from an allow-list."""

    def check(self, plugin: str, arguments: Sequence[str], timeout_seconds: float) -> CheckResult:
        """Run one plugin in its own process group. A signal, a time-out or an exit code outside 0..3 is UNKNOWN.

        ``plugin`` is a name, and gets the time-out as an option; or a path as a metric template has it, and gets what
        stands in ``arguments``, nothing else.
        """
        ...
