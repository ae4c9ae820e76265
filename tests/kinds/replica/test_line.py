"""Data through the whole of Hanse, on real directories: locks, last copies, loss, dark files, caches, expiry."""

from __future__ import annotations

import time
import zlib
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler import locking
from reconciler.apply import Threads
from reconciler.kinds import registry
from reconciler.kinds.replica.seen import Seen
from reconciler.kinds.replica.sourcing import Sourcing
from reconciler.model import Reason, Ref
from reconciler.model.data import ReplicaState, RuleState
from reconciler.reconcile import propose, reconcile
from tests.house import BRISK, applied, commit, opened, planned, said

SITES = """apiVersion: hanse/v1
kind: VO
metadata: {{name: vo-x}}
spec: {{}}
---
apiVersion: hanse/v1
kind: Site
metadata: {{name: NORTH}}
spec:
  country: DE
  storage: [{{name: disk, driver: directory, qos: SAFE}}, {{name: cache, driver: directory, qos: FAST{marks}}}]
---
apiVersion: hanse/v1
kind: Site
metadata: {{name: SOUTH}}
spec:
  country: ES
  storage: [{{name: disk, driver: directory, qos: SAFE}}]
"""
CONTENTS = {f"{n:02d}.nc": b"wave %d" % n for n in range(20)}
RULE = """apiVersion: hanse/v1
kind: DatasetRule
metadata: {{name: {name}, namespace: ocean}}
spec: {{scope: ocean, name: waves, copies: {copies}, locations: "{locations}", vo: vo-x, owner: ada{more}}}
"""
A, B, CACHE = (f"Replica/ocean/waves.{name}" for name in ("NORTH.disk", "SOUTH.disk", "NORTH.cache"))


def dataset(contents=CONTENTS, **more: str) -> str:
    rows = [
        f"    - {{path: {path}, size: {len(c)}, checksum: 'adler32:{zlib.adler32(c):08x}', source: 'data:,{c.decode()}'}}\n"
        for path, c in contents.items()
    ]
    extra = "".join(f"  {key}: {value}\n" for key, value in more.items())
    head = "apiVersion: hanse/v1\nkind: Dataset\nmetadata: {name: waves, namespace: ocean}\nspec:\n"
    return f"{head}  scope: ocean\n  name: waves\n  vo: vo-x\n{extra}  files:\n{''.join(rows)}".replace(
        "wave ", "wave%20"
    )


def rule(name="safe", copies=2, locations="qos=SAFE", more="") -> str:
    return RULE.format(name=name, copies=copies, locations=locations, more=more)


def place(root: Path, storage: str) -> Path:
    return root / ".hanse/state/storage" / storage / "ocean/waves"


@pytest.fixture(autouse=True)
def _nothing_seen_before(monkeypatch):
    """What the kind has seen of storages in one test is not known to the next, as if the process were new."""
    monkeypatch.setattr(registry()["Replica"], "_seen", Seen())


@pytest.fixture
def root(tmp_path):
    """Two good copies: at NORTH/disk and SOUTH/disk."""
    commit(tmp_path, {"sites.yaml": SITES.format(marks=""), "data.yaml": dataset(), "rule.yaml": rule()})
    applied(tmp_path, until_quiet=True)
    return tmp_path


def records(root: Path):
    with opened(root) as house:
        rules = {record.ref.name: record for record in house.store.data.rules()}
        replicas = {str(record.ref): record for record in house.store.data.replicas()}
    return rules, replicas


def test_a_rule_is_ok_with_a_lock_for_each_file_of_each_copy(root):
    rules, replicas = records(root)
    found = rules["safe"]
    assert (found.state, found.ok, found.replicating, found.stuck) == (RuleState.OK, 40, 0, 0)
    assert (found.vo, found.owner, found.bytes) == ("vo-x", "ada", 2 * sum(map(len, CONTENTS.values())))
    assert {ref: record.state for ref, record in replicas.items()} == dict.fromkeys((A, B), ReplicaState.AVAILABLE)
    assert said(planned(root)) == []


