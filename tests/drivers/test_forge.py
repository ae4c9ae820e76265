"""Forges: one contract over the API of each. Comments are written once and changed then; nobody else's are touched."""

from __future__ import annotations

import pytest

from reconciler.drivers.forge import forge
from reconciler.errors import Terminal, Transient
from tests.real.forges import ME, TOKEN, forge_server

MARK = "<!-- hanse-plan -->"
HEAD = "a" * 40


@pytest.fixture(params=["github", "gitea", "gitlab"])
def server(request):
    with forge_server(request.param) as made:
        made.pulls.append((7, HEAD, "main"))
        yield made


def opened(server, token: str = TOKEN, **more):
    return forge(server.kind, server.url, "ocean/federation", lambda: token, **more)


def test_open_pull_requests_are_listed_over_pages(server):
    server.pulls[:] = [(n, f"{n:040x}", "main") for n in range(1, 121)]
    found = opened(server).pulls()
    assert [one.number for one in found] == list(range(1, 121))
    assert (found[6].head, found[6].base) == (f"{7:040x}", "main")
    assert found[6].ref == ("refs/merge-requests/7/head" if server.kind == "gitlab" else "refs/pull/7/head")


def test_a_comment_is_written_once_and_changed_then(server):
    client = opened(server)
    client.tell(7, MARK, f"{MARK}\none")
    client.tell(7, MARK, f"{MARK}\ntwo")
    assert server.told(7) == [f"{MARK}\ntwo"]
    before = len(server.asked)
    client.tell(7, MARK, f"{MARK}\ntwo")
    assert not any(one.startswith(("PATCH", "PUT", "POST")) for one in server.asked[before:])


def test_a_comment_is_found_again_behind_many_others(server):
    for n in range(120):
        server.write(7, "ada", f"comment {n}")
    client = opened(server)
    client.tell(7, MARK, f"{MARK}\none")
    client.tell(7, MARK, f"{MARK}\ntwo")
    assert [one for one in server.told(7) if one.startswith(MARK)] == [f"{MARK}\ntwo"]


def test_what_somebody_else_wrote_under_our_mark_is_left_alone(server):
    server.write(7, "eve", f"{MARK}\nnothing to see here")
    opened(server).tell(7, MARK, f"{MARK}\none")
    assert server.told(7) == [f"{MARK}\nnothing to see here", f"{MARK}\none"]


def test_a_commit_is_given_its_status_as_often_as_one_likes(server):
    client = opened(server)
    for state in ("pending", "pending", "failure", "success"):
        client.mark(HEAD, state, "deployed " + "x" * 300)
    good, bad = "success", "failed" if server.kind == "gitlab" else "failure"
    assert [state for _, state, _ in server.statuses if state != "pending"] == [bad, good]
    assert all(len(said) <= 255 for _, _, said in server.statuses)


@pytest.mark.parametrize(("status", "kind"), [(500, Transient), (429, Transient), (404, Terminal), (302, Terminal)])
def test_refusals_are_told_by_what_can_be_done(server, status, kind):
    server.refuse[:] = [status]
    with pytest.raises(kind, match=str(status)) as caught:
        opened(server).pulls()
    assert TOKEN not in str(caught.value)


def test_a_wrong_token_is_told_without_it(server):
    with pytest.raises(Terminal, match="401 Unauthorized: Bad credentials") as caught:
        opened(server, "another-s3cret").pulls()
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("token", ["two\nlines", "caf\u00e9\u20ac"])
def test_a_token_that_is_none_is_told_without_it(server, token):
    with pytest.raises((Terminal, Transient)) as caught:
        opened(server, token).mark(HEAD, "success", "x")
    assert token not in str(caught.value)


def test_a_forge_that_is_not_there_may_come_back(server):
    with pytest.raises(Transient, match="cannot be reached"):
        forge(server.kind, "http://127.0.0.1:1", "x/y", lambda: TOKEN).pulls()


def test_the_token_of_a_workflow_finds_its_own_comment():
    with forge_server("github") as server:
        server.pulls.append((7, HEAD, "main"))
        server.anonymous = True
        server.write(7, "eve", f"{MARK}\nevil")
        client = opened(server)
        client.tell(7, MARK, f"{MARK}\none")
        client.tell(7, MARK, f"{MARK}\ntwo")
        assert server.told(7) == [f"{MARK}\nevil", f"{MARK}\ntwo"]


def test_who_we_are_may_be_said(server):
    client = opened(server, user=ME)
    client.tell(7, MARK, f"{MARK}\none")
    client.tell(7, MARK, f"{MARK}\ntwo")
    assert server.told(7) == [f"{MARK}\ntwo"]
    assert not any(one.endswith("/user") for one in server.asked)


def test_who_merged_what_brought_a_commit_has_agreed_to_it(server):
    assert opened(server).agreed(HEAD, "main") == ()
    server.merged[7] = "ada"
    assert opened(server).agreed(HEAD, "main") == ("ada",)
    assert opened(server).agreed(HEAD, "other") == ()
    assert opened(server).agreed("b" * 40, "main") == ()


