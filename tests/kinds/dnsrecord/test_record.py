"""Records in a zone: put, observed, changed, removed, against a master file, a real BIND and a real PowerDNS."""

from __future__ import annotations

import pytest

from reconciler.errors import Conflict, OutcomeUnknown, Transient
from reconciler.kinds.dnsrecord import KIND, DNSRecordSpec
from reconciler.kinds.dnsrecord.reading import Zone
from reconciler.model import Absent, Change, Done, Failed, Present, Reason, Ref, Target, Wanted, encode
from reconciler.ports import RRset, ZoneChange

UID, OTHER = "a" * 32, "b" * 32


class World:
    """A zone as the kind is handed it. ``spoil`` runs just before a message is sent."""

    def __init__(self, zone) -> None:
        self.zone = zone
        self.port = zone.open()
        self.target = Target(f"dns:{zone.name}", "any", {})
        self.messages: list[int] = []
        self.spoil = lambda: None

    def dns(self, target):
        assert target is self.target
        return self

    def read(self, token=""):
        return self.port.read(token)

    def change(self, changes):
        self.messages.append(len(changes))
        self.spoil()
        self.port.change(changes)

    # -- what tests say -------------------------------------------------------------------------------------------

    def spec(self, name="www", *values, **fields):
        given = {"zone": self.zone.name, "name": name, "values": values or ("192.0.2.10",), **fields}
        return KIND.canonical(DNSRecordSpec.model_validate_json(encode(given)))

    def put(self, *changes):
        return KIND.put(self.target, changes, self)

    def remove(self, *changes):
        return KIND.remove(self.target, changes, self)

    def observe(self, *wanted, token=""):
        return KIND.observe(self.target, wanted, self, token)

    def look(self, spec, uid=UID):
        return self.observe(Wanted(ref(), uid, spec)).results[ref()]

    def held(self, name="www", rdtype="A"):
        return self.port.read().rrsets.get((f"{name}.{self.zone.name}", rdtype))


@pytest.fixture
def world(zone):
    return World(zone)


def ref(name="www"):
    return Ref(f"DNSRecord/tides/{name}")


def change(spec, uid=UID, name="www", before=None):
    return Change(ref(name), uid, 1, spec, before)


KINDS_OF_RECORDS = [
    ("www", ("192.0.2.10", "192.0.2.9"), {"ttl": 300}),
    ("www", ("2001:DB8::1",), {"type": "AAAA"}),
    ("*.vo", ("WWW.example.org.",), {"type": "CNAME"}),
    ("@", ("v=spf1 -all", "x" * 700, '"a" "b"', 'say "hi"; \\'), {"type": "TXT"}),
    ("_xroot._tcp", ("10 60 1094 s1.example.org.",), {"type": "SRV"}),
    ("@", ('0 issue "ca.example.org"',), {"type": "CAA"}),
    ("bücher", ("192.0.2.10",), {}),
]


@pytest.mark.parametrize(("name", "values", "fields"), KINDS_OF_RECORDS)
def test_what_is_put_is_observed_with_the_same_digest(world, name, values, fields):
    spec = world.spec(name, *values, **fields)
    assert isinstance(world.look(spec), Absent)
    answer = world.put(change(spec))[ref()]
    assert answer == Done({"fqdn": spec.fqdn[:-1], "values": list(spec.values)})
    seen = world.look(spec)
    assert isinstance(seen, Present)
    assert (seen.digest, seen.owned, seen.uid, seen.spec) == (spec.digest(), True, UID, spec)
    assert seen.outputs == answer.outputs


@pytest.mark.parametrize(("name", "values", "fields"), KINDS_OF_RECORDS)
def test_a_second_put_sends_nothing_and_a_remove_may_be_repeated(world, name, values, fields):
    spec = world.spec(name, *values, **fields)
    world.put(change(spec))
    world.messages.clear()
    assert isinstance(world.put(change(spec))[ref()], Done)
    assert world.messages == []
    assert world.remove(change(spec, before=spec)) == {ref(): Done()}
    assert isinstance(world.look(spec), Absent)
    assert world.remove(change(spec, before=spec)) == {ref(): Done()}
    assert world.messages == [1]


