"""Who follows reconciling is told each change of state once, in one message; nothing of what is in a downtime."""

from __future__ import annotations

import email
import json
import socket
import threading
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from aiosmtpd.controller import Controller

from reconciler.daemon.alarming import Alarms
from reconciler.daemon.digests import Digests, Seen, Subscription, compared, digests, written
from reconciler.daemon.notifying import Notifier, tried, words
from reconciler.daemon.quiet import Quiet
from reconciler.daemon.standing import Fact, of_conditions
from reconciler.drivers import apprising
from reconciler.errors import SettingsError, Terminal, Transient
from reconciler.kinds.downtime import DowntimeSpec
from reconciler.kinds.site import SiteSpec
from reconciler.kinds.window import WindowSpec
from reconciler.model import Condition, ConditionType, Edge, Event, Ref, Verb, encode
from reconciler.records.notices import Told
from reconciler.records.store import open_store
from reconciler.settings import NotifySettings, Settings
from tests.daemon.test_alarming import seen as probed
from tests.daemon.test_alarming import state
from tests.daemon.test_notifying import consumer
from tests.federation import resource as manifest
from tests.real.waiting import PATIENCE

__all__ = ["consumer"]
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
WWW, CLUSTER, OTHER = Ref("DNSRecord/tides/www"), Ref("VirtualCluster/tides/web"), Ref("DNSRecord/ocean/www")
EVENTS = ["not-ready", "drift", "blocked", "failed", "leader", "source"]
PAGE = "https://hanse.example.org"


def settings(**more) -> NotifySettings:
    given = {"name": "ops", "url": "http://127.0.0.1:1/", "events": EVENTS, **more}
    return NotifySettings.model_validate(given, strict=False)


def unready(ref=WWW, why="QuotaExceeded") -> Fact:
    return Fact("not-ready", ref, "not ready", f"{ref} is not ready: {why}")


def drifted(ref=WWW) -> Fact:
    return Fact("drift", ref, "drifted", f"{ref} has drifted: ttl")


def resource(target="", spec=None, *edges):
    return SimpleNamespace(target=target, spec=spec, edges=edges, labels={}, annotations={})


DECLARED = {
    WWW: resource("dns:example.org.", None, Edge(CLUSTER, "ready")),
    CLUSTER: resource("compute:NORTH/nova"),
    OTHER: resource("dns:ocean.example.org."),
}


def seen(*facts, leader="a@one, process 1", now=NOW, **manifests) -> Seen:
    declared = DECLARED | {Ref(f"{kind}/{number}"): one for kind, some in manifests.items() for number, one in some}
    return Seen(facts, leader, declared, Quiet(declared, now), now)


def event(number, state="done", reason="DriftDetected", ref=WWW, at=NOW) -> Event:
    return Event(
        number, at, "r", ref, Verb.UPDATE, state, reason, "said", "t", "u", 1, "", "", "me", "c", "p", "o", 0.1
    )


class Subscriber:
    """Remembers as the records do."""

    def __init__(self, **more):
        self.settings, self.told = (
            settings(**more),
            {"cursor": Told("0", NOW), "leader ": Told("a@one, process 1", NOW)},
        )

    def look(self, *facts, events=(), **more) -> list[str]:
        found = compared(self.settings, looked := seen(*facts, **more), self.told, events)
        self.told |= {subject: Told(state, looked.now) for subject, state in found.told.items()}
        for subject in found.over:
            self.told.pop(subject, None)
        return [fact.said for fact in found.facts]


def test_a_change_of_state_is_told_once_and_so_is_its_end():
    ops = Subscriber()
    assert ops.look(unready()) == [f"{WWW} is not ready: QuotaExceeded"]
    assert ops.look(unready(why="NoPlace")) == []
    assert ops.look() == [f"{WWW} is ready again"]
    assert ops.look() == []


def test_what_is_declared_no_more_is_forgotten_in_silence():
    ops, gone = Subscriber(), Ref("DNSRecord/tides/gone")
    assert ops.look(unready(gone)) != []
    assert ops.look() == []
    assert f"not-ready {gone}" not in ops.told


