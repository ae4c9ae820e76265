"""The verdicts of APEL's loader, as a table: what is loaded, what refuses the whole message, and why."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from reconciler.exchange.apel import Refused, read
from reconciler.exchange.apel.documents import ACCELERATORS, ADDRESSES, check, parsed, written

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
JOB = {
    "Site": "BAY",
    "LocalJobId": "17",
    "WallDuration": "3600",
    "CpuDuration": "3000",
    "StartTime": "1793491200",
    "EndTime": "1793494800",
    "ServiceLevelType": "hepspec",
    "ServiceLevel": "10.5",
}
SUMMARY = {
    "Site": "BAY",
    "Month": "10",
    "Year": "2026",
    "WallDuration": "10",
    "CpuDuration": "9",
    "NumberOfJobs": "2",
}
CLOUD = {"VMUUID": "u-1", "SiteName": "BAY"}
NORMALISED = SUMMARY | {"NormalisedWallDuration": "{hepspec: 100, HEPscore23: 120}"}
NORMALISED |= {"NormalisedCpuDuration": "{hepspec: 90, HEPscore23: 108}"}


def message(header: str, *records: dict[str, str]) -> str:
    return "\n%%\n".join("\n".join(f"{k}: {v}" for k, v in record.items()) for record in records).join(
        [header + "\n", "\n"]
    )


def loaded(header: str, *records: dict[str, str]):
    return read(message(header, *records), NOW).records


JOBS = "APEL-individual-job-message: v0.3"
JOBS_04 = "APEL-individual-job-message: v0.4"
CLOUDS = "APEL-cloud-message: v0.4"
SUMMARIES = "APEL-summary-job-message: v0.2"


@pytest.mark.parametrize(
    ("header", "record"),
    [
        (JOBS, JOB),
        ("APEL-individual-job-message: v9.9", JOB),
        (JOBS, JOB | {"EndTime": JOB["StartTime"]}),
        (JOBS, JOB | {"EndTime": "2026-10-31T01:00:00Z", "StartTime": "2026-10-31T00:00:00Z"}),
        (JOBS, JOB | {"EndTime": str(int(NOW.timestamp()) + 2 * 86400)}),
        (JOBS, JOB | {"ServiceLevelType": "HEPscore23"}),
        (JOBS, JOB | {"ServiceLevelType": "Si2K"}),
        (JOBS, JOB | {"SubmitHostType": "any", "UpdateTime": "never"}),
        (JOBS, JOB | {"WallDuration": "-5"}),
        (JOBS, JOB | {"Processors": "none", "MemoryReal": "NULL"}),
        (JOBS_04, {k: v for k, v in JOB.items() if k != "ServiceLevelType"} | {"ServiceLevel": "{hepspec: 10}"}),
        (SUMMARIES, SUMMARY),
        (SUMMARIES, SUMMARY | {"EarliestEndTime": "2026-10-01T00:00:00Z", "LatestEndTime": "2026-11-01T00:00:00Z"}),
        (SUMMARIES, SUMMARY | {"Month": "11"}),
        ("APEL-normalised-summary-message: v0.4", NORMALISED),
        (
            "APEL-summary-job-message: v0.3",
            SUMMARY | {"NormalisedWallDuration": "1", "NormalisedCpuDuration": "1", "Infrastructure": "grid"},
        ),
        ("APEL-sync-message: v0.7", {"Site": "BAY", "NumberOfJobs": "3", "Month": "10", "Year": "2026"}),
        (CLOUDS, CLOUD),
        (CLOUDS, CLOUD | {"CpuCount": "1.5", "EndTime": "0", "WallDuration": "-1", "MachineName": "a: b: c"}),
        ("APEL-cloud-summary-message: v0.4", {"SiteName": "B", "Month": "10", "Year": "2026", "NumberOfVMs": "1"}),
    ],
)
def test_apel_loads(header, record):
    assert len(loaded(header, record)) == 1


@pytest.mark.parametrize(
    ("header", "record", "why"),
    [
        *[(JOBS, {k: v for k, v in JOB.items() if k != name}, name) for name in list(JOB)[:6]],
        *[(JOBS, JOB | {name: "null"}, name) for name in list(JOB)[:6]],
        *[(SUMMARIES, {k: v for k, v in SUMMARY.items() if k != name}, name) for name in SUMMARY],
        *[(CLOUDS, {k: v for k, v in CLOUD.items() if k != name}, name) for name in CLOUD],
        (JOBS, JOB | {"site": "x"}, "'site' is no field"),
        (JOBS, JOB | {"WallDuration": "3600.5"}, "WallDuration is '3600.5'"),
        (JOBS, JOB | {"ServiceLevel": "much"}, "ServiceLevel is 'much'"),
        (JOBS, JOB | {"StartTime": "yesterday"}, "StartTime"),
        (JOBS, JOB | {"EndTime": "1793491199"}, "EndTime is before StartTime"),
        (JOBS, JOB | {"EndTime": str(int(NOW.timestamp()) + 2 * 86400 + 1)}, "in the future"),
        (JOBS, JOB | {"ServiceLevelType": "HEPSPEC06"}, "HEPSPEC06"),
        (JOBS, {k: v for k, v in JOB.items() if k != "ServiceLevel"}, "both"),
        (JOBS, {k: v for k, v in JOB.items() if not k.startswith("ServiceLevel")}, "both"),
        (JOBS_04, JOB | {"ServiceLevel": "{hepspec: 1}"}, "beside"),
        (JOBS_04, {k: v for k, v in JOB.items() if k != "ServiceLevelType"}, "not values by benchmark"),
        (SUMMARIES, SUMMARY | {"Month": "13"}, "no month 13"),
        (SUMMARIES, SUMMARY | {"Month": "12"}, "in the future"),
        (SUMMARIES, SUMMARY | {"WallDuration": "-1"}, "negative"),
        (
            SUMMARIES,
            SUMMARY | {"EarliestEndTime": "2026-10-02T00:00:00Z", "LatestEndTime": "2026-10-01T00:00:00Z"},
            "before",
        ),
        (
            SUMMARIES,
            SUMMARY | {"EarliestEndTime": "2026-09-30T23:59:59Z", "LatestEndTime": "2026-10-01T00:00:00Z"},
            "not in 2026-10",
        ),
        ("APEL-normalised-summary-message: v0.4", NORMALISED | {"ServiceLevel": "1"}, "no field"),
        ("APEL-normalised-summary-message: v0.4", NORMALISED | {"NormalisedCpuDuration": "{hepspec: 1}"}, "different"),
        ("APEL-normalised-summary-message: v0.4", NORMALISED | {"NormalisedCpuDuration": "90"}, "not values by"),
        ("APEL-summary-job-message: v0.9", SUMMARY, "no message begins"),
        ("APEL-nothing: v0.1", SUMMARY, "no message begins"),
        (CLOUDS, CLOUD | {"Memory": "1.5"}, "Memory"),
    ],
)
def test_apel_refuses(header, record, why):
    with pytest.raises(Refused, match=why):
        loaded(header, record)


def test_one_bad_record_refuses_the_whole_message_and_is_named():
    with pytest.raises(Refused, match="record 2: SiteName must be given"):
        loaded(CLOUDS, CLOUD, {"VMUUID": "u-2"}, CLOUD)


def test_a_line_without_a_colon_refuses_the_message():
    with pytest.raises(Refused, match="'and more' has no colon"):
        read(f"{CLOUDS}\nVMUUID: u\nSiteName: BAY\nMachineName: two\nand more\n", NOW)


def test_of_a_field_that_is_said_twice_the_last_counts_and_a_last_separator_may_stand():
    text = f"{CLOUDS}\nVMUUID: u\nSiteName: BAY\nMemory: 1\nMemory: 2\n%%\n"
    assert read(text, NOW).records == ({"VMUUID": "u", "SiteName": "BAY", "Memory": 2},)


@pytest.mark.parametrize(
    ("fqan", "who"),
    [
        ("/bay/tides/Role=pilot", {"VO": "bay", "VOGroup": "/bay/tides", "VORole": "Role=pilot"}),
        ("/bay/ROLE=x/Capability=NULL", {"VO": "bay", "VOGroup": "/bay", "VORole": "ROLE=x"}),
        ("/bay/Role=a;/other/Role=b", {"VO": "bay", "VOGroup": "/bay", "VORole": "Role=a"}),
        ("vo.bay.example.org", {"VO": "vo.bay.example.org"}),
        ("/bay/tides", {"VO": "/bay/tides"}),
        ("/Role=alone", {"VO": "/Role=alone"}),
    ],
)
def test_who_it_was_is_told_from_the_first_fqan(fqan, who):
    (record,) = loaded(CLOUDS, CLOUD | {"FQAN": fqan, "VOGroup": "said before"})
    assert {k: v for k, v in record.items() if k.startswith("VO")} == who


def test_the_best_benchmark_is_kept():
    (record,) = loaded("APEL-normalised-summary-message: v0.4", NORMALISED)
    assert (record["ServiceLevelType"], record["NormalisedWallDuration"]) == ("hepscore23", 120)


def test_the_word_none_is_a_name_only_for_a_vo():
    (record,) = loaded(CLOUDS, CLOUD | {"VO": "None", "Status": "None"})
    assert record == CLOUD | {"VO": "None"}


IP = {
    "MeasurementTime": 1793491200,
    "SiteName": "BAY",
    "CloudType": "hanse",
    "LocalUser": "u",
    "LocalGroup": "g",
    "GlobalUserName": "n",
    "FQAN": "bay",
    "IPVersion": 4,
    "IPCount": 2,
}
GPU = {
    "MeasurementMonth": 10,
    "MeasurementYear": 2026,
    "AssociatedRecordType": "cloud",
    "AssociatedRecord": "u-1",
    "FQAN": "bay",
    "SiteName": "BAY",
    "Count": 0.5,
    "AvailableDuration": 60,
    "Type": "GPU",
}


@pytest.mark.parametrize(("document", "record"), [(ADDRESSES, IP), (ACCELERATORS, GPU)])
def test_addresses_and_accelerators_come_back_as_they_went(document, record):
    (text,), rejects = written(document, [record])
    assert parsed(text) == (document, (record,))
    assert rejects == ()


@pytest.mark.parametrize(("document", "record"), [(ADDRESSES, IP), (ACCELERATORS, GPU)])
def test_each_field_that_must_be_there_is_missed(document, record):
    for name in document.mandatory:
        with pytest.raises(Refused, match=f"{name} must be given"):
            check(document, {k: v for k, v in record.items() if k != name})


@pytest.mark.parametrize(
    ("document", "record"),
    [
        (ADDRESSES, IP | {"IPVersion": 5}),
        (ADDRESSES, IP | {"IPCount": -1}),
        (ADDRESSES, IP | {"IPCount": True}),
        (ADDRESSES, IP | {"IPCount": "2"}),
        (ADDRESSES, IP | {"Other": 1}),
        (ACCELERATORS, GPU | {"Type": "TPU"}),
        (ACCELERATORS, GPU | {"AssociatedRecordType": "job"}),
        (ACCELERATORS, GPU | {"MeasurementMonth": 13}),
    ],
)
def test_what_is_no_such_record_stays_behind_with_its_reason(document, record):
    texts, ((left, why),) = written(document, [record])
    assert (texts, left) == ((), record)
    assert why


def test_documents_are_parted_below_their_limit():
    texts, _ = written(ADDRESSES, [IP] * 20, limit=1000)
    assert len(texts) > 1
    assert all(len(text) <= 1000 for text in texts)
    assert sum(len(parsed(text)[1]) for text in texts) == 20