def test_files_behind_a_digest_outlive_the_process_and_go_with_the_last_that_needs_them(root):
    with opened(root) as house:
        digest = house.store.data.database  # a fresh process knows nothing but what was kept
        assert digest is not None
        (one,) = {record.bytes for record in house.store.data.replicas()}
    assert one == sum(map(len, CONTENTS.values()))
    fewer = dict(list(CONTENTS.items())[:5])
    lost = "[" + ", ".join(path for path in CONTENTS if path not in fewer) + "]"
    commit(root, {"data.yaml": dataset(fewer, lost=lost)})
    applied(root, until_quiet=True)
    assert sorted(p.name for p in place(root, "NORTH/disk").iterdir()) == sorted(fewer)
    assert records(root)[0]["safe"].ok == 10


def test_while_copies_are_under_way_their_rule_is_replicating(root):
    commit(root, {"rule.yaml": rule(copies=3, locations="*")})
    with opened(root) as house:
        proposal = propose(house, "HEAD")
        locking.begin(house.store, proposal.plan, proposal.graph, proposal.observed)
    rules, replicas = records(root)
    assert (rules["safe"].state, rules["safe"].ok, rules["safe"].replicating) == (RuleState.REPLICATING, 40, 20)
    assert replicas[CACHE].state is ReplicaState.COPYING
    applied(root)
    assert (records(root)[0]["safe"].state, records(root)[0]["safe"].ok) == (RuleState.OK, 60)


def test_two_copies_at_one_site_cross_the_bottleneck_once(root, monkeypatch):
    commit(root, {"rule.yaml": rule(copies=1, locations="SOUTH")})
    applied(root, until_quiet=True)
    commit(root, {"rule.yaml": rule(copies=3, locations="*")})
    taken, source = [], Sourcing.source

    def counted(self, origin):
        taken.append((self.target.name, origin.name))
        return source(self, origin)

    monkeypatch.setattr(Sourcing, "source", counted)
    with opened(root) as house:
        report = reconcile(house, propose(house, "HEAD"), Threads(8), BRISK, "tester")
    assert not report.failed
    first, second = sorted(Counter(taken), key=lambda way: way[1] != "SOUTH/disk")
    assert first[1] == "SOUTH/disk"
    assert second[1] == first[0]
    assert set(Counter(taken).values()) == {20}


def test_a_file_deleted_behind_its_back_is_lost_and_brought_back_from_the_other_copy(root):
    commit(root, {"data.yaml": dataset().replace("wave%20", "gone%20")})  # its own addresses give other bytes now
    applied(root, until_quiet=True)
    (place(root, "NORTH/disk") / "07.nc").unlink()
    plan = planned(root)
    assert said(plan) == [f"update {A} DriftDetected"]
    applied(root, until_quiet=True)
    assert (place(root, "NORTH/disk") / "07.nc").read_bytes() == CONTENTS["07.nc"]


def test_more_than_ten_percent_gone_at_once_waits_for_an_approval(root):
    for path in list(CONTENTS)[:11]:
        (place(root, "NORTH/disk") / path).unlink()
    plan = planned(root)
    assert said(plan) == [f"update {A} ApprovalRequired"]
    assert "11 of 20 files known at NORTH/disk are missing at once (55 %, over 10 %)" in plan.actions[0].message
    applied(root)
    assert records(root)[0]["safe"].state is RuleState.WAITING_APPROVAL
    approve(root, A, "update")
    applied(root, until_quiet=True)
    assert len(list(place(root, "NORTH/disk").iterdir())) == 20
    assert records(root)[0]["safe"].state is RuleState.OK