def test_a_review_counts_for_the_last_state_and_as_the_last_word_of_its_author(server):
    server.reviews += [
        (7, "ada", "APPROVED", HEAD),
        (7, "bob", "APPROVED", "b" * 40),
        (7, "cyd", "APPROVED", HEAD),
        (7, "cyd", "CHANGES_REQUESTED" if server.kind == "github" else "REQUEST_CHANGES", HEAD),
        (7, "ada", "COMMENTED", HEAD),
        (8, "eve", "APPROVED", HEAD),
    ]
    assert opened(server).agreed(HEAD, "main") == (() if server.kind == "gitlab" else ("ada",))


@pytest.fixture
def reviewed(server):
    """Says of a user what he said last, and when, as each forge keeps it; ``pushed`` is at 10 o'clock."""
    server.versions.append((7, HEAD, "2026-11-21T10:00:00.000Z"))

    def say(user: str, state: str, commit: str = HEAD, hour: int = 11) -> None:
        if server.kind != "gitlab":
            server.reviews.append((7, user, state, commit))
            return
        words = {"APPROVED": "approved this merge request", "REQUEST_CHANGES": "requested changes"}
        server.notes.append((7, user, words[state], f"2026-11-21T{hour:02}:00:00.000Z", True))
        known = server.standing.setdefault(7, set())
        known.add(user)

    return say


def test_who_approves_what_a_pull_request_holds_now_agrees_to_it(server, reviewed):
    reviewed("ada", "APPROVED")
    assert opened(server).approving(7) == ("ada",)
    assert opened(server).agreed(HEAD, "main") == ("ada",)
    assert opened(server).agreed(HEAD, "other") == ()


def test_an_approval_from_before_the_last_push_does_not_count(server, reviewed):
    reviewed("ada", "APPROVED", "b" * 40, hour=9)
    assert opened(server).approving(7) == ()
    reviewed("ada", "APPROVED", HEAD)
    assert opened(server).approving(7) == ("ada",)


def test_who_asks_for_changes_after_all_does_not_approve(server, reviewed):
    reviewed("ada", "APPROVED")
    reviewed("ada", "REQUEST_CHANGES", hour=12)
    assert opened(server).approving(7) == ()


def test_nobody_gives_his_own_pull_request_somebody_elses_word(server, reviewed):
    reviewed("eve", "APPROVED")
    assert opened(server).approving(7) == ()
    assert opened(server).agreed(HEAD, "main") == ()


def test_a_later_word_on_another_page_is_seen_where_pages_are_cut_short(server, reviewed):
    server.largest = 2
    for user in ("ada", "bob", "cyd"):
        reviewed(user, "APPROVED")
    reviewed("ada", "REQUEST_CHANGES", hour=12)
    assert opened(server).approving(7) == ("bob", "cyd")


def test_what_was_given_up_is_agreed_to_by_nobody(server, reviewed):
    if server.kind == "gitlab":
        pytest.skip("there the state stands in the list of merge requests")
    reviewed("ada", "APPROVED")
    server.closed.add(7)
    assert opened(server).agreed(HEAD, "main") == ()


def test_a_commit_within_a_pull_request_is_agreed_to_with_it():
    for kind in ("github", "gitea"):
        with forge_server(kind) as server:
            server.pulls += [(6, "c" * 40, "main"), (7, HEAD, "main")]
            server.commits[7] = ["d" * 40]
            server.reviews.append((7, "ada", "APPROVED", HEAD))
            assert opened(server).agreed("d" * 40, "main") == ("ada",)
            assert opened(server).agreed("e" * 40, "main") == ()


@pytest.mark.parametrize(
    "change",
    [
        {"versions": []},
        {"versions": [(7, HEAD, "2026-11-21T10:00:00Z"), (7, "b" * 40, "2026-11-21T10:30:00Z")]},
        {"versions": [(7, HEAD, "2026-11-21T12:00:00Z")]},
        {"notes": []},
        {"notes": [(7, "ada", "approved this merge request", "2026-11-21T11:00:00Z", False)]},
        {"standing": {}},
    ],
)
def test_gitlab_must_say_itself_that_the_approval_came_after_the_push(change):
    with forge_server("gitlab") as server:
        server.pulls.append((7, HEAD, "main"))
        server.versions.append((7, HEAD, "2026-11-21T10:00:00Z"))
        server.notes.append((7, "ada", "approved this merge request", "2026-11-21T11:00:00Z", True))
        server.standing[7] = {"ada"}
        assert opened(server).approving(7) == ("ada",)
        for name, value in change.items():
            setattr(server, name, value)
        assert opened(server).approving(7) == ()


def test_an_active_member_belongs_to_a_team_and_nobody_else(server):
    server.teams["ocean/ops"] = {"ada": "active"} | ({} if server.kind == "gitea" else {"bob": "pending"})
    server.teams["ocean/ops-old"] = {"cyd": "active"}
    client = opened(server)
    assert client.belongs("ada", "@ocean/ops")
    assert client.belongs("cyd", "@ocean/ops-old")
    for user, team in (("bob", "ops"), ("cyd", "ops"), ("ad", "ops"), ("ada", "op"), ("ada", "none"), ("ada", "..")):
        assert not client.belongs(user, f"@ocean/{team}")
    assert not client.belongs("ada/../cyd", "@ocean/ops-old")


def test_a_group_within_groups_is_asked_for_by_its_whole_path():
    with forge_server("gitlab") as server:
        server.teams["ocean/bay/ops"] = {"ada": "active"}
        assert opened(server).belongs("ada", "@ocean/bay/ops")
        assert not opened(server).belongs("ada", "@ocean/bay")
