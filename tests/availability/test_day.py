"""A whole day: from samples to sites, with downtimes, recomputations, thresholds, and what is missing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.availability import (
    EGI,
    AggregationProfile,
    Downtime,
    Endpoint,
    Excluded,
    Function,
    Group,
    Inputs,
    MetricProfile,
    Quirks,
    Recomputation,
    Sample,
    Selector,
    Series,
    StatusChange,
    ThresholdRule,
    Thresholds,
    computed,
    losses,
    numbers,
)
from reconciler.availability.thresholds import limits
from tests.availability.test_timeline import clock, told

PROFILE = MetricProfile(
    "m", {"CE": frozenset({"submit", "cert"}), "SRM": frozenset({"put"}), "other": frozenset({"x"})}
)
AGGREGATION = AggregationProfile(
    "a", (Function("compute", "OR", {"CE": "OR", "ARC": "OR"}), Function("storage", "AND", {"SRM": "OR"}))
)
GROUPS = [Group("NGI_X", "SITE"), Group("NGI_X", "EMPTY")]
ENDPOINTS = [
    Endpoint("SITE", "CE", "ce1"),
    Endpoint("SITE", "CE", "ce2"),
    Endpoint("SITE", "SRM", "se"),
    Endpoint("SITE", "other", "ce1"),
    Endpoint("ELSEWHERE", "SRM", "se9"),
]
INPUTS = Inputs(GROUPS, ENDPOINTS, PROFILE, AGGREGATION)
QUIET = [("CE", host, metric, -60, "OK") for host in ("ce1", "ce2") for metric in ("submit", "cert")] + [
    ("SRM", "se", "put", -60, "OK")
]


def samples(*rows: tuple, quiet: bool = True):
    """Series of (service, host, metric, when, status); all was well the day before."""
    found: dict[tuple, list[Sample]] = {}
    for s, h, m, at, *rest in [*(QUIET if quiet else ()), *rows]:
        found.setdefault((s, h, m), []).append(Sample(at if isinstance(at, int) else clock(at), *rest))
    return [Series(*key, sorted(some, key=lambda one: one.second)) for key, some in found.items()]


def test_a_quiet_day_is_up():
    made = computed(samples(), INPUTS)
    assert {name: told(one) for name, one in made.groups.items()} == {"SITE": ["00:00:00 OK"]}
    assert set(made.services) == {("SITE", "CE"), ("SITE", "SRM")}
    assert set(made.functions) == {("SITE", "compute"), ("SITE", "storage")}


def test_metrics_are_anded_endpoints_ored_functions_anded():
    made = computed(
        samples(
            ("CE", "ce1", "cert", "03:00", "CRITICAL"),
            ("CE", "ce2", "submit", "04:00", "CRITICAL"),
            ("CE", "ce1", "cert", "05:00", "OK"),
            ("SRM", "se", "put", "06:00", "WARNING"),
            ("SRM", "se", "put", "07:00", "UNKNOWN"),
        ),
        INPUTS,
    )
    assert told(made.endpoints["SITE", "CE", "ce1"]) == ["00:00:00 OK", "03:00:00 CRITICAL", "05:00:00 OK"]
    assert told(made.services["SITE", "CE"]) == ["00:00:00 OK", "04:00:00 CRITICAL", "05:00:00 OK"]
    assert told(made.groups["SITE"]) == [
        "00:00:00 OK",
        "04:00:00 CRITICAL",
        "05:00:00 OK",
        "06:00:00 WARNING",
        "07:00:00 UNKNOWN",
    ]


def test_what_was_never_measured_is_missing():
    made = computed(samples(("SRM", "se", "put", "06:00", "OK"), quiet=False), INPUTS)
    assert told(made.metrics["SITE", "CE", "ce1", "cert"]) == ["00:00:00 MISSING"]
    assert told(made.endpoints["SITE", "SRM", "se"]) == ["00:00:00 MISSING", "06:00:00 OK"]
    assert numbers(made.groups["SITE"].seconds()).availability == -1


@pytest.mark.parametrize(("quirks", "state"), [(Quirks(), "UNKNOWN"), (Quirks(new_metric_is_unknown=False), "MISSING")])
def test_a_metric_that_is_new_in_the_profile_is_unknown(quirks, state):
    before = MetricProfile("m", {"CE": frozenset({"submit"}), "SRM": frozenset({"put"})})
    made = computed(samples(quiet=False), replace(INPUTS, metrics_before=before, quirks=quirks))
    assert told(made.metrics["SITE", "CE", "ce1", "cert"]) == [f"00:00:00 {state}"]
    assert told(made.metrics["SITE", "CE", "ce1", "submit"]) == ["00:00:00 MISSING"]


def test_what_nobody_asks_for_is_passed_over():
    made = computed(
        samples(
            ("CE", "ce1", "extra", "03:00", "CRITICAL"),
            ("SRM", "se9", "put", "03:00", "CRITICAL"),
            ("other", "ce1", "x", "01:00", "CRITICAL"),
        ),
        INPUTS,
    )
    assert told(made.groups["SITE"]) == ["00:00:00 OK"]
    assert "ELSEWHERE" not in made.groups
    assert "EMPTY" not in made.groups


def test_services_that_no_function_names_may_stand_for_themselves():
    others = replace(INPUTS, aggregation=AggregationProfile("a", (), others="OR"))
    made = computed(samples(("other", "ce1", "x", "01:00", "CRITICAL")), others)
    assert set(made.functions) == {("SITE", "CE"), ("SITE", "SRM"), ("SITE", "other")}
    assert told(made.groups["SITE"]) == ["00:00:00 MISSING", "01:00:00 CRITICAL"]


def test_a_service_belongs_to_the_last_function_that_names_it():
    twice = AggregationProfile("a", (Function("one", "OR", {"CE": "OR"}), Function("two", "OR", {"CE": "AND"})))
    assert (twice.place("CE"), twice.place("SRM")) == (("two", "AND"), None)


def test_an_operation_that_there_is_not_is_refused():
    with pytest.raises(ValueError, match="has no operation XOR"):
        AggregationProfile("a", (Function("one", "XOR", {}),))


def test_a_sample_counts_for_every_group_of_its_host():
    both = replace(
        INPUTS, groups=[*GROUPS, Group("PROJECT", "SG")], endpoints=[*ENDPOINTS, Endpoint("SG", "SRM", "se")]
    )
    made = computed(samples(("SRM", "se", "put", "01:00", "CRITICAL")), both)
    assert told(made.groups["SG"]) == ["00:00:00 OK", "01:00:00 CRITICAL"]


# -- downtimes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scheduled", "quirks", "down"),
    [(True, Quirks(), 3660), (False, Quirks(), 0), (False, Quirks(unscheduled_counts=False), 3660)],
)
def test_only_scheduled_downtimes_excuse(scheduled, quirks, down):
    downtimes = [Downtime("SRM", "se", clock("03:00"), clock("04:00"), scheduled)]
    made = computed(
        samples(("SRM", "se", "put", "03:10", "CRITICAL"), ("SRM", "se", "put", "03:50", "OK")),
        replace(INPUTS, downtimes=downtimes, quirks=quirks),
    )
    assert made.groups["SITE"].seconds().get("DOWNTIME", 0) == down


def test_two_downtimes_of_one_day_both_count():
    downtimes = [Downtime("SRM", "se", clock(f"{n:02}:00"), clock(f"{n:02}:59")) for n in (8, 3)]
    made = computed(samples(), replace(INPUTS, downtimes=downtimes))
    assert made.groups["SITE"].seconds()["DOWNTIME"] == 7200


# -- recomputations ----------------------------------------------------------------------------------------------------


def recomputed(*rows, inputs=INPUTS, start="02:00", end="04:00", **asked):
    return computed(
        samples(*rows), replace(inputs, recomputations=[Recomputation("r1", clock(start), clock(end), **asked)])
    )


def test_an_excluded_group_is_unknown_for_the_numbers_alone():
    made = recomputed(exclude=frozenset({"SITE"}))
    assert told(made.groups["SITE"]) == ["00:00:00 OK"]
    assert told(made.counted["SITE"]) == ["00:00:00 OK", "02:00:00 UNKNOWN", "04:00:00 OK"]
    group = next(made.items())
    assert group.numbers().unknown == 0.08333
    assert made.recomputed == {"SITE": ["r1"]}


def test_an_excluded_metric_is_neutral():
    made = recomputed(
        ("CE", "ce1", "cert", "01:00", "CRITICAL"), exclude_metrics=(Selector(metric="cert", hostname="ce1"),)
    )
    assert told(made.endpoints["SITE", "CE", "ce1"]) == [
        "00:00:00 OK",
        "01:00:00 CRITICAL",
        "02:00:00 OK",
        "04:00:00 CRITICAL",
    ]
    assert told(made.metrics["SITE", "CE", "ce1", "cert"])[2] == "02:00:00 EXCLUDED"


def test_what_a_bad_monitor_said_is_not_heard():
    row = ("SRM", "se", "put", "03:00", "CRITICAL", "mon1")
    assert told(
        recomputed(row, exclude_monitors=(Excluded("mon1", clock("03:00"), clock("03:00")),)).groups["SITE"]
    ) == ["00:00:00 OK"]
    assert (
        told(recomputed(row, exclude_monitors=(Excluded("mon2", 0, clock("23:00")),)).groups["SITE"])[1]
        == "03:00:00 CRITICAL"
    )


@pytest.mark.parametrize(
    ("selector", "level"),
    [
        (Selector(group="SITE"), "groups"),
        (Selector(service="SRM"), "services"),
        (Selector(hostname="se"), "endpoints"),
        (Selector(metric="put"), "metrics"),
    ],
)
def test_a_status_change_acts_at_its_most_specific_level(selector, level):
    made = recomputed(changes=(StatusChange(selector, "WARNING"),))
    expected = ["00:00:00 OK", "02:00:00 WARNING", "04:00:00 OK"]
    names = {
        "groups": "SITE",
        "services": ("SITE", "SRM"),
        "endpoints": ("SITE", "SRM", "se"),
        "metrics": ("SITE", "SRM", "se", "put"),
    }
    below = ["groups", "services", "endpoints", "metrics"]
    assert [told(getattr(made, one)[names[one]]) for one in below[: below.index(level) + 1]] == [expected] * (
        below.index(level) + 1
    )
    assert all(told(getattr(made, one)[names[one]]) == ["00:00:00 OK"] for one in below[below.index(level) + 1 :])


def test_of_two_changes_at_one_level_the_more_specific_wins():
    changes = (
        StatusChange(Selector(metric="put", hostname="se"), "CRITICAL"),
        StatusChange(Selector(metric="put"), "UNKNOWN"),
    )
    assert told(recomputed(changes=changes).groups["SITE"])[1] == "02:00:00 CRITICAL"


def test_a_change_must_fit_all_its_keys():
    changes = (
        StatusChange(Selector(metric="put", group="EMPTY"), "CRITICAL"),
        StatusChange(Selector(service="CE", group="SITE"), "CRITICAL"),
    )
    made = recomputed(changes=changes)
    assert told(made.services["SITE", "SRM"]) == ["00:00:00 OK"]
    assert told(made.groups["SITE"])[1] == "02:00:00 CRITICAL"


def test_a_recomputation_of_another_day_does_nothing():
    inputs = replace(INPUTS, recomputations=[Recomputation("r", -7200, -60, exclude=frozenset({"SITE"}))])
    assert computed(samples(), inputs).recomputed == {}


# -- thresholds --------------------------------------------------------------------------------------------------------


def test_thresholds_put_another_status_in_place():
    rule = ThresholdRule("put", limits("time=1s;0:1;1:100"))
    row = ("SRM", "se", "put", "03:00", "OK", "", "time=5s")
    made = computed(samples(row), replace(INPUTS, thresholds=Thresholds((rule,))))
    assert told(made.groups["SITE"]) == ["00:00:00 OK", "03:00:00 CRITICAL"]
    elsewhere = replace(INPUTS, thresholds=Thresholds((rule._replace(group="EMPTY"),)))
    assert told(computed(samples(row), elsewhere).groups["SITE"]) == ["00:00:00 OK"]


# -- what was lost -----------------------------------------------------------------------------------------------------


def test_lost_minutes_are_told_with_the_check_that_lost_them():
    made = computed(
        samples(
            ("SRM", "se", "put", "03:00", "CRITICAL"),
            ("SRM", "se", "put", "04:00", "OK"),
            ("CE", "ce1", "cert", "03:30", "CRITICAL"),
        ),
        replace(INPUTS, downtimes=[Downtime("SRM", "se", clock("10:00"), clock("10:29"))]),
    )
    first, second = losses(made, "SITE")
    assert (first.start, first.minutes, first.status) == (clock("03:00"), 60, "CRITICAL")
    assert [tuple(one) for one in first.blames] == [
        ("result", "storage", "SRM", "se", "put", "CRITICAL", clock("03:00"))
    ]
    assert (second.minutes, second.blames[0].cause, second.blames[0].hostname) == (30, "downtime", "se")


def test_minutes_are_lost_to_what_is_missing_and_to_recomputations():
    made = recomputed(exclude=frozenset({"SITE"}))
    assert [(one.minutes, one.blames[0].cause) for one in losses(made, "SITE")] == [(120, "excluded")]
    made = recomputed(changes=(StatusChange(Selector(hostname="se"), "CRITICAL"),))
    assert [(one.minutes, one.blames[0].cause, one.blames[0].hostname) for one in losses(made, "SITE")] == [
        (120, "recomputation", "se")
    ]
    made = computed(samples(quiet=False), INPUTS)
    assert {blame.cause for one in losses(made, "SITE") for blame in one.blames} == {"missing"}
    assert sum(one.minutes for one in losses(made, "SITE")) == 1440


def test_the_minutes_lost_are_those_that_the_numbers_say():
    made = computed(samples(("SRM", "se", "put", "03:00", "CRITICAL"), ("SRM", "se", "put", "04:07", "OK")), INPUTS)
    lost = sum(one.minutes for one in losses(made, "SITE"))
    up = sum(made.groups["SITE"].seconds()[s] for s in ("OK",))
    assert lost * 60 + up == 86_400
    assert EGI.name == "egi_ops"
