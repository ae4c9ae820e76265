"""``make demo-evening``: what Hanse is for when people share a federation, in one evening. No root needed.

Two VO managers and a site admin work on one repository: pull requests get their plan, the right person approves, the
merge wakes the reconciler, its machine dies in the middle of the work and another finishes it, somebody meddles and is
told of, a downtime keeps quiet. Real are git over HTTP with signed commits and web hooks, PostgreSQL, BIND and the
browser; the forge is a stand-in for Forgejo, and the cloud is simulated. ``python -m tests.demo.evening [FOLDER]``.
"""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dns.message
import dns.query
import requests

from reconciler.drivers.simulated import World, world_path
from tests.demo import town
from tests.demo.hub import Hub, hub
from tests.demo.machine import Machine, machine, until
from tests.demo.stage import HANSE, Stage, WrongEndError
from tests.real import bind as name_server
from tests.real.bind import Bind
from tests.real.chromium import Chromium, browser
from tests.real.forges import TOKEN
from tests.real.oidc import SECRET as OIDC_SECRET
from tests.real.oidc import Oidc, provider
from tests.real.ports import free_port
from tests.real.postgresql import server as database
from tests.real.receiver import Receiver, receiver

NEEDED = {
    "named": "bind9",
    "nsupdate": "bind9-dnsutils",
    "chromium": "chromium",
    "ssh-keygen": "openssh-client",
    "openssl": "openssl",
    "curl": "curl",
    "node": "nodejs",
    "npm": "npm",
}
SECRETS = {
    "GIT_PASSWORD": "robot-pass",
    "HOOK_SECRET": "hook-pass",
    "FORGE_TOKEN": TOKEN,
    "ALARM_KEY": "alarm-pass",
    "OIDC_SECRET": OIDC_SECRET,
    "PAGE_TOKEN": "page-pass",
}
SHOWN = {"Authorization": f"Bearer {SECRETS['PAGE_TOKEN']}"}
PEOPLE = {name: f"{name}-pass" for name in town.PEOPLE}
NODES = 1 + town.WORKERS


@dataclass
class Evening:
    """Everything that stands around the story."""

    stage: Stage
    hub: Hub
    bind: Bind
    browser: Chromium
    receiver: Receiver
    provider: Oidc
    machines: list[Machine] = field(default_factory=list)
    told: dict[str, int] = field(default_factory=dict)
    """How many statuses of a commit were shown."""
    since: int = 0
    """Where the name server's log began to be ours, in bytes."""

    def person(self, name: str) -> Stage:
        """Somebody at the keyboard, in a clone of their own."""
        return self.stage.at(f"people/{name}", name, {"XDG_STATE_HOME": str(self.stage.place / "people" / f".{name}")})

    def operator(self, name: str) -> Stage:
        """Whoever looks after a machine, on it."""
        return self.stage.at(f"machines/{name}", name, SECRETS)

    def until(self, what: str, holds) -> object:
        """Wait for it."""
        return until(what, holds, *self.machines)

    def comment(self, number: int, words: str) -> str:
        """Wait until the robot's comment under a pull request has some words, and show it."""

        def told() -> str:
            return next((one for one in self.hub.forge.told(number) if words in one), "")

        found = str(self.until(f"a comment on #{number} that says {words!r}", told))
        print(f"\n  Under pull request #{number}, by hanse-robot:\n")
        lines = [line for line in found.splitlines() if not line.startswith("<!--")]
        print(textwrap.indent("\n".join(lines).strip(), "  | "), flush=True)
        return found

    def status(self, commit: str, state: str, words: str) -> None:
        """Wait for a status of a commit, and show all that it had."""

        def told() -> bool:
            return any(state in ("", one) and words in said for one, said in self.hub.states(commit))

        self.until(f"{commit[:12]} is {state}: {words}", told)
        known = self.hub.states(commit)
        print(f"\n  Status of {commit[:12]}, as the forge shows it:")
        for one, said in known[self.told.get(commit, 0) :]:
            print(f"    {one:<8} {said}", flush=True)
        self.told[commit] = len(known)

    def picture(self, machine: Machine, page: str, name: str) -> None:
        """Look at a page, and keep what is seen."""
        self.browser.headers(**SHOWN)
        self.browser.open(f"{machine.url}{page}")
        path = self.stage.place / "screens" / f"{name}.png"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(self.browser.png(whole=True))
        if self.browser.complaints:
            raise WrongEndError(f"{page}: {self.browser.complaints}")
        print(f"  {machine.url}{page}  ->  {path.relative_to(self.stage.place)}", flush=True)


