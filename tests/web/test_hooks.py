"""Web hooks: what each forge sends is taken when it is genuine and new, and nothing else is; answers tell nothing."""

from __future__ import annotations

import base64
import json
import subprocess
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
import requests

from reconciler import logs
from reconciler.copies import Board
from reconciler.errors import Terminal
from reconciler.model import SecretRef
from reconciler.records.store import open_store
from reconciler.settings import WebhookSettings
from reconciler.web import hooks
from reconciler.web.serving import serving

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SECRET = "It's a Secret to Everybody"
TOKEN = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()
OLD, NEW = "6113728f27ae82c7b1a177c8d03f9e96e0adf246", "0000000000000000000000000000000000000000"

# The shapes in which the forges publish their events, less what is not looked at.
GITHUB = {
    "ref": "refs/heads/main",
    "before": OLD,
    "after": NEW,
    "created": False,
    "deleted": False,
    "forced": False,
    "repository": {"id": 186853002, "full_name": "ocean/federation", "clone_url": "https://forge/ocean/federation.git"},
    "pusher": {"name": "ada", "email": "ada@example.org"},
    "commits": [],
    "head_commit": None,
}
GITEA = {**GITHUB, "compare_url": "", "total_commits": 1}
GITLAB = {
    "object_kind": "push",
    "event_name": "push",
    "before": OLD,
    "after": NEW,
    "ref": "refs/heads/main",
    "checkout_sha": NEW,
    "user_username": "ada",
    "project_id": 15,
    "project": {"id": 15, "path_with_namespace": "ocean/federation", "default_branch": "main"},
    "commits": [],
    "total_commits_count": 4,
}
CLOUD = {
    "actor": {"nickname": "ada"},
    "repository": {"full_name": "ocean/federation", "name": "federation"},
    "push": {"changes": [{"new": {"type": "branch", "name": "main"}, "old": {"type": "branch", "name": "main"}}]},
}
CENTRE = {
    "eventKey": "repo:refs_changed",
    "repository": {"slug": "federation", "project": {"key": "ocean"}},
    "changes": [{"ref": {"id": "refs/heads/main", "displayId": "main", "type": "BRANCH"}, "type": "UPDATE"}],
}


def hmac_by_openssl(body: bytes, secret: bytes = SECRET.encode(), form: str = "hex") -> str:
    """A signature that none of our code has made."""
    words = ["openssl", "dgst", "-sha256", "-mac", "HMAC", "-macopt", f"hexkey:{secret.hex()}", "-binary"]
    made = subprocess.run(words, input=body, check=True, capture_output=True).stdout
    return made.hex() if form == "hex" else base64.b64encode(made).decode()


def signed(forge: str, body: bytes, delivery: str = "d1", at: datetime = NOW) -> dict[str, str]:
    """The headers with which a forge sends a body."""
    mark = hmac_by_openssl(body)
    stamp = str(int(at.timestamp()))
    key = base64.b64decode(TOKEN.removeprefix("whsec_"))
    return {
        "github": {
            "X-GitHub-Event": "push",
            "X-GitHub-Delivery": delivery,
            "X-Hub-Signature-256": f"sha256={mark}",
        },
        "gitea": {
            "X-Gitea-Event": "push",
            "X-Gitea-Delivery": delivery,
            "X-Gitea-Signature": mark,
            "X-GitHub-Event": "push",
            "X-GitHub-Delivery": delivery,
        },
        "forgejo": {"X-Forgejo-Event": "push", "X-Forgejo-Delivery": delivery, "X-Forgejo-Signature": mark},
        "gitlab": {"X-Gitlab-Event": "Push Hook", "X-Gitlab-Token": SECRET, "X-Gitlab-Event-UUID": delivery},
        "signing": {
            "X-Gitlab-Event": "Push Hook",
            "webhook-id": delivery,
            "webhook-timestamp": stamp,
            "webhook-signature": "v1," + hmac_by_openssl(f"{delivery}.{stamp}.".encode() + body, key, "base64"),
        },
        "bitbucket": {"X-Event-Key": "repo:push", "X-Request-UUID": delivery, "X-Hub-Signature": f"sha256={mark}"},
    }[forge]


class Served:
    """A server with a web hook of each forge; ``rung`` counts what was taken."""

    def __init__(self, url: str) -> None:
        self.url, self.rung = url, 0

    def send(self, hook: str, body, headers: dict[str, str] | None = None, **more):
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        given = signed(hook, content, **more) if headers is None else headers
        return requests.post(f"{self.url}/hooks/{hook}", data=content, headers=given, timeout=120)


