"""What is promised of every plan, over situations that hypothesis draws: polls and second opinions included."""

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from action_model.belief import Repair
from router.planner import Confirmation, Situation, Stop, Tradeoff, Verification, plan_wave
from router.planning.moves import MIN_FIX_CHANCE, build_moves
from router.planning.poll_choice import PollChoice
from router.planning.standing import standings
from router.task import FinishReason, Wave
from tests.router.test_planner import candidate, doubted, estimate, opinions_of, situation_of, situations

TOLD = {"action", "parents", "value", "success", "usd", "seconds"}
answers = st.lists(st.sampled_from(["1", "2", "3", None]), max_size=4)
money, times, calls = st.none() | st.integers(0, 10**7), st.none() | st.floats(0, 20), st.none() | st.integers(0, 6)


def limited(situation: Situation, nanodollars: int | None, seconds: float | None, count: int | None) -> Situation:
    return replace(situation, nanodollars_left=nanodollars, seconds_left=seconds, calls_left=count)


def fits(wave: Wave, situation: Situation, has_answer: bool) -> bool:
    """Money and calls always; the deadline wherever there is an answer already."""
    usd_high = sum(planned.estimate.usd_high for planned in wave.actions) * 1e9
    slowest = max(planned.estimate.seconds_high for planned in wave.actions)
    return (
        (situation.nanodollars_left is None or usd_high <= situation.nanodollars_left + 1e-3)
        and (situation.calls_left is None or len(wave.actions) <= situation.calls_left)
        and (not has_answer or situation.seconds_left is None or slowest <= situation.seconds_left)
    )


@settings(max_examples=60, deadline=None)
@given(answers, money, times, calls, st.integers(1, 4), st.floats(0, 0.1))
def test_no_opinion_is_asked_for_beyond_money_calls_or_deadline(
    said: list[str | None], nanodollars: int | None, seconds: float | None, count: int | None, width: int, hurry: float
) -> None:
    poll = opinions_of(*said, max_parallel=width, tradeoff=Tradeoff(1.0, hurry))
    situation = limited(poll, nanodollars, seconds, count)
    decision = plan_wave(situation)
    if isinstance(decision, Wave):
        assert len(decision.actions) <= width
        assert fits(decision, situation, bool(said))


@settings(max_examples=40, deadline=None)
@given(answers.filter(bool), st.integers(0, 10**7), st.floats(0, 20), st.integers(0, 4))
def test_more_budget_never_lowers_what_an_opinion_is_worth(
    said: list[str | None], nanodollars: int, seconds: float, count: int
) -> None:
    def worth(situation: Situation) -> float:
        choice = PollChoice.of(situation, build_moves(situation, ()))
        return float(np.where(choice.fits, choice.asked, 0.0).max(initial=0.0))

    situation = opinions_of(*said)
    less = worth(limited(situation, nanodollars, seconds, count))
    more = worth(limited(situation, 2 * nanodollars, 2 * seconds, count + 2))
    assert more >= less - 1e-9


@settings(max_examples=60, deadline=None)
@given(st.none() | st.integers(0, 10**9), st.none() | st.floats(6, 12), calls, st.floats(0, 0.002), st.floats(0, 20))
def test_a_second_opinion_worth_its_price_is_asked_for_if_it_fits_and_but_once(
    nanodollars: int | None, seconds: float | None, count: int | None, price: float, late: float
) -> None:
    judge = Confirmation(estimate("judge", 1, 0, 0).action, Verification(1.0, 0.1, price, price, late, late, 1))
    situation = limited(doubted(0.3, confirmation=judge, tradeoff=Tradeoff(usd=1.0)), nanodollars, seconds, count)
    decision, again = plan_wave(situation), plan_wave(replace(situation, confirmed=frozenset({"c0"})))
    is_asked, is_asked_again = (
        isinstance(made, Wave) and made.actions[0].action == judge.action for made in (decision, again)
    )
    can_pay = nanodollars is None or price * 1e9 <= nanodollars
    assert not is_asked or (can_pay and (seconds is None or late <= seconds) and count != 0)
    assert is_asked or (nanodollars, seconds, count) != (None, None, None)
    assert not is_asked_again