def main(place: Path) -> int:
    """Start what it needs, and play it in ``place``; 1 when something ended wrongly."""
    missing = [f"{name} ({package})" for name, package in NEEDED.items() if shutil.which(name) is None]
    if missing:
        print(f"This needs {', '.join(missing)}: sh .ci/packages installs them.", file=sys.stderr)
        return 1
    with ExitStack() as open_:
        records = open_.enter_context(database()).fresh()
        bind = name_server.start(Path(open_.enter_context(tempfile.TemporaryDirectory(prefix="hanse-bind-"))))
        open_.callback(bind.stop)
        return play(place, records, bind, open_.enter_context(browser()))


def play(place: Path, records: str, bind: Bind, window: Chromium) -> int:
    """Play it with a database, a name server and a browser that are there."""
    stage = Stage(place)
    with ExitStack() as open_:
        login = f"hanse:{SECRETS['GIT_PASSWORD']}"
        forge = open_.enter_context(hub(stage.place / "forge", login, PEOPLE, SECRETS["HOOK_SECRET"]))
        open_.enter_context(bind.zone(f"{town.ZONE}."))
        log = (bind.dir / "named.log").stat().st_size
        folder = Path(open_.enter_context(tempfile.TemporaryDirectory(prefix="hanse-oidc-")))
        vouching = open_.enter_context(provider(folder, users=town.users()))
        evening = Evening(stage, forge, bind, window, open_.enter_context(receiver()), vouching, since=log)
        try:
            _opens(evening, records)
            one = _wakes(evening, open_, "one", "--interval", "3600")
            two = _wakes(evening, open_, "two", "--interval", "3")
            _begins(evening, one, two)
            _asks(evening)
            _meddles(evening)
            merge = _merges(evening, one)
            _agree(evening, one)
            _is_finished(evening, one, two, merge)
            _shows(evening, two)
            _alarms(evening, two)
            _keeps_quiet(evening, two)
            _ends(evening, two)
        except WrongEndError as error:
            print(f"\nThe evening is spoilt: {error}", file=sys.stderr)
            return 1
    print(f"\nThat took {stage.seconds():.0f} s. What the pages showed is in {stage.place}/screens/.")
    return 0


def _opens(evening: Evening, records: str) -> None:
    """A repository with people who sign, and two machines that know where everything is."""
    stage, forge = evening.stage, evening.hub
    stage.chapter(1, "Who is there")
    stage.say("""Tara manages the VO tides.example.org, Finn the VO fjord.example.org, Sam the site HARBOUR, whose cloud
        both may use. They share one repository on a forge, and sign what they commit. Who may do what stands in it,
        too: VO managers in their namespaces, and what is put on the harbour's cloud needs the harbour's word.""")
    signers = []
    for name in PEOPLE:
        person = evening.person(name)
        key = stage.place / "people" / f"{name}.key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", key], check=True)
        signers.append(f'{town.mail(name)} namespaces="git" {key.with_suffix(".key.pub").read_text().strip()}\n')
        _clone(person, name, forge.url, key)
    forge.guarded(["sam", "tara"])
    sam = evening.person("sam")
    for path, text in {**town.manifests(), **town.tenancies(evening.provider.url)}.items():
        sam.write(path, text)
    print(
        "\n" + textwrap.indent((sam.place / "manifests/tenancies/harbour.yaml").read_text().rstrip(), "  "), flush=True
    )
    sam.commit("The harbour, two VOs, their names, and who may do what")
    sam.shell("git push -q origin main")
    stage.say(
        "Two machines keep the world as the repository says, each with a folder of its own. This is what both know:"
    )
    for name in ("one", "two"):
        operator = evening.operator(name)
        operator.write("signers", "".join(signers))
        operator.write(
            "hanse.toml",
            town.settings(
                forge, records, evening.bind, stage.place / "world/compute", evening.receiver.url, evening.provider.url
            ),
        )
    print("\n" + textwrap.indent((stage.place / "machines/one/hanse.toml").read_text().rstrip(), "  "), flush=True)


