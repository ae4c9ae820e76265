"""Profiles, reports and recomputations: what is refused, and what is computed with."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from reconciler.availability import ARGO
from reconciler.kinds import registry
from reconciler.kinds.aggregationprofile import DEFAULT, profile_of
from reconciler.kinds.report import BUILTIN
from reconciler.model import Ref


def faults(kind: str, spec: dict) -> list[str]:
    one = registry()[kind]
    made = one.Spec.model_validate(spec, strict=False)
    return [f"{rule.id} {fault.path}" for rule in one.rules for fault in rule.check(Ref.of(kind, "x"), made)]


def test_a_metric_profile_names_a_service_once():
    ce = {"service": "CE", "metrics": ["a", "a"]}
    assert faults("MetricProfile", {"services": [ce]}) == ["metric-profile-once spec.services[0].metrics"]
    twice = {"services": [{"service": "CE", "metrics": ["a"]}, {"service": "CE", "metrics": ["b"]}]}
    assert len(faults("MetricProfile", twice)) == 2


def test_a_service_in_two_functions_is_warned_of():
    groups = [{"name": name, "services": [{"name": "CE"}]} for name in ("one", "two")]
    assert faults("AggregationProfile", {"groups": groups}) == ["aggregation-once spec.groups[1].services[0].name"]


def test_an_operation_without_a_table_is_refused():
    assert faults("AggregationProfile", {"metricOperation": "XOR"}) == ["aggregation-tables spec"]


def test_truth_tables_with_holes_are_refused():
    rows = [{"a": "OK", "b": "OK", "x": "OK"}]
    words = {"down": "OK", "missing": "OK", "unknown": "OK"}
    table = {
        "name": "t",
        "availableStates": ["OK", "BAD"],
        "defaults": words,
        "operations": [{"name": "AND", "truthTable": rows}],
    }
    assert faults("AggregationProfile", {"operations": table}) == ["aggregation-tables spec.operations"]


def test_the_default_is_like_egis():
    made = profile_of("default", DEFAULT)
    assert made.place("ARC-CE") == ("compute", "OR")
    assert made.place("org.openstack.nova") == ("cloud", "OR")
    assert made.place("org.example.any") == ("org.example.any", "OR")
    assert (made.metric_operation, made.profile_operation, made.operation("compute")) == ("AND", "AND", "OR")


def test_a_field_that_a_filter_cannot_name_is_refused():
    one = {"name": "certification", "value": "Certified", "context": "argo.group.filter.fields"}
    assert faults("Report", {"filters": [one]}) == ["report-fields spec.filters[0].name"]
    assert all(faults("Report", spec.model_dump()) == [] for spec in BUILTIN.values())


def test_a_report_does_as_argo_does_unless_told_otherwise():
    assert BUILTIN["Default"].argo.quirks() == ARGO
    told = registry()["Report"].Spec.model_validate({"argo": {"excludedCountsAsDown": False}})
    assert told.argo.quirks().excluded_counts_as_down is False


def test_a_threshold_that_is_none_is_refused():
    rule = {"metric": "m", "thresholds": "time"}
    with pytest.raises(ValidationError, match="Invalid threshold"):
        registry()["Report"].Spec.model_validate({"performance": [rule]}, strict=False)


def test_a_report_comes_after_its_profiles():
    kind = registry()["Report"]
    spec = kind.Spec(metricProfile="m", aggregationProfile="a")
    assert [edge.ref for edge in kind.references(Ref("Report/x"), spec)] == ["MetricProfile/m", "AggregationProfile/a"]


def test_a_recomputation_has_an_end_and_something_to_do():
    day = datetime(2026, 10, 1, tzinfo=UTC)
    spec = {"requester": {"name": "x"}, "reason": "y", "start": day, "end": day}
    assert faults("Recomputation", spec) == ["recomputation-times spec.end", "recomputation-empty spec"]
    with pytest.raises(ValidationError, match="at least one of site"):
        faults("Recomputation", spec | {"appliedStatusChanges": [{"state": "OK"}]})
