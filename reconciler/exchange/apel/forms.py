"""The forms of text messages: which fields a record has, of which type, and which must be there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

Value = str | int | float | datetime | None
"""Of one field. Times are aware, UTC; durations are seconds, memory is MB, disk and network are GB."""
BENCHMARKS = ("hepscore23", "hepspec", "si2k")
"""Benchmarks that are understood, the best first."""
NEVER_NULL = frozenset({"VO", "VOGroup", "VORole"})
"""Fields in which the words for nothing are names like any other."""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


@dataclass(frozen=True)
class Form:
    """One kind of message."""

    name: str
    header: str
    """The first line, as it is written."""
    fields: tuple[str, ...]
    """In the order in which they are written."""
    mandatory: frozenset[str]
    integers: frozenset[str]
    numbers: frozenset[str] = frozenset()
    times: frozenset[str] = frozenset()
    graded: frozenset[str] = frozenset()
    """Fields whose value is given for each benchmark: ``{hepspec: 10, hepscore23: 12}``."""
    ignored: frozenset[str] = frozenset({"UpdateTime"})
    """Fields that are accepted and not looked at."""
    any_version: bool = False
    """Whether the loader takes any version number in the header."""
    topic: str = "gLite-APEL"
    """Where such messages are published."""


_IDENTITY = _words("GlobalUserName VO VOGroup VORole SubmitHost")
_ENDS = _words("NodeCount Processors EarliestEndTime LatestEndTime WallDuration CpuDuration")
_MONTH = _words("Site Month Year")
_JOB_FIELDS = (
    *_words("Site SubmitHost MachineName Queue LocalJobId LocalUserId GlobalUserName FQAN VO VOGroup VORole"),
    *_words("WallDuration CpuDuration Processors NodeCount StartTime EndTime InfrastructureDescription"),
    *_words("InfrastructureType MemoryReal MemoryVirtual ServiceLevelType ServiceLevel"),
)
_JOB_MANDATORY = frozenset(_words("Site LocalJobId WallDuration CpuDuration StartTime EndTime"))
_JOB_INTEGERS = frozenset(_words("WallDuration CpuDuration Processors NodeCount MemoryReal MemoryVirtual"))
_SUMMARY_FIELDS = (*_MONTH, *_IDENTITY, *_words("InfrastructureType InfrastructureDescription"))
_SUMMARY_FIELDS = (*_SUMMARY_FIELDS, *_words("ServiceLevelType ServiceLevel"), *_ENDS, "NumberOfJobs")
_SUMMARY_MANDATORY = frozenset((*_MONTH, *_words("WallDuration CpuDuration NumberOfJobs")))
_SUMMARY_INTEGERS = frozenset(_words("Month Year NodeCount Processors WallDuration CpuDuration NumberOfJobs"))
_SUMMARY_TIMES = frozenset(_words("EarliestEndTime LatestEndTime"))
_NORMALISED = frozenset(_words("NormalisedWallDuration NormalisedCpuDuration"))
_NORMALISED_FIELDS = (*_MONTH, *_IDENTITY, "Infrastructure", "ServiceLevelType", *_ENDS)
_NORMALISED_FIELDS = (*_NORMALISED_FIELDS, *_words("NormalisedWallDuration NormalisedCpuDuration NumberOfJobs"))
_VM = _words("CloudComputeService GlobalUserName VO VOGroup VORole Status CloudType ImageId")

JOB = Form(
    "job",
    "APEL-individual-job-message: v0.3",
    _JOB_FIELDS,
    _JOB_MANDATORY,
    _JOB_INTEGERS,
    frozenset({"ServiceLevel"}),
    frozenset({"StartTime", "EndTime"}),
    ignored=frozenset(_words("SubmitHostType UpdateTime")),
    any_version=True,
)
JOB_04 = Form(
    "job",
    "APEL-individual-job-message: v0.4",
    _JOB_FIELDS,
    _JOB_MANDATORY,
    _JOB_INTEGERS,
    frozenset({"ServiceLevel"}),
    frozenset({"StartTime", "EndTime"}),
    graded=frozenset({"ServiceLevel"}),
    ignored=frozenset(_words("SubmitHostType UpdateTime")),
)
SUMMARY = Form(
    "summary",
    "APEL-summary-job-message: v0.2",
    _SUMMARY_FIELDS,
    _SUMMARY_MANDATORY,
    _SUMMARY_INTEGERS,
    frozenset({"ServiceLevel"}),
    _SUMMARY_TIMES,
)
SUMMARY_04 = Form(
    "summary",
    "APEL-summary-job-message: v0.4",
    _SUMMARY_FIELDS,
    _SUMMARY_MANDATORY,
    _SUMMARY_INTEGERS,
    frozenset({"ServiceLevel"}),
    _SUMMARY_TIMES,
    graded=frozenset({"ServiceLevel"}),
)
NORMALISED_03 = Form(
    "normalised",
    "APEL-summary-job-message: v0.3",
    _NORMALISED_FIELDS,
    _SUMMARY_MANDATORY | _NORMALISED,
    _SUMMARY_INTEGERS | _NORMALISED,
    times=_SUMMARY_TIMES,
)
NORMALISED = Form(
    "normalised",
    "APEL-normalised-summary-message: v0.4",
    _NORMALISED_FIELDS,
    _SUMMARY_MANDATORY | _NORMALISED,
    _SUMMARY_INTEGERS | _NORMALISED,
    times=_SUMMARY_TIMES,
    graded=_NORMALISED,
)
SYNC = Form(
    "sync",
    "APEL-sync-message: v0.1",
    (*_words("Site SubmitHost NumberOfJobs Month Year"),),
    frozenset(_words("Site NumberOfJobs Month Year")),
    frozenset(_words("NumberOfJobs Month Year")),
    any_version=True,
)
CLOUD = Form(
    "cloud",
    "APEL-cloud-message: v0.4",
    (
        *_words("RecordCreateTime VMUUID SiteName CloudComputeService MachineName LocalUserId LocalGroupId"),
        *_words("GlobalUserName FQAN VO VOGroup VORole Status StartTime EndTime SuspendDuration WallDuration"),
        *_words("CpuDuration CpuCount NetworkType NetworkInbound NetworkOutbound PublicIPCount Memory Disk"),
        *_words("BenchmarkType Benchmark StorageRecordId ImageId CloudType"),
    ),
    frozenset({"VMUUID", "SiteName"}),
    frozenset(
        _words(
            "SuspendDuration WallDuration CpuDuration NetworkInbound NetworkOutbound PublicIPCount Memory Disk",
        )
    ),
    frozenset({"CpuCount", "Benchmark"}),
    frozenset({"RecordCreateTime", "StartTime", "EndTime"}),
    ignored=frozenset(_words("UpdateTime MeasurementTime MeasurementMonth MeasurementYear")),
    any_version=True,
    topic="eu-egi-cloud-accounting",
)
CLOUD_SUMMARY = Form(
    "cloud-summary",
    "APEL-cloud-summary-message: v0.4",
    (
        *_words("SiteName Month Year"),
        *_VM,
        *_words("EarliestStartTime LatestStartTime WallDuration CpuDuration CpuCount NetworkInbound NetworkOutbound"),
        *_words("Memory Disk BenchmarkType Benchmark NumberOfVMs"),
    ),
    frozenset(_words("SiteName Month Year NumberOfVMs")),
    frozenset(_words("Month Year WallDuration CpuDuration NetworkInbound NetworkOutbound Memory Disk NumberOfVMs")),
    frozenset({"CpuCount", "Benchmark"}),
    frozenset(_words("EarliestStartTime LatestStartTime")),
    any_version=True,
    topic="eu-egi-cloud-accounting",
)
FORMS = (JOB, JOB_04, SUMMARY, SUMMARY_04, NORMALISED_03, NORMALISED, SYNC, CLOUD, CLOUD_SUMMARY)


def form_of(header: str) -> Form | None:
    """The form that a message of this first line has; None for one that the loader does not know."""
    exact = next((form for form in FORMS if form.header == header), None)
    if exact is not None:
        return exact
    name, colon, _ = header.partition(":")
    if not colon:
        return None
    return next((f for f in FORMS if f.any_version and f.header.partition(":")[0] == name.strip()), None)