def test_values_and_ttl_change_in_place(world):
    world.put(change(world.spec("www", "192.0.2.1", ttl=300)))
    slow = world.spec("www", "192.0.2.1", "192.0.2.2", ttl=600)
    assert isinstance(world.look(slow), Present)
    assert world.look(slow).digest != slow.digest()
    assert isinstance(world.put(change(slow))[ref()], Done)
    assert world.look(slow).digest == slow.digest()


def test_a_value_taken_from_another_is_observed_as_if_it_stood_there(world):
    source = {"kind": "VirtualCluster", "name": "hub", "output": "frontend_address"}
    given = {"zone": world.zone.name, "name": "hub", "valuesFrom": source}
    open_ = KIND.canonical(DNSRecordSpec.model_validate_json(encode(given)))
    waiting = world.put(change(open_))[ref()]
    assert (waiting.fate, world.messages) == ("transient", [])
    full = KIND.fill(open_, {"spec.valuesFrom": "192.0.2.77"})
    world.put(change(full))
    assert world.look(open_).digest == full.digest() == world.look(full).digest


def test_a_batch_is_one_look_and_one_message(world):
    specs = [world.spec(f"h{n}", f"10.0.0.{n}") for n in range(200)]
    answers = world.put(*(change(s, f"{n:032x}", f"h{n}") for n, s in enumerate(specs)))
    assert all(isinstance(a, Done) for a in answers.values())
    assert (len(answers), world.messages) == (200, [200])
    reading = world.observe(*(Wanted(ref(f"h{n}"), f"{n:032x}", s) for n, s in enumerate(specs)))
    assert {r: p.digest for r, p in reading.results.items()} == {ref(f"h{n}"): s.digest() for n, s in enumerate(specs)}
    assert reading.strays == ()


def test_a_record_of_somebody_else_is_seen_as_such_and_not_touched(world):
    spec = world.spec("static", "192.0.2.50")
    seen = world.look(spec)
    assert (seen.owned, seen.uid) == (False, "")
    for answers in (world.put(change(spec)), world.remove(change(spec, before=seen.spec))):
        answer = answers[ref()]
        assert (answer.fate, answer.reason) == ("conflict", Reason.ADOPTION_CONFLICT)
        assert "somebody else" in answer.message
    assert world.messages == []
    assert world.held("static").values == ("192.0.2.1",)


def test_a_record_of_another_resource_is_seen_as_such_and_not_touched(world):
    spec = world.spec()
    world.put(change(spec, OTHER))
    assert world.look(spec).uid == OTHER
    answer = world.put(change(spec))[ref()]
    assert (answer.fate, answer.reason) == ("conflict", Reason.ADOPTION_CONFLICT)
    assert world.remove(change(spec, before=spec)) == {ref(): Done()}
    assert world.held().uid == OTHER


def test_the_culprit_alone_fails_and_the_others_are_done(world):
    good = [change(world.spec(f"h{n}"), f"{n:032x}", f"h{n}") for n in range(5)]
    bad = change(world.spec("static"), UID, "static")
    ill = change(world.spec("ill", "not-an-address"), OTHER, "ill")
    answers = world.put(*good, bad, ill)
    assert answers[ref("static")].reason is Reason.ADOPTION_CONFLICT
    assert (answers[ref("ill")].fate, world.held("ill")) == ("terminal", None)
    assert all(isinstance(answers[c.ref], Done) for c in good)


def test_a_record_made_between_look_and_message_fails_alone(world):
    done = []

    def spoil():
        if not done:
            done.append(world.zone.by_hand(f"add h3.{world.zone.name} 300 A 192.0.2.99"))

    world.spoil = spoil
    changes = [change(world.spec(f"h{n}"), f"{n:032x}", f"h{n}") for n in range(8)]
    answers = world.put(*changes)
    assert [r.name for r, a in answers.items() if isinstance(a, Failed)] == ["h3"]
    assert answers[ref("h3")].reason is Reason.ADOPTION_CONFLICT
    assert all(world.held(f"h{n}").uid == f"{n:032x}" for n in range(8) if n != 3)


