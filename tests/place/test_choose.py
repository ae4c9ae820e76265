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