def test_what_stays_so_is_told_again_only_where_that_is_asked_for():
    quiet, insistent = Subscriber(), Subscriber(remind_hours=2)
    for ops in (quiet, insistent):
        ops.look(drifted())
        assert ops.look(drifted(), now=NOW + timedelta(hours=1)) == []
    assert quiet.look(drifted(), now=NOW + timedelta(days=9)) == []
    later = {"now": NOW + timedelta(hours=3)}
    assert insistent.look(drifted(), **later) == [f"still: {WWW} has drifted: ttl"]
    assert insistent.look(drifted(), **later) == []


def test_a_subscriber_is_told_of_its_namespaces_kinds_and_events_only():
    assert Subscriber(namespaces=["tides"]).look(drifted(), drifted(OTHER)) == [f"{WWW} has drifted: ttl"]
    assert Subscriber(kinds=["Virtual*"]).look(drifted(), unready(CLUSTER)) == [
        f"{CLUSTER} is not ready: QuotaExceeded"
    ]
    assert Subscriber(events=["drift"]).look(drifted(), unready()) == [f"{WWW} has drifted: ttl"]
    assert Subscriber(namespaces=["tides"]).look(drifted(Ref("VO/x"))) == []


def test_drift_that_is_mended_at_once_is_told_too_but_not_each_time():
    ops = Subscriber()
    mended = f"{WWW} had drifted and was mended"
    assert ops.look(events=[event(1)]) == [mended]
    assert ops.look(events=[event(2)]) == []
    assert ops.look(events=[event(3)], now=NOW + timedelta(hours=2)) == [mended]
    assert ops.look(drifted()) == [f"{WWW} has drifted: ttl"]
    assert ops.look(events=[event(4)], now=NOW + timedelta(hours=4)) == [mended]
    assert not [subject for subject in ops.told if subject.startswith("drift ")]


def test_an_action_that_fails_again_and_again_is_told_once_until_it_succeeds():
    ops = Subscriber()
    failed = [f"{WWW}: update failed: said"]
    assert ops.look(events=[event(1, "failed", "TargetUnreachable"), event(2, "failed", "TargetUnreachable")]) == failed
    assert ops.look(events=[event(3, "failed", "TargetUnreachable")]) == []
    assert ops.look(events=[event(4, reason="SpecChanged")]) == []
    assert ops.look(events=[event(5, "failed", "TargetUnreachable")]) == failed


def test_another_leader_is_told_and_the_first_one_is_not():
    ops = Subscriber()
    assert ops.look(leader="b@two, process 2") == ["b@two, process 2 leads now; before it was a@one, process 1"]
    assert ops.look(leader="b@two, process 2") == []
    ops.told.clear()
    assert ops.look(leader="c@three, process 3") == []


def test_a_head_that_is_not_in_force_is_told_of_and_when_it_is_again():
    ops = Subscriber(namespaces=["tides"])
    withheld = Fact("source", "main", "c" * 40, "cccc of main is not in force: it is not signed")
    assert ops.look(withheld) == [withheld.said]
    assert ops.look(withheld) == []
    assert ops.look() == ["the head of main is in force again"]


def site():
    services = [{"name": "nova", "type": "org.openstack.nova", "hostname": "nova.example.org"}]
    clouds = [{"name": "nova", "endpoint": "https://nova.example.org:5000/v3", "driver": "openstack"}]
    return SiteSpec.model_validate_json(encode({"services": services, "clouds": clouds}))


def downtime(severity="OUTAGE"):
    return DowntimeSpec.model_validate_json(
        encode(
            {
                "description": "new racks",
                "severity": severity,
                "start": "2026-11-22T11:00:00Z",
                "end": "2026-11-22T13:00:00Z",
                "affects": [{"site": "NORTH"}],
            }
        )
    )


def down(severity="OUTAGE"):
    return {
        "Site": [("NORTH", resource("registry:sites", site()))],
        "Downtime": [("1", resource("", downtime(severity)))],
    }