def approve(root: Path, ref: str, verb: str) -> None:
    until = datetime.now(UTC) + timedelta(days=1)
    text = (
        "apiVersion: hanse/v1\nkind: Approval\nmetadata: {name: yes}\nspec:\n"
        f"  scope: {{actions: [{verb}], resources: [{ref}]}}\n  atMost: 5\n  expires: {until:%Y-%m-%dT%H:%M:%SZ}\n"
        "  reason: looked at it\n  by: ada\n"
    )
    commit(root, {"approval.yaml": text})


def test_a_rule_that_ends_takes_its_copies_but_the_last_one(root):
    commit(root, {"rule.yaml": rule(more=", lifetime: {expires: 2020-01-01T00:00:00Z}")})
    plan = planned(root)
    assert f"delete {A} Expired" in said(plan)
    assert f"delete {B} LastCopy" in said(plan)
    last = next(action for action in plan.actions if str(action.ref) == B)
    assert "the last good copy of all 20 files of ocean:waves" in last.message
    applied(root, until_quiet=True)
    assert not place(root, "NORTH/disk").exists()
    assert len(list(place(root, "SOUTH/disk").iterdir())) == 20
    assert said(planned(root)) == [f"delete {B} LastCopy"]
    approve(root, B, "delete")
    applied(root, until_quiet=True)
    assert not place(root, "SOUTH/disk").exists()


def test_an_approval_that_does_not_name_the_last_copy_does_not_let_it_go(root):
    commit(root, {"rule.yaml": None})
    applied(root, until_quiet=True)
    approve(root, "Replica/ocean/*", "delete")
    assert said(planned(root))[-1] == f"delete {B} LastCopy"


def test_two_rules_share_a_replica_and_it_goes_with_the_last_of_them(root):
    commit(root, {"other.yaml": rule("also", 1, "SOUTH")})
    applied(root, until_quiet=True)
    rules, _ = records(root)
    assert (rules["safe"].ok, rules["also"].ok) == (40, 20)
    commit(root, {"rule.yaml": None})
    applied(root, until_quiet=True)
    assert not place(root, "NORTH/disk").exists()
    assert len(list(place(root, "SOUTH/disk").iterdir())) == 20
    rules, replicas = records(root)
    assert (list(rules), list(replicas)) == (["also"], [B])


def test_a_copy_that_moves_is_made_before_the_old_one_goes(root):
    commit(root, {"rule.yaml": rule(copies=1, locations="SOUTH")})
    applied(root, until_quiet=True)
    commit(root, {"rule.yaml": rule(copies=1, locations="NORTH & disk"), "data.yaml": dataset()})
    plan = planned(root)
    assert [line for line in said(plan) if B in line] == [f"defer {B} DependencyNotReady"]
    applied(root, until_quiet=True)
    assert len(list(place(root, "NORTH/disk").iterdir())) == 20
    assert not place(root, "SOUTH/disk").exists()


def test_files_placed_one_by_one_are_good_elsewhere_before_they_go(root):
    commit(root, {"rule.yaml": rule(copies=1, locations="disk", more=", grouping: NONE")})
    applied(root, until_quiet=True)

    def there() -> list[set[str]]:
        return [{p.name for p in place(root, name).glob("*")} for name in ("NORTH/disk", "SOUTH/disk", "NORTH/cache")]

    north, south, _ = there()
    assert (north | south, north & south) == (set(CONTENTS), set())
    commit(root, {"rule.yaml": rule(copies=1, locations="cache | SOUTH", more=", grouping: NONE")})
    report = applied(root)
    assert not report.failed
    assert set.union(*there()) == set(CONTENTS)
    applied(root, until_quiet=True)
    north, south, cache = there()
    assert (north, south | cache, south & cache) == (set(), set(CONTENTS), set())
    commit(root, {"rule.yaml": rule(copies=1, locations="*", more=", grouping: NONE")})
    for _ in range(3):
        assert not applied(root).failed
        assert set.union(*there()) == set(CONTENTS)
    assert sum(map(len, there())) == len(CONTENTS)
    assert said(planned(root)) == []
    assert records(root)[0]["safe"].ok == len(CONTENTS)


