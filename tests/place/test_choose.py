"""Choosing: the best that fits, the same each time, kept once made, moving only what must move."""

from hypothesis import given
from hypothesis import strategies as st

from reconciler.kinds import Candidate, OpenChoice
from reconciler.model import Ref
from reconciler.place.choose import choose

REF = Ref("VirtualCluster/vo/hpc")


def among(*candidates: Candidate, count: int = 1, earlier: tuple[str, ...] = ()):
    return choose(REF, OpenChoice("site", candidates, count), earlier)


def test_the_best_score_wins_and_the_second_is_named():
    made = among(Candidate("A", score=1), Candidate("B", score=2), Candidate("C", "no GPU", 9))
    assert (made.chosen, made.runner_up, made.rejected) == (("B",), "A", (("C", "no GPU"),))


def test_an_earlier_choice_is_kept_although_a_better_one_came():
    made = among(Candidate("A", score=1), Candidate("B", score=2), earlier=("A",))
    assert (made.chosen, made.kept, made.moved_from) == (("A",), True, ())


def test_an_earlier_choice_that_became_impossible_moves_and_says_so():
    made = among(Candidate("A", "in downtime"), Candidate("B"), earlier=("A",))
    assert (made.chosen, made.moved_from) == (("B",), ("A",))


def test_too_few_candidates_choose_nothing():
    made = among(Candidate("A"), Candidate("B", "full"), count=2)
    assert made.chosen == ()
    assert made.reason == "2 wanted, 1 of 2 candidates fit"


@given(st.lists(st.text("abcdef", min_size=1, max_size=3), min_size=3, max_size=12, unique=True), st.randoms())
def test_the_order_of_candidates_does_not_matter(names, random):
    candidates = [Candidate(name) for name in names]
    shuffled = list(candidates)
    random.shuffle(shuffled)
    assert among(*candidates, count=2).chosen == among(*shuffled, count=2).chosen


@given(st.lists(st.text("abcdef", min_size=1, max_size=3), min_size=3, max_size=12, unique=True))
def test_one_more_candidate_moves_at_most_one_copy(names):
    before = set(among(*[Candidate(n) for n in names[1:]], count=2).chosen)
    after = set(among(*[Candidate(n) for n in names], count=2).chosen)
    assert len(before & after) >= 1
    assert after - before <= {names[0]}


def test_what_is_against_choosing_it_now_is_not_against_keeping_it():
    full = Candidate("A", why_not_anew="1 instance left, 3 needed")
    assert among(full, Candidate("B"), earlier=("A",)).chosen == ("A",)
    made = among(full, Candidate("B"))
    assert (made.chosen, made.rejected) == (("B",), (("A", "1 instance left, 3 needed"),))


def test_nothing_is_chosen_where_nothing_is_wanted():
    made = among(Candidate("A"), count=0)
    assert (made.chosen, made.reason, made.kept) == ((), "none wanted (1 of 1 candidates fit)", False)


def grown(count: int, earlier: tuple[str, ...], *candidates: Candidate):
    return choose(REF, OpenChoice("workers.gpu", candidates, count, "3 jobs wait"), earlier)


def test_a_choice_grows_beside_what_was_chosen_before_and_says_why():
    made = grown(3, ("1",), *[Candidate(str(n), reason="is free") for n in range(4)])
    assert made.chosen[0] == "1"
    assert len(made.chosen) == 3
    assert not made.kept
    assert made.reason.startswith("3 jobs wait: 1 kept from before; ")


def test_a_choice_shrinks_to_the_best_of_what_was_chosen_and_says_what_it_releases():
    busy = [Candidate("0"), Candidate("1", score=1.0), Candidate("2", score=2.0), Candidate("3", score=9.0)]
    made = grown(2, ("0", "1", "2"), *busy)
    assert made.chosen == ("1", "2")
    assert (made.released, made.moved_from, made.kept) == (("0",), (), False)


def test_a_choice_shrinks_to_nothing():
    made = grown(0, ("0", "1"), Candidate("0"), Candidate("1", "is gone"))
    assert (made.chosen, made.released, made.moved_from) == ((), ("0",), ("1",))
    assert made.reason == "3 jobs wait"


def test_what_is_kept_as_it_is_needs_no_list_of_candidates():
    made = among(Candidate("A"), Candidate("B"), Candidate("C", "no GPU"), earlier=("A",))
    assert made.kept
    assert [r.name for r in made.ranked][1:] in (["B"], ["A"])
    assert (made.brief().rejected, made.brief().ranked, made.brief().runner_up) == ((), (), "")


def rebalanced(*scores: float, **more):
    pairs = zip("AB", scores, strict=True)
    candidates = tuple(Candidate(name, score=score, parts={"room": score}, **more) for name, score in pairs)
    return choose(REF, OpenChoice("site", candidates), ("A",), gain=0.1)


def test_a_choice_is_given_up_for_a_much_better_one_where_that_is_asked_for():
    made = rebalanced(0.5, 0.7)
    assert (made.chosen, made.released, made.kept, made.runner_up) == (("B",), ("A",), False, "A")


def test_a_little_better_is_no_reason_to_move():
    made = rebalanced(0.5, 0.55)
    assert (made.chosen, made.kept, made.runner_up) == (("A",), True, "B")


def test_nothing_moves_to_where_it_could_not_be_chosen_now():
    assert rebalanced(0.1, 0.9, why_not_anew="full").chosen == ("A",)


def test_scores_without_parts_do_not_move_anything():
    choice = OpenChoice("locations", (Candidate("A", score=1), Candidate("B", score=1e12)))
    assert choose(REF, choice, ("A",), gain=0.0).chosen == ("A",)