@pytest.mark.parametrize("severity", ["OUTAGE", "WARNING"])
def test_in_a_downtime_nothing_is_told_of_the_site_nor_of_what_rests_on_it(severity):
    told = Subscriber().look(
        unready(CLUSTER), unready(WWW), unready(OTHER), events=[event(1, "failed")], **down(severity)
    )
    assert told == [f"{OTHER} is not ready: QuotaExceeded"]


def test_what_still_differs_after_a_downtime_is_told_then():
    ops, after = Subscriber(), NOW + timedelta(hours=1)
    assert ops.look(drifted(CLUSTER), **down()) == []
    assert ops.look(drifted(CLUSTER), now=after, **down()) == [f"{CLUSTER} has drifted: ttl"]


def test_what_was_so_in_a_downtime_only_is_never_told():
    ops = Subscriber()
    ops.look(drifted(CLUSTER), **down())
    assert ops.look(now=NOW + timedelta(hours=1), **down()) == []


def test_what_is_well_again_in_a_downtime_is_told_when_it_is_over():
    ops = Subscriber()
    ops.look(drifted(CLUSTER))
    assert ops.look(**down()) == []
    assert ops.look(now=NOW + timedelta(hours=1), **down()) == [f"{CLUSTER} is as git says again"]


def declared(downtime_of):
    """A cluster on a cloud of a site, its name, and another name, as manifests declare them."""
    cluster = {
        "vo": "vo.example.org",
        "site": "NORTH",
        "cloud": "nova",
        "frontend": {"cpus": 1, "ramMiB": 1024, "image": "debian-12"},
        "workers": [{"name": "w", "count": 1, "cpus": 1, "ramMiB": 1024, "image": "debian-12"}],
    }
    name = {"zone": "example.org", "name": "www"}
    lead = {"kind": "VirtualCluster", "name": "web", "output": "frontend_address"}
    found = [
        manifest("VirtualCluster/tides/web", cluster),
        manifest("DNSRecord/tides/www", {**name, "valuesFrom": lead}),
        manifest("DNSRecord/ocean/www", {**name, "type": "A", "values": ["192.0.2.1"]}),
    ]
    north = {Ref("Site/NORTH"): resource("registry:sites", site())}
    return {one.ref: one for one in found} | north | {Ref("Downtime/1"): resource("", downtime_of)}


@pytest.mark.parametrize("affects", [{"site": "NORTH"}, {"site": "NORTH", "services": ["nova"]}])
def test_what_manifests_declare_on_a_site_in_downtime_is_quiet(affects):
    given = downtime().model_dump(mode="json") | {"affects": [affects]}
    resources = declared(DowntimeSpec.model_validate_json(encode(given)))
    assert {ref for ref in DECLARED if Quiet(resources, NOW)(ref)} == {CLUSTER, WWW}
    assert {ref for ref in DECLARED if Quiet(resources, NOW + timedelta(hours=2))(ref)} == set()


def window(kind="deny", **scope):
    given = {"type": kind, "schedule": "0 * * * *", "minutes": 30, "scope": scope, "reason": "works"}
    return {"Window": [("1", resource("", WindowSpec.model_validate_json(encode(given))))]}


def test_a_window_that_forbids_every_change_is_quiet_and_others_are_not():
    assert Subscriber().look(drifted(), drifted(OTHER), **window(namespaces=["tides"])) == [f"{OTHER} has drifted: ttl"]
    assert Subscriber().look(drifted(), **window(namespaces=["tides"], actions=["delete"])) != []
    assert Subscriber().look(drifted(), **window("allow", namespaces=["tides"])) != []
    over = NOW + timedelta(minutes=40)
    assert Subscriber().look(drifted(), now=over, **window(namespaces=["tides"])) != []


def condition(kind, status, reason, message=""):
    return Condition(kind, status, reason, message, NOW)


def test_conditions_are_put_into_words_and_what_is_held_on_purpose_is_well():
    standing = {
        WWW: (
            condition(ConditionType.READY, "True", "ThresholdExceeded"),
            condition(ConditionType.IN_SYNC, "False", "DriftDetected", "spec.ttl"),
            condition(ConditionType.PROTECTED, "True", "ThresholdExceeded", "12 deletes"),
        ),
        CLUSTER: (condition(ConditionType.READY, "False", "SiteInDowntime"),),
        OTHER: (condition(ConditionType.READY, "Unknown", "TargetUnreachable", "silence"),),
    }
    assert [fact.said for fact in of_conditions(standing)] == [
        f"{OTHER} is not ready: TargetUnreachable: silence",
        f"{WWW} has drifted: spec.ttl",
        f"{WWW} waits for a person: ThresholdExceeded: 12 deletes",
    ]


