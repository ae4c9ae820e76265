"""The inventory: what is held, in light and heavy columns, and the book-keeping that needs no action."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.errors import RecordsError
from reconciler.model import BookKeeping, Edge, Ref, Target, digest_of, encode
from reconciler.records.holdings import LIGHT
from reconciler.records.store import open_store
from tests.records.making import OTHER, ZONE, action, book, do, name


def test_details_and_outputs_come_for_as_many_as_are_asked_for(store):
    actions = [action(ref=name(n)) for n in range(2500)]
    do(store, *actions)
    asked = [a.ref for a in actions] + [name("nowhere")]
    assert store.inventory.details(asked).keys() == store.inventory.outputs(asked).keys() == {a.ref for a in actions}
    assert store.inventory.outputs([name(7)]) == {name(7): {"address": "192.0.2.1"}}
    assert store.inventory.details([]) == {}


def test_only_rows_with_choices_are_read_for_choices(store):
    do(store, action(ref=name(1)))
    do(store, action(ref=name(2)), books=book(action(ref=name(2)), choices={}))
    assert store.inventory.choices() == {name(1): {"spec.site": ("A", "B")}}


def test_book_keeping_changes_without_an_action(store):
    do(store, action())
    before = store.inventory.entries()[name()]
    edge = Edge(Ref("Site/B"))
    fresh = BookKeeping(
        Target(ZONE.id, "rfc2136", {"server": "127.0.0.1"}),
        source="ignored",
        lifecycle={"deletionPolicy": "retain"},
        edges=(edge,),
        choices={},
        file="elsewhere.yaml",
        meta_digest="4" * 32,
    )
    store.inventory.sync({name(): fresh, name("nowhere"): fresh})
    assert store.inventory.entries() == {name(): before._replace(meta_digest="4" * 32)}
    details = store.inventory.details([name()])[name()]
    assert (details.driver, details.options) == ("rfc2136", {"server": "127.0.0.1"})
    assert (details.lifecycle, details.edges, details.choices) == ({"deletionPolicy": "retain"}, (edge,), {})
    assert (details.owner, details.file, details.content) == (None, "elsewhere.yaml", encode({"ttl": 300}))


def test_book_keeping_never_says_that_a_resource_stands_elsewhere(store):
    do(store, action())
    store.inventory.sync({name(): BookKeeping(OTHER, meta_digest="4" * 32)})
    details = store.inventory.details([name()])[name()]
    assert (details.target, details.options) == (ZONE.id, ZONE.options)


@pytest.mark.parametrize(("ttl", "generation"), [(300, 1), (60, 2)])
def test_what_was_found_to_be_as_wanted_counts_as_applied(store, ttl, generation):
    do(store, action())
    content = encode({"ttl": ttl})
    store.inventory.sync({name(): BookKeeping(ZONE, source="6" * 32, content=content)}, "e" * 40)
    [entry] = store.inventory.entries().values()
    digest = digest_of(content)
    assert (entry.digest, entry.observed_digest, entry.source) == (digest, digest, "6" * 32)
    assert entry.generation == generation
    assert store.inventory.details([name()])[name()].commit == "e" * 40


def test_what_was_seen_is_noted_in_bulk(store):
    do(store, *(action(ref=name(n)) for n in range(3)))
    store.inventory.observed({name(0): "a" * 32, name(1): "", name("nowhere"): "b" * 32})
    seen = {ref: entry.observed_digest[:1] for ref, entry in store.inventory.entries().items()}
    assert seen == {name(0): "a", name(1): "", name(2): digest_of(encode({"ttl": 300}))[0]}


def test_books_of_a_resource_are_kept_as_it_was_declared():
    from tests.federation import resource

    declared = resource(
        "DNSRecord/vo-x/www", {"zone": "x.example.", "name": "www", "type": "A", "values": ["192.0.2.1"]}
    )
    kept = BookKeeping.of(declared, ZONE, {"site": ("A",)})
    assert (kept.source, kept.edges, kept.file) == (declared.digest, declared.edges, declared.location.file)
    assert kept.lifecycle["mode"] == "enforce"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(options=st.dictionaries(st.text(min_size=1, max_size=8), _JSON, max_size=3))
def test_options_come_back_as_they_were_given(store, options):
    try:
        encode(options)
    except TypeError:
        return  # what cannot stand in a manifest's JSON cannot get here either
    do(store, action(), books=book(action(), target=Target(ZONE.id, "x", options)))
    assert store.inventory.details([name()])[name()].options == options


def test_a_hundred_thousand_rows_are_read(tmp_path):
    with open_store(f"sqlite:///{tmp_path}/hanse.db", lambda: datetime.now(UTC)) as store:
        rows = [
            {"ref": str(name(n)), "uid": f"{n:032x}", "generation": 1, "target": ZONE.id}
            | dict.fromkeys(("digest", "observed_digest", "meta_digest", "source"), "d" * 32)
            for n in range(100_000)
        ]
        with store.database.writing() as connection:
            connection.execute(LIGHT.insert(), rows)
        entries = store.inventory.entries()
        assert len(entries) == 100_000
        assert isinstance(next(iter(entries)), Ref)


def test_a_damaged_file_is_a_records_error_and_not_half_an_inventory(tmp_path, clock):
    file = tmp_path / "hanse.db"
    with open_store(f"sqlite:///{file}", clock) as store:
        do(store, *(action(ref=name(n)) for n in range(2000)))
    pages = bytearray(file.read_bytes())
    for start in range(60 * 4096, len(pages), 4096):
        pages[start : start + 64] = b"?" * 64
    file.write_bytes(pages)
    with pytest.raises(RecordsError, match="malformed"), open_store(f"sqlite:///{file}", clock) as store:
        store.inventory.entries()


def test_a_broken_database_is_a_records_error(url, clock):
    with open_store(url, clock) as store:
        with store.database.writing() as connection:
            connection.exec_driver_sql("DROP TABLE inventory_details")
            connection.exec_driver_sql("DROP TABLE inventory")
        with pytest.raises(RecordsError, match="inventory"):
            store.inventory.entries()
