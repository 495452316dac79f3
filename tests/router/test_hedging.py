"""When a second call is worth it."""

from hypothesis import given
from hypothesis import strategies as st

from action_model.actions import Action
from action_model.belief import Estimate
from router.hedging import hedge_for, patience_seconds
from router.planning.situation import Tradeoff
from router.task import PlannedAction


def estimate(model: str = "a/small", seconds: float = 1.0, usd: float = 0.001, success: float = 0.6) -> Estimate:
    return Estimate(Action(model), success, success, 10, 50, 100, usd, 2 * usd, seconds, 2 * seconds, 0.1)


LATE = PlannedAction(Action("a/small"), estimate())
seconds = st.floats(0.01, 100.0)


def test_patience_is_the_high_quantile_and_shorter_before_a_deadline() -> None:
    assert patience_seconds(estimate(), None) == 2.0
    assert patience_seconds(estimate(), 3.0) == 1.5
    assert patience_seconds(estimate(), 0.5) == 0.25


def test_another_upstream_is_preferred_at_equal_price() -> None:
    others = [estimate("a/small"), estimate("b/other")]
    found = hedge_for(LATE, 10.0, others, Tradeoff(1.0, 0.01), None)
    assert found is not None
    assert found.action.model == "b/other"


@given(seconds, st.floats(0, 100), st.floats(0, 1))
def test_no_hedge_where_neither_time_nor_a_deadline_counts(waited: float, usd: float, price: float) -> None:
    assert hedge_for(LATE, waited, [estimate("b/o", usd=price)], Tradeoff(usd, 0.0), None) is None


@given(seconds, seconds)
def test_a_hedge_that_comes_too_late_itself_is_never_made(waited: float, left: float) -> None:
    found = hedge_for(LATE, waited, [estimate("b/o", seconds=s) for s in (0.5, 5.0, 50.0)], Tradeoff(1.0, 0.1), left)
    assert found is None or found.seconds < left


@given(seconds, st.floats(0, 50), st.floats(0, 0.1))
def test_the_longer_the_wait_the_likelier_the_hedge(waited: float, usd: float, hurry: float) -> None:
    others = [estimate("b/o"), estimate("a/small")]
    if hedge_for(LATE, waited, others, Tradeoff(usd, hurry), None) is not None:
        assert hedge_for(LATE, 2 * waited, others, Tradeoff(usd, hurry), None) is not None


def test_an_answer_at_stake_is_worth_more_than_its_seconds() -> None:
    others = [estimate("b/o", usd=0.1)]
    assert hedge_for(LATE, 2.0, others, Tradeoff(1.0, 0.0), 1.5) is not None
    assert hedge_for(LATE, 2.0, others, Tradeoff(1.0, 0.0), 20.0) is None