def test_a_loss_stays_told_until_git_acknowledges_it(root):
    commit(root, {"data.yaml": dataset().replace("wave%20", "gone%20")})
    for name in ("NORTH/disk", "SOUTH/disk"):
        (place(root, name) / "03.nc").unlink()
    applied(root)
    with opened(root) as house:
        (lock, _) = house.store.data.open_locks(Ref("DatasetRule/ocean/safe"))
        ready = next(c for c in house.store.conditions.of(Ref(A)) if c.type == "Ready")
    assert lock.state == "STUCK"
    assert lock.path == "03.nc"
    assert ready.status == "False"
    report = applied(root)
    said_of = next(o.message for o in report.outcomes if str(o.action.ref) == A)
    assert said_of.startswith("1 of 20 files are stuck (03.nc): ")
    assert "tried again" in said_of
    fewer = {path: content for path, content in CONTENTS.items() if path != "03.nc"}
    commit(root, {"data.yaml": dataset(fewer, lost="[03.nc]")})
    applied(root, until_quiet=True)
    assert said(planned(root)) == []
    assert records(root)[0]["safe"].state is RuleState.OK


def test_a_rule_that_has_failed_for_too_long_is_suspended_until_git_changes_it(root):
    (root / "hanse.toml").write_text("[data]\nsuspend_days = 0.000001\nretry_hours = [0.0000001]\n")
    commit(root, {"data.yaml": dataset().replace("wave%20", "gone%20")})
    for name in ("NORTH/disk", "SOUTH/disk"):
        (place(root, name) / "03.nc").unlink()
    for _ in range(2):
        applied(root)
        time.sleep(1.1)
    assert records(root)[0]["safe"].state is RuleState.SUSPENDED
    report = applied(root)
    assert {o.reason for o in report.failed} == {Reason.SUSPENDED}
    with opened(root) as house:
        stalled = next(c for c in house.store.conditions.of(Ref(A)) if c.type == "Stalled")
    assert (stalled.status, stalled.reason) == ("True", "Suspended")
    commit(root, {"data.yaml": dataset(), "rule.yaml": rule(more=", comment: mended")})
    applied(root, until_quiet=True)
    assert records(root)[0]["safe"].state is RuleState.OK


def test_dark_files_are_told_and_left_alone(root):
    (place(root, "NORTH/disk") / "junk").write_bytes(b"???")
    applied(root)
    with opened(root) as house:
        (found,) = house.store.data.dark("NORTH/disk")
        assert (found.path, found.size) == ("ocean/waves/junk", 3)
    assert (place(root, "NORTH/disk") / "junk").exists()


def test_dark_files_go_in_a_plan_once_the_operator_wants_that_and_they_are_old(root):
    (root / "hanse.toml").write_text('[data]\ndark = "delete"\ndark_days = 0\ndark_percent = 5\n')
    junk = place(root, "NORTH/disk") / "junk"
    junk.write_bytes(b"???")
    applied(root)
    assert junk.exists()
    assert said(planned(root)) == [f"update {A} DriftDetected"]
    applied(root)
    assert not junk.exists()
    assert said(planned(root)) == []


def test_a_copy_that_no_rule_holds_stays_on_a_cache_until_space_is_short(root):
    marks = ", limits: {highPercent: 80, lowPercent: 50, maxBytes: %d}"
    sites = SITES.format(marks=marks % 10_000)
    commit(root, {"sites.yaml": sites, "fast.yaml": rule("fast", 1, "qos=FAST")})
    applied(root, until_quiet=True)
    commit(root, {"fast.yaml": None})
    plan = applied(root, until_quiet=True).plan
    assert said(plan) == [f"noop {CACHE} Retained"]
    assert "kept as a cache" in plan.actions[0].message
    assert records(root)[1][CACHE].tombstone is not None
    commit(root, {"sites.yaml": SITES.format(marks=marks % 150)})
    plan = planned(root)
    assert f"delete {CACHE} RemovedFromGit" in said(plan)
    applied(root, until_quiet=True)
    assert not place(root, "NORTH/cache").exists()