def test_a_message_names_what_has_changed_and_leads_there():
    told = written([unready(), drifted(), Fact("source", "main", "c", "main is not in force")], PAGE)
    assert told["title"] == "Hanse: 1 not ready, 1 drifted, 1 source not in force"
    assert f"- {WWW} is not ready: QuotaExceeded\n  {PAGE}/resources/DNSRecord/tides/www\n" in told["text"]
    assert [one["link"] for one in told["changes"]][-1] == f"{PAGE}/"
    many = written([unready(Ref(f"VO/v{number}")) for number in range(100)], PAGE)
    assert many["text"].endswith(f"and 60 more: {PAGE}/")
    assert (len(many["changes"]), many["more"]) == (100, 0)
    assert written([unready()] * 1200)["more"] == 200


def test_what_others_have_said_is_one_line_of_some_length():
    said = condition(ConditionType.READY, "False", "Failed", "first\nsecond\x1b[31m " + "x" * 20 + " word" * 200)
    (fact,) = of_conditions({WWW: (said,)})
    assert fact.said.startswith(f"{WWW} is not ready: Failed: first second [31m x")
    assert len(fact.said) <= 400


@pytest.fixture
def store(tmp_path):
    with open_store(f"sqlite:///{tmp_path}/hanse.db", lambda: NOW) as found:
        yield found


def test_a_message_that_does_not_arrive_is_sent_again_and_a_restart_tells_nothing_twice(store, consumer):
    hook, clock, outcomes = settings(url=consumer.url, secret={"env": "KEY"}), [1000.0], []

    def subscribed():
        return Subscription(hook, store, lambda _ref: "key", PAGE, lambda *one: outcomes.append(one), lambda: clock[0])

    consumer.refuse = 1
    first = subscribed()
    first.look(seen(drifted()))
    assert not first.due()
    clock[0] += 2
    first.look(seen(drifted(), unready(OTHER)))
    subscribed().look(seen(drifted(), unready(OTHER)))
    bodies = [json.loads(body) for status, _, body in consumer.told if status == 204]
    assert [[one["about"] for one in body["data"]["changes"]] for body in bodies] == [[OTHER, WWW]]
    assert bodies[0]["type"] == "hanse.digest"
    assert outcomes == [("ops", "failed"), ("ops", "sent")]
    assert not first.due()
    clock[0] += 60
    assert first.due()


def test_what_happened_before_somebody_subscribed_is_not_told(store, consumer):
    subscriber = Subscription(settings(url=consumer.url), store, lambda _ref: "key")
    subscriber.look(seen())
    assert consumer.told == []
    assert store.notices.told("ops").keys() == {"cursor", "leader "}


def test_two_subscriptions_of_one_name_are_refused(store):
    with pytest.raises(SettingsError, match="two are called ops"):
        Digests([Subscription(settings(), store, str), Subscription(settings(), store, str)], store)


def test_the_page_is_where_people_reach_it(store):
    given = Settings.model_validate({"notify": [settings().model_dump()], "web": {"url": f"{PAGE}/"}}, strict=False)
    (one,) = digests(given, store, str, print).subscriptions
    assert one.page == PAGE


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": None},
        {"apprise": {"env": "A"}},
        {"name": ""},
        {"probes": "*"},
        {"events": ["weather"]},
        {"apprise": "mailto://me:secret@example.org", "url": None},
    ],
)
def test_settings_that_cannot_be_meant_are_refused(wrong):
    with pytest.raises(ValueError, match=r"."):
        settings(**wrong)


class Post:
    """A mail server that keeps what comes in."""

    def __init__(self):
        self.mails, self.come = [], threading.Event()

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 (as aiosmtpd calls it)
        self.mails.append(envelope)
        self.come.set()
        return "250 OK"