def _clone(person: Stage, name: str, url: str, key: Path) -> None:
    """A clone with a name, a password and a key, as people set theirs up once."""
    kept = person.place.parent / f"{name}.password"
    scheme, _, rest = url.partition("//")
    kept.write_text(f"{scheme}//{name}:{PEOPLE[name]}@{rest.partition('/')[0]}\n")
    settings = {
        "user.name": name.capitalize(),
        "user.email": town.mail(name),
        "gpg.format": "ssh",
        "user.signingkey": str(key),
        "commit.gpgsign": "true",
        "credential.helper": f"store --file={kept}",
        "credential.username": name,
        "pull.ff": "only",
    }
    for words in (["init", "-q", "-b", "main"], ["remote", "add", "origin", url]):
        subprocess.run(["git", *words], cwd=person.place, env=person.environment, check=True)
    for setting, value in settings.items():
        subprocess.run(["git", "config", setting, value], cwd=person.place, env=person.environment, check=True)


def _wakes(evening: Evening, open_: ExitStack, name: str, *options: str) -> Machine:
    made = open_.enter_context(machine(evening.operator(name), name, free_port(), *options))
    evening.machines.append(made)
    said = "running" if len(evening.machines) == 1 else "standing by"
    found = until(f"machine {name} says {said}", lambda: made.lines(said), *evening.machines)[-1]
    print(f"  machine {name}: {said}  {found.get('why', '')}", flush=True)
    return made


def _begins(evening: Evening, one: Machine, two: Machine) -> None:
    """The forge tells both machines; the first commit is done."""
    evening.hub.telling([one.hook, two.hook])
    evening.until(
        "the first commit is deployed", lambda: "success" in [state for _, state, _ in evening.hub.forge.statuses]
    )
    evening.operator("one").hanse("status", expect="ready")


def _asks(evening: Evening) -> None:
    """Tara's pull request."""
    stage, tara = evening.stage, evening.person("tara")
    stage.chapter(2, "A pull request gets its plan")
    stage.say("A storm is forecast. Tara wants a cluster for the surge model, with a name, tonight.")
    tara.shell("git pull -q origin main")
    tara.shell("git switch -q -c surge")
    tara.write("manifests/tides/surge.yaml", town.SURGE)
    tara.edit("manifests/tides/names.yaml", "ttl: 3600", "ttl: 300")
    tara.commit("Surge model for tonight")
    tara.shell("git push -q origin surge")
    head = evening.hub.open(1, "surge")
    stage.say("""She opens pull request #1. The forge tells machine one by a signed web hook, which plans it as data, and
        says under it what would happen. (Its interval is an hour: without the web hook nothing would.)""")
    evening.comment(1, f"site:{town.SITE}")
    evening.status(head, "", f"site:{town.SITE}")