def test_a_rule_that_purges_leaves_nothing_on_a_cache(root):
    sites = SITES.format(marks=", limits: {highPercent: 80, lowPercent: 50, maxBytes: 10000}")
    commit(root, {"sites.yaml": sites, "fast.yaml": rule("fast", 1, "qos=FAST", ", purge: true")})
    applied(root, until_quiet=True)
    commit(root, {"fast.yaml": None})
    assert said(planned(root))[-1] == f"delete {CACHE} RemovedFromGit"


# -- replicas that people declare ----------------------------------------------------------------------------------------


def by_hand(name: str, storage: str, body: str) -> str:
    head = f"apiVersion: hanse/v1\nkind: Replica\nmetadata: {{name: {name}, namespace: ocean}}\nspec:\n"
    site, _, disk = storage.partition("/")
    return f"{head}  storage: {{site: {site}, name: {disk}}}\n  {body}\n"


FIRST, SECOND = "Replica/ocean/first", "Replica/ocean/second"
TIDE = b"low and high"
SUM = f"checksum: 'adler32:{zlib.adler32(TIDE):08x}'"


@pytest.fixture
def brought(tmp_path):
    """What somebody left on NORTH/cache, taken to NORTH/disk, and from there to SOUTH/disk."""
    folder = tmp_path / ".hanse/state/storage/NORTH/cache/incoming"
    folder.mkdir(parents=True)
    (folder / "tide.nc").write_bytes(TIDE)
    first = by_hand("first", "NORTH/disk", f"path: tide.nc\n  {SUM}\n  source: {origin('incoming/tide.nc', 'cache')}")
    second = by_hand("second", "SOUTH/disk", f"path: copies/tide.nc\n  source: {origin('tide.nc', 'disk')}")
    commit(tmp_path, {"sites.yaml": SITES.format(marks=""), "first.yaml": first, "second.yaml": second})
    applied(tmp_path, until_quiet=True)
    (folder / "tide.nc").unlink()
    return tmp_path


def origin(path: str, disk: str) -> str:
    return f"{{site: NORTH, storage: {disk}, path: {path}}}"


def test_of_replicas_declared_by_hand_the_last_copy_stays(brought):
    commit(brought, {"first.yaml": None})
    assert said(planned(brought)) == [f"delete {FIRST} RemovedFromGit"]  # the other was copied from it
    commit(brought, {"second.yaml": None})
    assert sorted(said(planned(brought))) == [f"delete {FIRST} RemovedFromGit", f"delete {SECOND} LastCopy"]
    applied(brought, until_quiet=True)
    (kept,) = planned(brought).actions
    assert "perhaps the last copy of copies/tide.nc: no checksum tells" in kept.message
    assert f"hanse approve {SECOND}" in kept.message
    approve(brought, SECOND, "delete")
    applied(brought, until_quiet=True)
    assert not list((brought / ".hanse/state/storage").rglob("tide.nc"))


def test_a_damaged_copy_does_not_count_for_one_declared_by_hand(brought):
    commit(brought, {"second.yaml": by_hand("second", "SOUTH/disk", f"path: copies/tide.nc\n  {SUM}")})
    applied(brought, until_quiet=True)
    (brought / ".hanse/state/storage/SOUTH/disk/copies/tide.nc").write_bytes(b"high and low")
    commit(brought, {"first.yaml": None})
    assert f"delete {FIRST} LastCopy" in said(planned(brought))


def test_a_copy_that_a_dataset_brings_along_counts_for_one_declared_by_hand(brought):
    waves = dataset({"tide.nc": TIDE}).replace("low and high", "low%20and%20high")
    commit(brought, {"data.yaml": waves, "rule.yaml": rule(copies=1, locations="SOUTH")})
    applied(brought, until_quiet=True)
    commit(brought, {"first.yaml": None, "second.yaml": None})
    assert sorted(said(planned(brought))) == [f"delete {FIRST} RemovedFromGit", f"delete {SECOND} LastCopy"]


