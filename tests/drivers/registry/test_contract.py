"""What every register must do, whoever keeps it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from reconciler.errors import Terminal
from reconciler.ports import Document

U1, U2 = "1" * 32, "2" * 32


def names(table):
    return sorted(table.read().documents)


def test_a_register_never_written_is_empty(register):
    assert register("sites").read().documents == {}


def test_what_is_put_is_read_back_whole(register):
    document = Document("vo-x/probe", {"text": "zürich \U0001f600", "list": [1, 2.5, None, True], "map": {"a": {}}}, U1)
    register("sites").put([document])
    assert register("sites").read().documents == {"vo-x/probe": document}


def test_a_second_put_replaces_the_first(register):
    table = register("sites")
    table.put([Document("A", {"n": 1}, U1)])
    table.put([Document("A", {"n": 2}, U1)])
    assert table.read().documents["A"].body == {"n": 2}


def test_removing_is_repeatable_and_takes_only_what_is_named(register):
    table = register("sites")
    table.put([Document("A", {}, U1), Document("B", {}, U2)])
    table.remove(["A"])
    table.remove(["A", "never-there"])
    assert names(table) == ["B"]


def test_tables_do_not_see_each_other(register):
    register("sites").put([Document("A", {}, U1)])
    assert names(register("vos")) == []


def test_the_token_of_the_last_reading_answers_unchanged(register):
    table = register("sites")
    table.put([Document("A", {}, U1)])
    token = table.read().token
    again = register("sites").read(token)
    assert again.unchanged
    assert again.token == token


@pytest.mark.parametrize("change", ["put", "remove"])
def test_any_change_ends_the_token(register, change):
    table = register("sites")
    table.put([Document("A", {"n": 1}, U1)])
    token = table.read().token
    if change == "put":
        register("sites").put([Document("A", {"n": 2}, U1)])
    else:
        register("sites").remove(["A"])
    assert not table.read(token).unchanged


def test_a_change_of_another_table_leaves_the_token_alone(register):
    register("sites").put([Document("A", {}, U1)])
    token = register("sites").read().token
    register("vos").put([Document("A", {}, U2)])
    assert register("sites").read(token).unchanged


def test_a_foreign_token_never_answers_unchanged(register):
    register("sites").put([Document("A", {}, U1)])
    assert not register("sites").read("from-another-register").unchanged


def test_a_uid_under_a_new_name_leaves_its_former_one(register):
    table = register("sites")
    table.put([Document("old", {"n": 1}, U1)])
    table.put([Document("new", {"n": 1}, U1)])
    assert names(table) == ["new"]


def test_two_names_are_exchanged_in_one_put(register):
    table = register("sites")
    table.put([Document("a", {"n": 1}, U1), Document("b", {"n": 2}, U2)])
    table.put([Document("b", {"n": 1}, U1), Document("a", {"n": 2}, U2)])
    assert {d.name: d.uid for d in table.read().documents.values()} == {"a": U2, "b": U1}


def test_documents_without_a_mark_stand_side_by_side(register):
    table = register("sites")
    table.put([Document("a", {}), Document("b", {})])
    assert names(table) == ["a", "b"]


def test_a_batch_with_one_bad_document_changes_nothing(register):
    table = register("sites")
    table.put([Document("kept", {}, U1)])
    with pytest.raises(Terminal):
        table.put([Document("good", {}, U2), Document("bad", ["not", "an", "object"], "3" * 32)])
    assert names(table) == ["kept"]


def test_threads_write_at_the_same_time_and_lose_nothing(register):
    def write(n):
        register("sites").put([Document(f"s{n}", {"n": n}, f"{n:032x}")])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(1, 65)))
    assert len(register("sites").read().documents) == 64
