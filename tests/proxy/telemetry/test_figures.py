"""What is counted of runs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from action_model.actions import Action
from action_model.prices import Usage
from proxy.telemetry.figures import overhead_seconds, waste_usd
from router.task import Attempt, Candidate, FinishReason, Run


def attempt(start: float, end: float, outcome: str = "ok") -> Attempt:
    return Attempt("a", "a/m", "generate", start, end, outcome, Usage(), 1_000_000_000)  # type: ignore[arg-type]


def run_of(attempts: list[Attempt], seconds: float, candidates: tuple[Candidate, ...] = ()) -> Run:
    chosen = candidates[-1] if candidates else None
    return Run("r", FinishReason.DEADLINE, chosen, None, candidates, (), tuple(attempts), Usage(), 0, seconds, {})


def test_time_in_which_no_upstream_works_is_ours() -> None:
    assert overhead_seconds(run_of([attempt(1, 3), attempt(2, 4), attempt(5, 6)], 7)) == pytest.approx(3.0)


@given(st.lists(st.tuples(st.floats(0, 10), st.floats(0, 10))), st.floats(0, 20))
def test_overhead_is_never_negative_and_never_longer_than_the_run(
    pairs: list[tuple[float, float]], whole: float
) -> None:
    attempts = [attempt(min(pair), max(pair)) for pair in pairs]
    assert 0 <= overhead_seconds(run_of(attempts, whole)) <= whole


def test_money_that_brought_nothing_is_waste_but_not_that_of_an_ancestor() -> None:
    first = Candidate("c0", Action("a/m"), b"", "", nanodollars=1_000_000_000)
    loser = Candidate("c1", Action("a/m"), b"", "", nanodollars=2_000_000_000)
    fixed = Candidate("c2", Action("a/m", "fix"), b"", "", nanodollars=1_000_000_000, parents=("c0",))
    run = run_of([attempt(0, 1, "cancelled"), attempt(0, 1)], 1, (first, loser, fixed))
    assert waste_usd(run) == {"cancelled": 1.0, "not_chosen": 2.0}