def _meddles(evening: Evening) -> None:
    """Finn's pull request, which touches what is Tara's."""
    stage, finn = evening.stage, evening.person("finn")
    stage.chapter(3, "Two pull requests touch the same")
    stage.say("Finn has an idea for Tara's name too, and opens pull request #2.")
    finn.shell("git pull -q origin main")
    finn.shell("git switch -q -c idea")
    finn.edit("manifests/tides/names.yaml", "192.0.2.10", "192.0.2.66")
    finn.commit("Point the tides to our cache")
    finn.shell("git push -q origin idea")
    evening.hub.open(2, "idea")
    stage.say("Both are told so.")
    evening.comment(2, "#1")
    evening.until("#1 is told of #2", lambda: any("#2" in one for one in evening.hub.forge.told(1)))


def _merges(evening: Evening, one: Machine) -> str:
    """Merged; but what it puts on the harbour's cloud needs the harbour's word."""
    stage, tara = evening.stage, evening.person("tara")
    stage.chapter(4, "Merged, and whose word it needs")
    tara.shell("git switch -q main")
    tara.shell("git merge -q --no-ff -m 'Merge #1: surge model for tonight' surge")
    evening.hub.close(1)
    tara.shell("git push -q origin main")
    merge = _head(tara)
    stage.say("""The forge's web hook wakes machine one. Tara's name is hers, and changed at once. Her cluster would be on
        Sam's cloud: nothing of it is begun.""")
    evening.status(merge, "", "blocked")
    evening.operator("one").hanse("plan", ends=3, expect=f"site:{town.SITE}")
    return merge


def _agree(evening: Evening, one: Machine) -> None:
    """The wrong person's word is refused, the right one's counts."""
    stage = evening.stage
    stage.chapter(5, "The wrong person, and the right one")
    stage.say("Finn would be glad to help. He logs in at the OpenID provider, and gives his word for the harbour.")
    finn = evening.person("finn")
    _logs_in(evening, "finn", one)
    digest = _digest(finn.hanse("remote parts", expect=f"site:{town.SITE}"))
    word = f"remote consent site:{town.SITE} --digest {digest} --reason"
    finn.hanse(f"{word} 'they will not mind'", ends=1, expect="may not|not let|cannot")
    if _cloud(evening):
        raise WrongEndError("the word of the wrong person counts")
    stage.say("Sam is asked, looks, and agrees to exactly this.")
    _logs_in(evening, "sam", one)
    sam = evening.person("sam")
    digest = _digest(sam.hanse("remote parts", expect=f"site:{town.SITE}"))
    sam.hanse(f"remote consent site:{town.SITE} --digest {digest} --reason 'there is room tonight'")


def _digest(said: str) -> str:
    """Of the harbour's part, as ``hanse remote parts`` shows it."""
    found = re.search(rf"site:{town.SITE}\s.*\s([0-9a-f]{{8,64}})", said)
    if found is None:
        raise WrongEndError(f"no part of the harbour: {said}")
    return found[1]


