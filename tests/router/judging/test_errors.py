"""Error rates from labels: between prior and counts, rising with the claim, and what they make of verdicts."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from router.judging.errors import EDGES, MIDDLE, UNFOUNDED, Counts, bin_of, channel_of, errors_of, together

claims = st.floats(0, 1)
labels = st.lists(st.tuples(claims, st.booleans()), max_size=60)


def counts_of(rows: list[tuple[float, bool]]) -> Counts:
    counts = Counts()
    for claimed, truth in rows:
        counts = counts.plus(bin_of(claimed), truth)
    return counts


def test_without_labels_a_judge_is_the_prior() -> None:
    errors = errors_of(Counts(), Counts())
    assert abs(errors.true_pass - 0.9) < 1e-9
    assert abs(errors.false_pass - 0.2) < 1e-9
    assert errors.threshold == MIDDLE


@given(labels, labels)
def test_rates_are_chances_and_odds_never_fall_with_the_claim(
    whole: list[tuple[float, bool]], kind: list[tuple[float, bool]]
) -> None:
    errors = errors_of(counts_of(whole + kind), counts_of(kind))
    assert abs(sum(errors.given_true) - 1) < 1e-9
    assert abs(sum(errors.given_false) - 1) < 1e-9
    odds = [true / false for true, false in errors.seen]
    assert all(later >= earlier - 1e-9 for earlier, later in pairwise(odds))
    assert errors.threshold >= UNFOUNDED


def test_a_judge_that_passes_everything_says_nothing() -> None:
    rows = [(0.95, True)] * 200 + [(0.95, False)] * 200
    found = errors_of(counts_of(rows), counts_of(rows)).evidence(0.95)
    assert 0.9 < found.given_success / found.given_failure < 1.2


def test_a_judge_that_is_sure_only_of_what_is_right_gets_a_higher_threshold() -> None:
    rows = [(0.9995, True)] * 90 + [(0.7, True)] * 10 + [(0.7, False)] * 95 + [(0.9995, False)] * 5
    errors = errors_of(counts_of(rows), counts_of(rows))
    assert EDGES[errors.threshold - 1] > 0.7
    assert errors.passes(0.9995)
    assert not errors.passes(0.7)
    assert errors.false_pass < 0.15
    assert errors.true_pass > 0.7


def test_a_judge_that_quotes_badly_but_is_right_passes_all_the_same_once_its_labels_say_so() -> None:
    unfounded = (EDGES[UNFOUNDED - 1] + EDGES[UNFOUNDED]) / 2
    rows = [(unfounded, True)] * 80 + [(0.9, True)] * 20 + [(unfounded, False)] * 20 + [(0.1, False)] * 80
    errors = errors_of(counts_of(rows), counts_of(rows))
    assert errors.passes(unfounded)
    assert not errors.passes(EDGES[UNFOUNDED - 1] - 0.01)
    few = errors_of(counts_of(rows[70:101:5]), counts_of(rows[70:101:5]))
    assert not few.passes(unfounded)
    blind = [(unfounded, True)] * 80 + [(0.9, True)] * 20 + [(unfounded, False)] * 80 + [(0.1, False)] * 20
    assert not errors_of(counts_of(blind), counts_of(blind)).passes(unfounded)


def test_few_labels_of_a_kind_lean_on_the_judges_others() -> None:
    whole = [(0.9, True)] * 100 + [(0.1, False)] * 100
    errors = errors_of(counts_of(whole), counts_of([(0.9, False)]))
    assert errors.false_pass < 0.2


@given(st.integers(1, 5), st.integers(0, 5))
def test_one_broken_requirement_among_many_is_enough(count: int, others: int) -> None:
    errors = errors_of(Counts(), Counts())
    channel = channel_of([errors] * count, others)
    assert abs(channel.given_success - errors.true_pass**count) < 1e-9
    assert channel.given_failure <= errors.false_pass + 1e-9


def test_exact_checks_that_pass_leave_less_room_for_a_failure() -> None:
    errors = errors_of(Counts(), Counts())
    alone, beside = together([(errors, 0.9)], 0, 0), together([(errors, 0.9)], 3, 0)
    assert beside.given_failure < alone.given_failure
    assert together([], 2, 0).given_failure == 0.0
    assert together([], 1, 1).given_failure == 0.5