@settings(max_examples=60, deadline=None)
@given(situations())
def test_whatever_is_expected_of_the_actions_a_solved_task_stops_at_once(situation: Situation) -> None:
    decision = plan_wave(replace(situation, candidates=(candidate("c0", 1.0),)))
    assert isinstance(decision, Stop)
    assert decision.reason == FinishReason.ALL_SATISFIED


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(0.02, 0.9), st.floats(1e-3, 1.0)), min_size=1, max_size=4), st.integers(0, 8))
def test_where_no_action_is_worth_its_price_even_on_the_easiest_task_it_stops(
    actions: list[tuple[float, float]], score: int
) -> None:
    """However the tasks that fit the belief differ, an answer gains at most 1 and costs more than its chance."""
    drawn = [estimate(f"m{i}", chance, usd, 1.0) for i, (chance, usd) in enumerate(actions)]
    situation = situation_of(*drawn, candidates=(candidate("c0", score / 10),))
    dear = Tradeoff(usd=1.2 / min(usd for _, usd in actions))
    decision = plan_wave(replace(situation, tradeoff=dear))
    assert isinstance(decision, Stop)
    assert decision.reason == FinishReason.NO_IMPROVEMENT_EXPECTED


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 5), st.floats(0.2, 0.6), st.floats(1.5, 4.0))
def test_a_short_deadline_widens_the_wave_and_a_long_one_asks_one_at_a_time(
    count: int, chance: float, seconds: float
) -> None:
    drawn = [estimate(f"m{i}", chance, 0.0002, seconds) for i in range(count)]
    situation = situation_of(*drawn, tradeoff=Tradeoff(usd=20.0))
    long, short = (plan_wave(replace(situation, seconds_left=left * seconds)) for left in (40.0, 1.6))
    assert isinstance(long, Wave)
    assert isinstance(short, Wave)
    assert len(long.actions) == 1
    assert len(short.actions) > 1


@settings(max_examples=40, deadline=None)
@given(st.floats(0, 0.04) | st.floats(0, 1), st.floats(0, 1), st.just(0.0) | st.floats(0, 20), st.integers(0, 9))
def test_a_fix_is_never_planned_for_what_cannot_be_fixed_nor_for_what_passed(
    chance: float, usd: float, worth: float, score: int
) -> None:
    def fix_chance(index: int, repair: Repair) -> float:
        return chance

    sample, fix = estimate("m0", 0.0, usd / 100, 1.0), estimate("m0", 0.3, usd / 100, 1.0, "fix")
    situation = situation_of(sample, fix, fix_chance=fix_chance, tradeoff=Tradeoff(worth))
    failed = plan_wave(replace(situation, candidates=(candidate("c0", score / 10),)))
    fixes = [planned for planned in getattr(failed, "actions", ()) if planned.action.technique == "fix"]
    begun = replace(situation, candidates=(candidate("c0", score / 10),))
    offered = build_moves(begun, standings(begun))
    assert any(planned.parents for planned in offered.planned) == (chance >= MIN_FIX_CHANCE)
    assert chance >= MIN_FIX_CHANCE or not fixes
    assert all(planned.parents == ("c0",) for planned in fixes)
    fresh: Any = plan_wave(situation)
    assert all(planned.action.technique != "fix" for planned in getattr(fresh, "actions", ()))


@settings(max_examples=60, deadline=None)
@given(situations())
def test_every_wave_and_every_stop_for_want_of_worth_or_budget_lists_what_it_looked_at(situation: Situation) -> None:
    decision = plan_wave(situation)
    if isinstance(decision, Stop) and decision.reason == FinishReason.UPSTREAM_UNAVAILABLE:
        return
    assert decision.alternatives
    assert all(set(row) >= TOLD for row in decision.alternatives)
    values = [row["value"] for row in decision.alternatives]
    assert values == sorted(values, reverse=True)