def test_a_replica_that_is_declared_elsewhere_goes_only_once_it_is_there(brought):
    commit(brought, {"second.yaml": None})
    applied(brought, until_quiet=True)
    moved = by_hand("first", "SOUTH/disk", f"path: tide.nc\n  {SUM}\n  source: {origin('incoming/tide.nc', 'cache')}")
    commit(brought, {"first.yaml": moved})
    assert said(planned(brought)) == [f"replace {FIRST} ImmutableFieldChanged"]
    assert applied(brought).failed  # its source is gone
    assert (brought / ".hanse/state/storage/NORTH/disk/tide.nc").read_bytes() == TIDE


def test_a_file_taken_out_of_a_list_stays_while_it_is_the_last_copy(brought):
    folder = brought / ".hanse/state/storage/NORTH/disk/left"
    folder.mkdir()
    (folder / "tide.nc").write_bytes(TIDE)
    tide, note = f"{{path: tide.nc, {SUM}}}", "{path: note.txt, source: 'data:,x'}"
    listed = f"dataset: ocean:tides\n  source: {origin('left', 'disk')}\n  files: [%s]"
    commit(brought, {"list.yaml": by_hand("list", "NORTH/cache", listed % f"{tide}, {note}")})
    applied(brought, until_quiet=True)
    commit(brought, {"list.yaml": by_hand("list", "NORTH/cache", listed % note)})
    assert said(planned(brought)) == ["update Replica/ocean/list SpecChanged"]  # NORTH/disk and SOUTH/disk have it too
    commit(brought, {"list.yaml": by_hand("list", "NORTH/cache", listed % tide)})
    assert said(planned(brought)) == ["update Replica/ocean/list SpecChanged"]  # git has the note
    commit(brought, {"first.yaml": None, "second.yaml": None})
    commit(brought, {"list.yaml": by_hand("list", "NORTH/cache", listed % note)})
    assert "update Replica/ocean/list LastCopy" in said(planned(brought))
    applied(brought, until_quiet=True)
    assert (brought / ".hanse/state/storage/NORTH/cache/ocean/tides/tide.nc").read_bytes() == TIDE


# -- two replicas on the same files --------------------------------------------------------------------------------------


def held(root: Path, action: str) -> str:
    """The message of what the plan holds back."""
    (message,) = {one.message for one in planned(root).actions if f"{one.verb} {one.ref}" == action}
    return message


def test_a_replica_that_is_called_otherwise_in_git_does_not_lose_its_files(brought):
    commit(brought, {"second.yaml": None})
    applied(brought, until_quiet=True)
    first = (brought / "manifests/first.yaml").read_text()
    commit(brought, {"first.yaml": first.replace("name: first,", "name: uno,")})
    applied(brought, until_quiet=True)
    assert "stays: Replica/ocean/uno wants its files, first tide.nc" in held(brought, f"defer {FIRST}")
    assert (brought / ".hanse/state/storage/NORTH/disk/tide.nc").read_bytes() == TIDE
    moved = first.replace("name: first,", "name: uno,").replace("spec:", "lifecycle: {moved: first}\nspec:")
    commit(brought, {"first.yaml": moved})
    applied(brought, until_quiet=True)
    assert (brought / ".hanse/state/storage/NORTH/disk/tide.nc").read_bytes() == TIDE
    assert said(planned(brought)) == []


