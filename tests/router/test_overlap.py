"""A fix is started early only where it fits and pays."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from action_model.actions import Action, Offer, Portfolio
from action_model.belief import Belief, Estimate
from action_model.prices import NANODOLLARS_PER_USD, Price
from router.overlap import early_fix
from router.planning.situation import Situation, Tradeoff
from router.task import Candidate, PlannedAction, Requirement, Verdict

SAMPLE, FIX = Action("a/m"), Action("a/m", "fix")
FAILED = Candidate("c0.0", SAMPLE, b"", "long", verdicts=(Verdict("short", 0.6, "6 words", "check"),), score=0.6)


def estimate(action: Action, seconds: float = 2.0) -> Estimate:
    return Estimate(action, 0.5, 0.7, 10, 50, 100, 0.001, 0.002, seconds, 2 * seconds, 0.1)


def situation(tradeoff: Tradeoff, sibling: float = 0.5, chance: float = 0.8, seconds: float = 2.0) -> Situation:
    estimates = (estimate(SAMPLE, seconds), estimate(FIX, seconds))
    success = np.tile(np.array([sibling, 0.5]), (4, 1))
    belief = Belief(estimates, np.full(4, 0.25), success, np.full(2, np.inf), np.zeros(2), np.zeros(2))
    offers = tuple(Offer(e.action, Price(1, 1)) for e in estimates)
    requirements = (Requirement("short", "Answer in at most 3 words"),)
    return Situation(
        belief, Portfolio(offers), tradeoff, (FAILED,), requirements, ("max_words",), fix_chance=lambda i, r: chance
    )


RUNNING = (PlannedAction(SAMPLE, estimate(SAMPLE)),)
HURRIED = Tradeoff(usd=1.0, seconds=0.05)


def test_where_time_counts_and_siblings_may_fail_the_fix_starts() -> None:
    found = early_fix(situation(HURRIED), FAILED, RUNNING)
    assert found is not None
    assert (found.action, found.parents) == (FIX, ("c0.0",))


def test_where_only_money_counts_it_waits() -> None:
    assert early_fix(situation(Tradeoff(usd=10.0)), FAILED, RUNNING) is None


def test_with_nothing_running_the_planner_decides() -> None:
    assert early_fix(situation(HURRIED), FAILED, ()) is None


def test_a_sibling_that_surely_satisfies_makes_it_needless() -> None:
    assert early_fix(situation(HURRIED, sibling=1.0), FAILED, RUNNING) is None


def test_what_is_not_known_to_fail_is_not_fixed() -> None:
    unknown = replace(FAILED, verdicts=(Verdict("short", None, "", "judge"),))
    assert early_fix(situation(HURRIED), unknown, RUNNING) is None


def test_a_hopeless_candidate_is_not_fixed() -> None:
    assert early_fix(situation(HURRIED, chance=0.01), FAILED, RUNNING) is None


@given(
    st.none() | st.integers(0, 4_000_000),
    st.none() | st.integers(0, 2),
    st.none() | st.floats(0, 10),
    st.floats(0, 1),
    st.floats(0, 100),
    st.floats(0, 1),
)
def test_never_beyond_money_calls_or_time(
    money: int | None, calls: int | None, seconds: float | None, chance: float, usd: float, hurry: float
) -> None:
    made = replace(
        situation(Tradeoff(usd, hurry), chance=chance),
        nanodollars_left=money,
        calls_left=calls,
        seconds_left=seconds,
    )
    found = early_fix(made, FAILED, RUNNING)
    if found is not None:
        assert money is None or found.estimate.usd_high * NANODOLLARS_PER_USD <= money
        assert calls is None or calls >= 1
        assert seconds is None or found.estimate.seconds_high <= seconds