@pytest.fixture
def post():
    found = Post()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(found, hostname="127.0.0.1", port=port, ready_timeout=PATIENCE)
    controller.start()
    found.url = f"mailto://127.0.0.1:{port}/?smtp=127.0.0.1&mode=insecure&from=hanse@example.org&to=ops@example.org"
    yield found
    controller.stop()


def by_apprise(**more):
    return settings(url=None, apprise={"env": "WHERE"}, **more)


def test_a_digest_arrives_as_mail(store, post):
    Subscription(by_apprise(), store, lambda _ref: post.url, PAGE).look(seen(drifted()))
    assert post.come.wait(PATIENCE)
    (mail,) = post.mails
    assert mail.rcpt_tos == ["ops@example.org"]
    message = email.message_from_bytes(mail.content)
    assert str(email.header.make_header(email.header.decode_header(message["Subject"]))) == "Hanse: 1 drifted"
    texts = [part.get_payload(decode=True).decode() for part in message.walk() if not part.is_multipart()]
    assert any(f"{PAGE}/resources/DNSRecord/tides/www" in text for text in texts)


def test_a_digest_arrives_as_json(store, consumer):
    url = consumer.url.replace("http://", "json://")
    Subscription(by_apprise(), store, lambda _ref: url).look(seen(unready()))
    ((_, _, body),) = consumer.told
    told = json.loads(body)
    assert (told["title"], told["message"]) == ("Hanse: 1 not ready", f"- {WWW} is not ready: QuotaExceeded")


def test_a_test_message_says_that_it_is_one(consumer):
    assert tried(by_apprise(), lambda _ref: consumer.url.replace("http://", "json://"), 7) == ""
    assert tried(settings(url=consumer.url), str, 7) == ""
    assert [json.loads(body).get("type") for _, _, body in consumer.told] == ["info", "hanse.test"]


def test_a_url_that_apprise_does_not_know_ends_the_loop_before_it_begins_and_is_not_shown(tmp_path):
    with pytest.raises(SettingsError, match="ops: what apprise refers to cannot be used: it is no URL") as told:
        Notifier([by_apprise()], tmp_path, lambda _ref: "nix://tok3n")
    assert "tok3n" not in str(told.value)


def test_a_url_that_cannot_be_read_yet_keeps_nothing_from_beginning(tmp_path):
    def missing(_ref):
        raise Terminal("the environment variable WHERE is not set")

    assert Notifier([by_apprise()], tmp_path, missing).hooks == []


def test_probes_and_datasets_are_told_in_words():
    probe = {"probe": "tides/dav", "before": "OK", "after": "CRITICAL", "summary": "no answer"}
    assert words("probe.status", probe) == ("tides/dav: CRITICAL", "tides/dav was OK and is CRITICAL: no answer")
    copies = {"dataset": "ocean:waves", "copies": 1, "wanted": 2, "at": "*", "storages": ["A/disk"]}
    assert words("dataset.copies", copies) == (
        "ocean:waves: 1 of 2 copies",
        "ocean:waves: 1 of 2 copies at *: A/disk",
    )


def test_a_change_of_a_probe_arrives_by_apprise(tmp_path, consumer):
    hook = settings(name="", events=[], probes="tides/*", url=None, apprise={"env": "WHERE"})
    alarms = Alarms([hook], tmp_path, lambda _ref: consumer.url.replace("http://", "json://"))
    alarms._look(probed(state("CRITICAL")))
    ((_, _, body),) = consumer.told
    assert json.loads(body)["title"] == "tides/dav: CRITICAL"


@pytest.mark.parametrize(
    ("url", "error"), [("nix://tok3n", Terminal), ("tok3n", Terminal), ("json://127.0.0.1:1/tok3n", Transient)]
)
def test_what_apprise_refuses_is_told_without_the_url(url, error, capfd, caplog):
    with pytest.raises(error) as told:
        apprising.send(url, "title", "text")
    assert "tok3n" not in str(told.value) + "".join(capfd.readouterr()) + caplog.text
    assert told.value.__cause__ is None