@pytest.fixture
def serve(tmp_path):
    """Serves with the records of this test: a second server has those of the first."""
    from contextlib import contextmanager

    secrets = {"HOOK": SECRET, "TOKEN": TOKEN}

    def secret(reference: SecretRef) -> str:
        if reference.env not in secrets:
            raise Terminal(f"the environment variable {reference.env} is not set")
        return secrets[reference.env]

    def made(name: str, forge: str, env: str = "HOOK", **more):
        return WebhookSettings(
            name=name, forge=forge, secret=SecretRef(env=env), repository="ocean/*", branches=("main",), **more
        )

    @contextmanager
    def serving_now(now=NOW, *, waits=False):
        known = [
            *(made(name, name) for name in ("github", "gitea", "forgejo", "gitlab", "bitbucket")),
            made("signing", "gitlab", "TOKEN"),
            made("small", "github", body_megabytes=1),
            made("lost", "github", "NOWHERE"),
        ]
        with open_store(f"sqlite:///{tmp_path}/hanse.db", lambda: now) as store:
            served = Served("")
            ring = partial(served.__setattr__, "rung")
            found = hooks.Hooks(
                known, secret, store.deliveries, lambda: ring(served.rung + 1), lambda: now, lambda: waits
            )
            with serving("127.0.0.1:0", Board(), None, hooks.routes(found)) as served.url:
                yield served

    return serving_now


@pytest.fixture
def served(serve):
    with serve() as made:
        yield made


FORGES = [
    ("github", GITHUB),
    ("gitea", GITEA),
    ("forgejo", GITEA),
    ("gitlab", GITLAB),
    ("signing", GITLAB),
    ("bitbucket", CLOUD),
    ("bitbucket", CENTRE),
]


def test_the_independent_signer_agrees_with_the_vector_that_github_publishes():
    published = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert hmac_by_openssl(b"Hello, World!") == published


@pytest.mark.parametrize(("forge", "payload"), FORGES)
def test_a_push_is_taken_once(served, forge, payload):
    assert served.send(forge, payload).status_code == 202
    assert served.rung == 1
    again = served.send(forge, payload)
    assert (again.status_code, again.content) == (409, b"")
    assert served.rung == 1


@pytest.mark.parametrize(("forge", "payload"), FORGES)
def test_what_came_before_a_restart_is_not_taken_after_it(serve, forge, payload):
    with serve() as served:
        assert served.send(forge, payload).status_code == 202
    with serve() as served:
        assert served.send(forge, payload).status_code == 409


def test_who_stands_by_takes_nothing_so_that_the_leader_can(serve):
    with serve(waits=True) as served:
        assert served.send("forgejo", GITEA).status_code == 503
        assert served.rung == 0
    with serve() as served:
        assert served.send("forgejo", GITEA).status_code == 202


@pytest.mark.parametrize("forge", ["github", "gitea", "forgejo", "bitbucket"])
def test_the_same_body_under_another_id_is_a_replay(served, forge):
    assert served.send(forge, GITHUB).status_code == 202
    assert served.send(forge, GITHUB, delivery="d2").status_code == 409


@pytest.mark.parametrize(("forge", "payload"), [one for one in FORGES if one[0] != "gitlab"])
def test_a_body_that_was_changed_on_the_way_is_refused(served, forge, payload):
    body = json.dumps(payload).encode()
    found = served.send(forge, body.replace(b"main", b"evil"), signed(forge, body))
    assert (found.status_code, found.content, served.rung) == (401, b"", 0)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Hub-Signature-256": ""},
        {"X-Hub-Signature-256": "sha256="},
        {"X-Hub-Signature-256": "sha256=" + "0" * 64},
        {"X-Hub-Signature": "sha1=" + "0" * 40},
        {"X-Hub-Signature-256": "\u00e9".encode("latin-1")},
        {"X-Gitlab-Token": SECRET},
        {"webhook-signature": "v1,x"},
    ],
)
def test_without_a_genuine_signature_nothing_is_taken(served, headers):
    assert served.send("github", GITHUB, headers).status_code == 401
    assert served.rung == 0


def test_a_signature_of_the_body_does_not_pass_for_a_token(served):
    body = json.dumps(GITLAB).encode()
    assert served.send("gitlab", body, {"X-Gitlab-Token": hmac_by_openssl(body)}).status_code == 401
    assert served.send("signing", body, {**signed("signing", body), "webhook-id": "d7"}).status_code == 401


@pytest.mark.parametrize("minutes", [-6, 6])
def test_what_was_signed_at_another_time_is_refused(served, minutes):
    at = NOW + timedelta(minutes=minutes)
    assert served.send("signing", GITLAB, at=at).status_code == 401
    assert served.send("signing", GITLAB, at=NOW + timedelta(minutes=minutes / 2)).status_code == 202