def _logs_in(evening: Evening, name: str, server: Machine) -> None:
    """The device flow: the command says where to go, and a browser goes there."""
    person = evening.person(name)
    evening.stage.note(f"{person.prompt} hanse login {server.url}")
    with subprocess.Popen(
        [*HANSE, "login", server.url],
        cwd=person.place,
        env={**person.environment, "PYTHONUNBUFFERED": "1"},  # it is read while it waits
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as login:
        assert login.stdout is not None
        for line in login.stdout:
            print(line.rstrip(), flush=True)
            if found := re.search(r"Go to (\S+) and enter", line):
                evening.provider.complete(found[1], town.mail(name))
    if login.returncode:
        raise WrongEndError(f"{name} cannot log in")


def _is_finished(evening: Evening, one: Machine, two: Machine, merge: str) -> None:
    """Begun, killed half-way, finished by the other."""
    stage = evening.stage
    stage.chapter(6, "The machine dies half-way")
    stage.say("His word wakes machine one, and it begins. The cloud takes its time for each machine of the cluster.")
    evening.until("a third of the cluster is there", lambda: len(_cloud(evening)) >= NODES // 3)
    begun = len(_cloud(evening))
    stage.note(f"$ kill -9 {one.process.pid}")
    one.kill()
    killed = stage.seconds()
    print(f"  machine one is dead; {begun} of {NODES} machines of the cluster are there", flush=True)
    evening.until("machine two leads", lambda: two.lines("running"))
    print(f"  machine two leads after {stage.seconds() - killed:.1f} s", flush=True)
    evening.status(merge, "success", "deployed")
    _proves(evening)
    stage.say(
        "Both are told: the create that machine one began and never ended, and what machine two did to finish it."
    )
    told = evening.operator("two").hanse("history VirtualCluster/tides/surge", expect="done")
    if not re.search(r"\bcreate\b.*\binterrupted\b", told):
        raise WrongEndError(f"the create that was interrupted is not told: {told}")


def _proves(evening: Evening) -> None:
    """No action was done twice: by the cloud's own books, and by the name server's own log."""
    evening.stage.say("""Was anything done twice? Hanse's records are not asked: the cloud counts the machines that were
        ever made in it (it would make a second one of the same name), and BIND logs each update.""")
    names = _cloud(evening)
    with closing(sqlite3.connect(f"file:{_world(evening)}?mode=ro", uri=True)) as books:
        (made,) = books.execute("SELECT seq FROM sqlite_sequence WHERE name = 'node'").fetchone()
    print(f"\n  the cloud: {made} machines were ever made, {len(set(names))} names, {len(names)} are there")
    added = f"adding an RR at 'surge.{town.ZONE}' A"
    ours = (evening.bind.dir / "named.log").read_bytes()[evening.since :].decode()
    log = [line for line in ours.splitlines() if added in line]
    print("\n".join(f"  BIND: {line}" for line in log), flush=True)
    if (made, len(names), len(set(names)), len(log)) != (NODES, NODES, NODES, 1):
        raise WrongEndError(f"something was made twice, or not at all: {made}, {names}, {log}")


def _shows(evening: Evening, leader: Machine) -> None:
    """The page, as people see it."""
    evening.stage.chapter(7, "The page shows it")
    evening.browser.look(1280, 900)
    evening.picture(leader, "/", "overview")
    evening.picture(leader, "/resources/VirtualCluster/tides/surge", "cluster")
    evening.picture(leader, "/graph", "graph")
    evening.picture(leader, "/runs", "runs")


def _alarms(evening: Evening, leader: Machine) -> None:
    """Somebody meddles; it is told and mended."""
    stage = evening.stage
    stage.chapter(8, "Somebody changes the world by hand")
    stage.say("Somebody who has the key of the name server points Tara's name elsewhere.")
    name, key = f"tides.{town.ZONE}.", evening.bind.writer_key
    lines = [f"server 127.0.0.1 {evening.bind.port}", f"zone {town.ZONE}.", f"update delete {name} A"]
    lines += [f"update add {name} 300 A 203.0.113.66", "send"]
    stage.note(f"$ nsupdate -k {key.name}")
    print(textwrap.indent("\n".join(lines), "  > "), flush=True)
    subprocess.run(["nsupdate", "-k", key], input="\n".join(lines), text=True, check=True)
    _told(evening, "DNSRecord/tides/www")
    evening.until("the name is as git says again", lambda: _address(evening, name) == "192.0.2.10")
    print(f"  {name} is 192.0.2.10 again, says BIND", flush=True)


def _told(evening: Evening, words: str, since: int = 0) -> None:
    """Wait for a message to Tara with some words, and show it."""

    def found() -> str:
        posts = (body.decode() for _, body in list(evening.receiver.posts[since:]))
        return next((body for body in posts if words in body), "")

    said = json.loads(str(evening.until(f"Tara is told of {words}", found)))["data"]
    print(f"\n  Tara is told: {said['title']}\n    {said['text']}", flush=True)


def _keeps_quiet(evening: Evening, leader: Machine) -> None:
    """In a downtime drift is measured and shown, and nobody is told until it is over."""
    stage, sam = evening.stage, evening.person("sam")
    stage.chapter(9, "A downtime keeps quiet")
    stage.say("The storm is there, and power with it comes and goes. Sam declares a downtime.")
    began = datetime.now(UTC) - timedelta(minutes=1)
    sam.shell("git pull -q origin main")
    sam.write("manifests/downtimes/storm.yaml", town.downtime(began, began + timedelta(hours=8)))
    sam.commit("Downtime: the power goes off and on")
    sam.shell("git push -q origin main")
    evening.status(_head(sam), "success", "deployed")
    since = len(evening.receiver.posts)
    world = World.open(_world(evening))
    lost = world.names()[-1]
    world.destroy_behind_our_back(lost)
    world.close()
    print(f"\n  (a host of the cloud dies, and with it {lost})", flush=True)
    evening.until("the cluster has drifted, as the page says", lambda: _condition(leader, "InSync") == "False")
    evening.operator("two").hanse("status --kind VirtualCluster", expect="SiteInDowntime|Downtime/|DriftDetected")
    rounds = {_planned_at(leader)}
    evening.until("three more rounds", lambda: rounds.add(_planned_at(leader)) or len(rounds) > 3)
    if any(b"tides/surge" in body for _, body in evening.receiver.posts[since:]):
        raise WrongEndError("Tara was told in a downtime")
    print("  Tara is told nothing, round after round, and nothing is done at a site that is down.", flush=True)
    evening.picture(leader, "/resources/VirtualCluster/tides/surge", "in-downtime")
    stage.say("The power is back for good; Sam ends the downtime.")
    sam.write("manifests/downtimes/storm.yaml", town.downtime(began, datetime.now(UTC)))
    sam.commit("The power is back")
    sam.shell("git push -q origin main")
    _told(evening, "tides/surge", since)
    evening.until("the cluster is whole again", lambda: len(_cloud(evening)) == NODES)
    print(f"  {NODES} of {NODES} machines are there", flush=True)


def _ends(evening: Evening, leader: Machine) -> None:
    """Everything is as git says, and the reconciler ends as a service does."""
    evening.until("all is in sync", lambda: _condition(leader, "InSync") == "True")
    evening.picture(leader, "/", "late")
    code = leader.stop()
    if code:
        raise WrongEndError(f"machine {leader.name} ended with {code}")


def _condition(machine: Machine, name: str) -> str:
    """Of the cluster, by the API."""
    told = requests.get(f"{machine.url}/api/v1/resources/VirtualCluster/tides/surge", headers=SHOWN, timeout=120).json()
    return next((one["status"] for one in told["conditions"] if one["type"] == name), "")


def _planned_at(machine: Machine) -> str:
    """When the last round has planned, by the API."""
    told = requests.get(f"{machine.url}/api/v1/plan", headers=SHOWN, timeout=120)
    return str(told.json().get("at", "")) if told.ok else ""


def _address(evening: Evening, name: str) -> str:
    """The first address of a name, as the server has it."""
    asked = dns.message.make_query(name, "A")
    answer = dns.query.tcp(asked, "127.0.0.1", timeout=120, port=evening.bind.port).answer
    return min(str(record) for record in answer[0]) if answer else ""


def _world(evening: Evening) -> Path:
    return world_path(str(evening.stage.place / "world/compute"), f"{town.SITE}/one/{town.VO}")


def _cloud(evening: Evening) -> list[str]:
    """Names of the machines that are there, by the cloud's own books."""
    path = _world(evening)
    if not path.exists():
        return []
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as books:
        try:
            return [name for (name,) in books.execute("SELECT name FROM node WHERE gone_at IS NULL ORDER BY number")]
        except sqlite3.OperationalError:
            return []


def _head(person: Stage) -> str:
    done = subprocess.run(
        ["git", "rev-parse", "HEAD"],
        cwd=person.place,
        env=person.environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else ".demo")))