def test_what_the_server_refuses_fails_alone(world):
    class Picky:
        def change(self, changes):
            from reconciler.errors import Terminal

            if any(c.rrset.type == "CAA" for c in changes):
                raise Terminal("REFUSED")
            world.port.change(changes)

        def read(self, token=""):
            return world.port.read(token)

    world.dns = lambda target: Picky()
    caa = change(world.spec("caa", '0 issue "x"', type="CAA"), OTHER, "caa")
    answers = world.put(*(change(world.spec(f"h{n}"), f"{n:032x}", f"h{n}") for n in range(6)), caa)
    assert [r.name for r, a in answers.items() if isinstance(a, Failed)] == ["caa"]
    assert answers[ref("caa")].fate == "terminal"


@pytest.mark.parametrize(
    ("error", "fate"), [(Transient("x", retry_after=3), "transient"), (OutcomeUnknown("x"), "unknown")]
)
def test_a_failed_message_is_the_answer_of_every_change_in_it(world, error, fate):
    def spoil():
        raise error

    world.spoil = spoil
    answers = world.put(change(world.spec("a"), UID, "a"), change(world.spec("b"), OTHER, "b"))
    assert {a.fate for a in answers.values()} == {fate}
    assert world.messages == [2]


def test_a_zone_that_moves_all_the_time_ends_as_a_conflict(world):
    def spoil():
        raise Conflict("again")

    world.spoil = spoil
    answers = world.put(*(change(world.spec(f"h{n}"), f"{n:032x}", f"h{n}") for n in range(4)))
    assert {a.fate for a in answers.values()} == {"conflict"}


@pytest.mark.parametrize("first", ["CNAME", "A"])
def test_a_cname_and_an_address_do_not_meet(world, first):
    specs = {"CNAME": world.spec("www", "x.example.", type="CNAME"), "A": world.spec("www", "192.0.2.1")}
    second = specs["A" if first == "CNAME" else "CNAME"]
    world.put(change(specs[first], OTHER))
    answer = world.put(change(second))[ref()]
    assert (answer.fate, answer.reason) == ("conflict", None)
    assert "stands alone" in answer.message
    assert world.held("www", second.type) is None
    world.remove(change(specs[first], OTHER, before=specs[first]))
    assert isinstance(world.put(change(second))[ref()], Done)


def test_a_record_taken_over_on_purpose_gets_its_mark(world):
    seen = world.look(world.spec("static", "192.0.2.50")).spec
    again = DNSRecordSpec.model_validate_json(seen.canonical())
    assert isinstance(world.put(change(again, before=again))[ref()], Done)
    assert world.look(seen).owned
    assert world.held("static").uid == UID


def test_a_record_that_changed_since_it_was_taken_over_is_not_touched(world):
    seen = world.look(world.spec("static", "192.0.2.50")).spec
    world.zone.by_hand(f"add static.{world.zone.name} 300 A 192.0.2.77")
    assert world.put(change(seen, before=seen))[ref()].reason is Reason.ADOPTION_CONFLICT


def test_what_a_person_put_with_a_ttl_out_of_bounds_can_be_told_and_stored(world):
    world.zone.by_hand(f"add short.{world.zone.name} 5 A 192.0.2.5")
    seen = world.look(world.spec("short")).spec
    assert seen.ttl == 5
    assert DNSRecordSpec.model_validate_json(seen.canonical()) == seen


def test_a_record_under_its_former_name_is_found_by_its_mark(world):
    old, new = world.spec("old"), world.spec("new")
    world.put(change(old))
    seen = world.look(new)
    assert isinstance(seen, Present)
    assert (seen.spec, seen.uid) == (old, UID)
    assert seen.digest != new.digest()


def test_a_record_whose_values_were_taken_away_is_absent_and_can_be_made_again(world):
    spec = world.spec()
    world.put(change(spec))
    world.zone.by_hand(f"delete www.{world.zone.name} A")
    reading = world.observe(Wanted(ref(), UID, spec))
    assert isinstance(reading.results[ref()], Absent)
    assert reading.strays == ()
    assert isinstance(world.put(change(spec))[ref()], Done)
    assert world.look(spec).digest == spec.digest()


