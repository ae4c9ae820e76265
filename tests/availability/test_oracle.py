"""A day against a plain reading of the rules: at any second, from the samples themselves, without timelines."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.availability import (
    DAY,
    AggregationProfile,
    Endpoint,
    Function,
    Group,
    Inputs,
    MetricProfile,
    Sample,
    Series,
    computed,
    losses,
)

WORST = ("OK", "WARNING", "UNKNOWN", "MISSING", "DOWNTIME", "CRITICAL")
BEST = ("MISSING", "DOWNTIME", "UNKNOWN", "CRITICAL", "WARNING", "OK")
RANK = {"AND": WORST, "OR": BEST}
HOSTS = {("CE", "a"): ("m", "n"), ("CE", "b"): ("m", "n"), ("ARC", "a"): ("m",), ("SE", "s"): ("p", "q")}
METRICS = MetricProfile("m", {"CE": frozenset("mn"), "ARC": frozenset("m"), "SE": frozenset("pq")})
KEYS = [(service, host, metric) for (service, host), metrics in HOSTS.items() for metric in metrics]
samples = st.dictionaries(
    st.integers(-DAY, DAY - 1), st.sampled_from(("OK", "WARNING", "CRITICAL", "UNKNOWN")), max_size=5
)
operations = st.sampled_from(("AND", "OR"))


def fold(operation: str, states: list[str]) -> str:
    """The one of the highest rank."""
    return max(states, key=RANK[operation].index)


def status(rows: dict[int, str], second: int) -> str:
    """What the last sample at or before a second said: of that day, else the last one of the day before."""
    known = [at for at in rows if at <= second]
    return rows[max(known)] if known else "MISSING"


@settings(max_examples=60, deadline=None)
@given(
    rows=st.fixed_dictionaries(dict.fromkeys(KEYS, samples)),
    metric=operations,
    of_service=operations,
    of_function=operations,
    whole=operations,
    seconds=st.lists(st.integers(0, DAY - 1), min_size=1, max_size=5),
)
def test_a_site_stands_as_the_rules_say(rows, metric, of_service, of_function, whole, seconds):
    compute = Function("compute", of_function, {"CE": of_service, "ARC": of_service})
    profile = AggregationProfile("a", (compute, Function("storage", of_function, {"SE": of_service})), metric, whole)
    inputs = Inputs([Group("N", "S")], [Endpoint("S", *key) for key in HOSTS], METRICS, profile)
    series = [Series(*key, [Sample(at, state) for at, state in some.items()]) for key, some in rows.items()]
    made = computed(series, inputs)

    def endpoint(service: str, host: str, second: int) -> str:
        return fold(metric, [status(rows[service, host, name], second) for name in HOSTS[service, host]])

    def service(name: str, second: int) -> str:
        return fold(of_service, [endpoint(*key, second) for key in HOSTS if key[0] == name])

    changes = {at for some in rows.values() for at in some if at >= 0}
    for second in {0, *seconds, *changes}:
        functions = [fold(of_function, [service("CE", second), service("ARC", second)]), service("SE", second)]
        assert made.groups["S"].at(second) == fold(whole, functions)
    lost = sum(one.end - one.start for one in losses(made, "S"))
    spent = made.groups["S"].seconds()
    assert lost == DAY - spent.get("OK", 0) - spent.get("WARNING", 0)
    assert all(loss.blames for loss in losses(made, "S"))