def test_a_dataset_and_its_rule_that_are_called_otherwise_in_git_do_not_lose_their_files(root):
    commit(root, {"rule.yaml": rule(copies=1, locations="NORTH & qos=SAFE")})
    applied(root, until_quiet=True)
    commit(
        root,
        {
            "rule.yaml": rule("other", 1, "NORTH & qos=SAFE"),
            "data.yaml": dataset().replace("{name: waves,", "{name: swell,"),
        },
    )
    applied(root)
    applied(root)
    assert len(list(place(root, "NORTH/disk").iterdir())) == 20
    assert "wants its files" in held(root, f"defer {A}")
    swell = dataset().replace("{name: waves,", "{name: swell,").replace("spec:", "lifecycle: {moved: waves}\nspec:")
    commit(root, {"data.yaml": swell})
    applied(root, until_quiet=True)
    assert len(list(place(root, "NORTH/disk").iterdir())) == 20
    assert said(planned(root)) == []


def test_of_a_replica_that_was_called_otherwise_and_taken_out_the_last_copy_stays(brought):
    commit(brought, {"second.yaml": None})
    applied(brought, until_quiet=True)
    first = (brought / "manifests/first.yaml").read_text()
    commit(brought, {"first.yaml": first.replace("name: first,", "name: uno,")})
    applied(brought, until_quiet=True)
    commit(brought, {"first.yaml": None})
    applied(brought, until_quiet=True)
    assert (brought / ".hanse/state/storage/NORTH/disk/tide.nc").read_bytes() == TIDE
    assert said(planned(brought)) == [f"delete {FIRST} LastCopy"]


def elsewhere(more: str) -> str:
    """A Dataset of the same content, with a place of its own."""
    made = dataset({"tide.nc": TIDE}).replace("name: waves", "name: tides").replace("low and high", "low%20and%20high")
    return made.replace("  files:\n", f"  {more}\n  files:\n")


def test_what_a_dataset_counts_in_place_is_not_taken_away_by_whose_it_was(brought):
    mine = brought / ".hanse/state/storage/NORTH/disk/mine/tide.nc"
    third = by_hand("third", "NORTH/disk", f"path: mine/tide.nc\n  {SUM}\n  source: {origin('tide.nc', 'disk')}")
    commit(brought, {"third.yaml": third})
    applied(brought, until_quiet=True)
    counted = elsewhere("copies: [{site: NORTH, storage: disk, path: mine}]")
    held_by = rule(copies=1).replace("name: waves", "name: tides")
    commit(brought, {"data.yaml": counted, "rule.yaml": held_by})
    applied(brought, until_quiet=True)
    commit(brought, {"third.yaml": None})
    applied(brought, until_quiet=True)
    assert mine.read_bytes() == TIDE
    assert "belongs to Replica/ocean/tides.NORTH.disk" in held(brought, "defer Replica/ocean/third")


def test_files_that_a_dataset_counts_in_place_are_not_overwritten_by_another_dataset(root):
    lying = place(root, "NORTH/disk").parent / "ef/16"
    lying.mkdir(parents=True)
    (lying / "tide.nc").write_bytes(TIDE)
    other = dataset({"other.nc": b"other"}).replace("name: waves", "name: ef")
    counted = elsewhere("copies: [{site: NORTH, storage: disk, path: ocean/ef/16}]")
    on_north = rule("ef", 1, "NORTH & qos=SAFE").replace("name: waves", "name: ef")
    commit(root, {"ef.yaml": other, "tides.yaml": counted, "ef-rule.yaml": on_north})
    applied(root, until_quiet=True)
    reaching = dataset({"other.nc": b"other", "16/tide.nc": b"hello"}).replace("name: waves", "name: ef")
    commit(root, {"ef.yaml": reaching})
    applied(root)
    assert (lying / "tide.nc").read_bytes() == TIDE
    plan = planned(root)
    (message,) = {one.message for one in plan.actions if str(one.ref) == "Replica/ocean/ef.NORTH.disk"}
    assert message.startswith("ocean/ef/16/tide.nc belongs to Replica/ocean/tides.NORTH.disk")
    commit(root, {"ef.yaml": None, "ef-rule.yaml": None})
    applied(root)
    assert (lying / "tide.nc").read_bytes() == TIDE