def test_a_lone_mark_of_another_is_a_stray_and_gives_way(world):
    spec = world.spec()
    world.put(change(spec, OTHER))
    world.zone.by_hand(f"delete www.{world.zone.name} A")
    reading = world.observe(Wanted(ref(), UID, spec))
    assert [s.uid for s in reading.strays] == ([OTHER] if world.zone.lone_marks else [])
    assert isinstance(world.put(change(spec))[ref()], Done)
    assert world.look(spec).uid == UID


def test_a_mark_wanted_by_nobody_is_a_stray(world):
    world.put(change(world.spec("www")), change(world.spec("left"), OTHER, "left"))
    (stray,) = world.observe(Wanted(ref(), UID, world.spec())).strays
    assert (stray.uid, stray.kind, stray.target) == (OTHER, "DNSRecord", world.target.id)
    assert stray.name == f"left.{world.zone.name} A"


def test_drift_by_hand_shows_and_is_repaired(world):
    spec = world.spec()
    world.put(change(spec))
    world.zone.by_hand(f"add www.{world.zone.name} 300 A 192.0.2.99")
    seen = world.look(spec)
    assert seen.spec.values == ("192.0.2.10", "192.0.2.99")
    world.put(change(spec, before=seen.spec))
    assert world.look(spec).digest == spec.digest()


def test_an_unchanged_zone_is_not_looked_through(world):
    spec = world.spec()
    world.put(change(spec))
    token = world.observe(Wanted(ref(), UID, spec)).token
    again = world.observe(Wanted(ref(), UID, spec), token=token)
    assert (again.unchanged, again.results, again.token) == (True, {}, token)


def test_a_zone_that_cannot_be_read_is_an_error(world):
    def broken(token=""):
        raise Transient("no answer")

    world.read = broken
    for attempt in (lambda: world.look(world.spec()), lambda: world.put(change(world.spec()))):
        with pytest.raises(Transient):
            attempt()


def test_the_port_is_given_what_it_promises_to_give_back(world):
    spec = world.spec("@", "long " * 100, type="TXT")
    world.put(change(spec))
    held = world.port.read().rrsets[world.zone.name, "TXT"]
    assert held.values == (f'"{("long " * 51)}" "{("long " * 49)}"',)
    world.port.change([ZoneChange(None, RRset(held.name, "TXT", 1, held.values, UID), UID)])
    assert isinstance(world.look(spec), Absent)


@pytest.mark.parametrize(
    ("rdtype", "name", "value", "there"),
    [
        ("CNAME", "alias", "static.{zone}", True),
        ("CNAME", "alias", "gone.{zone}", False),
        ("CNAME", "alias", "a.b.gone.{zone}", False),
        ("CNAME", "alias", "{zone}", True),
        ("CNAME", "alias", "www.elsewhere.example.", True),
        ("CNAME", "alias", "any.wild.{zone}", True),
        ("CNAME", "alias", "x.static.{zone}", False),
        ("CNAME", "alias", "www.handed-on.{zone}", True),
        ("SRV", "_x._tcp", "1 2 443 gone.{zone}", False),
        ("SRV", "_x._tcp", "0 0 0 .", True),
    ],
)
def test_a_record_that_leads_nowhere_is_not_healthy_and_left_as_it_is(rdtype, name, value, there):
    zone = "fed.example."
    rows = [("static", "A", "192.0.2.1"), ("*.wild", "A", "192.0.2.2"), ("handed-on", "NS", "ns.elsewhere.example.")]
    rrsets = {(f"{n}.{zone}", t): RRset(f"{n}.{zone}", t, 300, (v,)) for n, t, v in rows}
    rrsets[zone, "SOA"] = RRset(zone, "SOA", 300, ("x",))
    spec = KIND.canonical(DNSRecordSpec(zone=zone, name=name, type=rdtype, values=(value.format(zone=zone),)))
    rrsets[spec.fqdn, rdtype] = RRset(spec.fqdn, rdtype, 3600, spec.values, UID)
    seen = Zone(rrsets).look(Wanted(ref(), UID, spec))
    assert seen.healthy is there
    assert seen.digest == spec.digest()
    assert seen.note == ("" if there else f"leads to {spec.values[0].rpartition(' ')[2]}, which is not in the zone")