def test_one_of_several_signatures_may_be_the_right_one(served):
    body = json.dumps(GITLAB).encode()
    found = signed("signing", body)
    found["webhook-signature"] = "v1a,zzz v1,AAAA " + found["webhook-signature"]
    assert served.send("signing", body, found).status_code == 202


def test_what_is_too_large_is_refused_before_it_is_read(served):
    body = b"x" * 1_000_001
    assert served.send("small", body, {}).status_code == 413
    promised = {"Content-Length": str(10**12)}
    request = requests.Request("POST", f"{served.url}/hooks/small", data=b"x").prepare()
    request.headers.update(promised)
    with requests.Session() as session:
        assert session.send(request, timeout=120).status_code == 413


def test_a_body_that_does_not_say_how_large_it_is_ends_at_the_limit(served):
    def parts():
        for _ in range(30):
            yield b"x" * 100_000

    answered = requests.post(f"{served.url}/hooks/small", data=parts(), timeout=120)
    assert answered.status_code == 413


def test_a_hook_that_there_is_not_reads_as_a_forged_one(served):
    found = served.send("nobody", GITHUB, {})
    assert (found.status_code, found.content) == (401, b"")


@pytest.mark.parametrize(
    "payload",
    [
        {**GITHUB, "ref": "refs/heads/topic"},
        {**GITHUB, "repository": {"full_name": "eve/federation"}},
    ],
)
def test_what_concerns_others_is_taken_and_passed_over(served, payload):
    assert served.send("github", payload).status_code == 202
    assert served.rung == 0


@pytest.mark.parametrize(
    "body",
    [
        {"zen": "Keep it simple.", "hook_id": 1, "repository": {"full_name": "ocean/federation"}},
        {"action": "synchronize", "number": 7, "repository": {"full_name": "ocean/federation"}, "ref": None},
        b"no json at all",
        b"[" * 100_000,
        b"payload=%7B%22ref%22%3A%22refs%2Fheads%2Fmain%22%7D",
    ],
)
def test_what_is_no_push_may_mean_anything(served, body):
    assert served.send("github", body).status_code == 202
    assert served.rung == 1


_OURS = {"full_name": "ocean/federation"}
_MERGE = {"iid": 7, "target_branch": "main", "source_branch": "line", "last_commit": {"id": OLD}}


@pytest.mark.parametrize(
    ("forge", "payload"),
    [
        ("github", {"action": "submitted", "review": {"state": "approved", "commit_id": OLD}, "repository": _OURS}),
        ("github", {"action": "dismissed", "review": {"state": "dismissed", "commit_id": OLD}, "repository": _OURS}),
        ("gitea", {"action": "reviewed", "review": {"type": "pull_request_review_approved"}, "repository": _OURS}),
        ("forgejo", {"action": "reviewed", "review": {"type": "pull_request_review_rejected"}, "repository": _OURS}),
        (
            "gitlab",
            {
                "object_kind": "merge_request",
                "project": {"path_with_namespace": "ocean/federation"},
                "object_attributes": _MERGE | {"action": "approved"},
                "changes": {},
            },
        ),
        (
            "gitlab",
            {
                "object_kind": "merge_request",
                "project": {"path_with_namespace": "ocean/federation"},
                "object_attributes": _MERGE | {"action": "unapproved"},
                "changes": {"updated_at": {"previous": "", "current": ""}},
            },
        ),
        ("bitbucket", {"pullrequest": {"id": 7}, "approval": {"user": {"nickname": "ada"}}, "repository": _OURS}),
    ],
)
def test_a_review_wakes_as_a_push_does(served, forge, payload):
    assert served.send(forge, payload).status_code == 202
    assert served.rung == 1


def test_refusals_are_logged_without_the_secret(served, capsys):
    logs.configure("info", {})
    served.send("github", GITHUB, {"X-Hub-Signature-256": "sha256=00"})
    served.send("gitlab", GITLAB, {"X-Gitlab-Token": SECRET + "x"})
    served.send("lost", GITHUB, {})
    said = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(one["hook"], one["status"], one["why"]) for one in said if one["message"] == "web hook refused"] == [
        ("github", 401, "the signature is wrong"),
        ("gitlab", 401, "the token is wrong"),
        ("lost", 503, "the environment variable NOWHERE is not set"),
    ]
    assert SECRET not in str(said)


def test_only_so_many_deliveries_are_remembered(tmp_path):
    times = iter(NOW + timedelta(seconds=n) for n in range(100))
    with open_store(f"sqlite:///{tmp_path}/hanse.db", lambda: next(times)) as store:
        for n in range(8):
            assert store.deliveries.first("a", [f"id:{n}"], most=5)
        assert not store.deliveries.first("a", ["id:7"], most=5)
        assert store.deliveries.first("b", ["id:7"], most=5)
        assert store.deliveries.first("a", ["id:0"], most=5)
