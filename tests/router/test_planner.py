"""What holds of every plan, whatever the estimates say."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from action_model.actions import Action, Offer, Portfolio
from action_model.belief import Belief, Estimate, Evidence, Repair
from action_model.prices import Price
from router.planner import Confirmation, Situation, Stop, Tradeoff, Verification, best_candidate, frontier, plan_wave
from router.task import Candidate, FinishReason, Requirement, Verdict, Wave

SHORT = Requirement("short", "Answer in at most 3 words")
GARBAGE = st.sampled_from([math.nan, math.inf, -math.inf, -1.0, 0.0, 1e12])
figures = st.floats(0, 1, allow_nan=False) | GARBAGE
small_money = st.floats(1e-6, 0.1) | GARBAGE
durations = st.floats(0.1, 30) | GARBAGE


def estimate(name: str, success: float, usd: float, seconds: float, technique: str = "sample") -> Estimate:
    action = Action(f"a/{name}", technique)
    return Estimate(action, success, success, 10, 50, 100, usd, usd * 2, seconds, seconds * 1.5, 0.1)


def situation_of(*estimates: Estimate, spread: float = 1.0, **changes: Any) -> Situation:
    """Particles of a common difficulty around each action's success."""
    z = np.linspace(-1.5, 1.5, 16)
    p = np.clip(np.nan_to_num([e.success for e in estimates], nan=0.5), 0.02, 0.98)
    success = 1 / (1 + np.exp(-(np.log(p / (1 - p))[None, :] - spread * z[:, None])))
    count = len(estimates)
    belief = Belief(estimates, np.full(16, 1 / 16), success, np.full(count, 4.0), np.zeros(count), np.zeros(count))
    portfolio = Portfolio(tuple(Offer(e.action, Price(0, 0)) for e in estimates))
    made = Situation(belief, portfolio, Tradeoff(usd=1.0, seconds=0.001), requirements=(SHORT,), kinds=("max_words",))
    return replace(made, **changes)


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    drawn = [
        estimate(f"m{i}", draw(figures), draw(small_money), draw(durations), draw(st.sampled_from(["sample", "fix"])))
        for i in range(draw(st.integers(1, 5)))
    ]
    return situation_of(
        *drawn,
        nanodollars_left=draw(st.none() | st.integers(0, 10**8)),
        seconds_left=draw(st.none() | st.floats(0, 60)),
        calls_left=draw(st.none() | st.integers(0, 6)),
        max_parallel=draw(st.integers(1, 6)),
    )


def candidate(name: str, score: float | None, model: str = "m0") -> Candidate:
    verdicts = (Verdict("short", score, "because", "check"),)
    return Candidate(name, Action(f"a/{model}"), b"", "text", verdicts=verdicts, score=score)


CHEAP, DEAR = estimate("cheap", 0.5, 0.001, 1.0), estimate("dear", 0.9, 0.05, 4.0)


@settings(max_examples=150, deadline=None)
@given(situations())
def test_no_wave_passes_money_calls_or_width_whatever_the_estimates_say(situation: Situation) -> None:
    decision = plan_wave(situation)
    if isinstance(decision, Stop):
        return
    assert 1 <= len(decision.actions) <= situation.max_parallel
    assert situation.calls_left is None or len(decision.actions) <= situation.calls_left
    usd = [planned.estimate.usd_high for planned in decision.actions]
    assert all(math.isfinite(value) and value >= 0 for value in usd)
    if situation.nanodollars_left is not None:
        assert sum(math.ceil(value * 1e9 - 1e-6) for value in usd) <= situation.nanodollars_left


@settings(max_examples=60, deadline=None)
@given(situations())
def test_with_a_candidate_at_hand_no_wave_passes_the_deadline(situation: Situation) -> None:
    decision = plan_wave(replace(situation, candidates=(candidate("c0", 0.5),)))
    if isinstance(decision, Wave) and situation.seconds_left is not None:
        assert max(planned.estimate.seconds_high for planned in decision.actions) <= situation.seconds_left


@settings(max_examples=60, deadline=None)
@given(situations(), st.integers(0, 10**8), st.floats(0, 60), st.integers(0, 5))
def test_more_budget_never_lowers_the_expected_value(
    situation: Situation, nanodollars: int, seconds: float, calls: int
) -> None:
    poor = replace(situation, nanodollars_left=nanodollars, seconds_left=seconds, calls_left=calls)
    rich = replace(poor, nanodollars_left=nanodollars * 2, seconds_left=seconds * 2, calls_left=calls + 3)
    (less,), (more,) = frontier(poor, [poor.tradeoff]), frontier(rich, [rich.tradeoff])
    holds_any_plan = less["usd"] > 0.0  # without a candidate the first answer is bought whatever it is worth
    assert more["value"] >= less["value"] - 1e-12 or not holds_any_plan


@settings(max_examples=40, deadline=None)
@given(situations())
def test_the_same_situation_gives_the_same_plan(situation: Situation) -> None:
    assert repr(plan_wave(situation)) == repr(plan_wave(situation))


def test_a_solved_task_stops_at_once() -> None:
    decision = plan_wave(situation_of(CHEAP, DEAR, candidates=(candidate("c0", 1.0, "cheap"),)))
    assert isinstance(decision, Stop)
    assert decision.reason == FinishReason.ALL_SATISFIED


def test_a_hopeless_task_stops_early() -> None:
    hopeless = situation_of(estimate("m0", 0.02, 0.05, 1.0), candidates=(candidate("c0", 0.3),))
    decision = plan_wave(replace(hopeless, tradeoff=Tradeoff(usd=10.0)))
    assert isinstance(decision, Stop)
    assert decision.reason == FinishReason.NO_IMPROVEMENT_EXPECTED
    assert decision.alternatives


def test_what_is_worth_it_but_does_not_fit_says_so() -> None:
    failed = (candidate("c0", 0.3, "cheap"),)
    poor = plan_wave(situation_of(CHEAP, DEAR, candidates=failed, nanodollars_left=10))
    late = plan_wave(situation_of(CHEAP, DEAR, candidates=failed, seconds_left=0.01))
    assert isinstance(poor, Stop)
    assert isinstance(late, Stop)
    assert (poor.reason, late.reason) == (FinishReason.BUDGET_EXHAUSTED, FinishReason.DEADLINE)


def test_ample_time_goes_cheapest_first_and_a_dear_second_widens_the_wave() -> None:
    patient = plan_wave(situation_of(CHEAP, DEAR, tradeoff=Tradeoff(usd=100.0)))
    hurried = plan_wave(situation_of(CHEAP, DEAR, tradeoff=Tradeoff(usd=0.01, seconds=0.05)))
    assert isinstance(patient, Wave)
    assert isinstance(hurried, Wave)
    assert [planned.action.model for planned in patient.actions] == ["a/cheap"]
    assert len(hurried.actions) > 1


def test_a_short_deadline_widens_what_a_long_one_deepens() -> None:
    actions = tuple(estimate(f"m{i}", 0.4, 0.0001, 2.0) for i in range(4))
    long, short = (situation_of(*actions, tradeoff=Tradeoff(usd=5.0), seconds_left=s) for s in (60.0, 4.0))
    deep, wide = plan_wave(long), plan_wave(short)
    assert isinstance(deep, Wave)
    assert isinstance(wide, Wave)
    assert len(wide.actions) > len(deep.actions)


def test_a_deadline_that_nothing_fits_still_tries_the_quickest_once() -> None:
    decision = plan_wave(situation_of(CHEAP, DEAR, seconds_left=0.2))
    assert isinstance(decision, Wave)
    assert [planned.action.model for planned in decision.actions] == ["a/cheap"]


@pytest.mark.parametrize(("chance", "is_fixed"), [(0.8, True), (0.0, False)])
def test_a_fix_is_planned_only_where_it_is_expected_to_help(chance: float, is_fixed: bool) -> None:
    def fix_chance(index: int, repair: Repair) -> float:
        assert (repair.failed_kinds, repair.repair_count) == (("max_words",), 0)
        return chance

    sample, fix = estimate("m0", 0.05, 0.001, 1.0), estimate("m0", 0.05, 0.001, 1.0, "fix")
    decision = plan_wave(situation_of(sample, fix, candidates=(candidate("c0", 0.7),), fix_chance=fix_chance))
    fixes = [p for p in getattr(decision, "actions", ()) if p.action.technique == "fix"]
    assert bool(fixes) == is_fixed
    assert all(planned.parents == ("c0",) for planned in fixes)


def test_each_decision_explains_itself() -> None:
    decision = plan_wave(situation_of(CHEAP, DEAR))
    assert isinstance(decision, Wave)
    names = {alternative["action"] for alternative in decision.alternatives}
    assert names == {"a/cheap:sample", "a/dear:sample"}
    assert all({"value", "success", "usd", "seconds", "fits"} <= set(row) for row in decision.alternatives)


def test_the_best_candidate_is_the_one_that_satisfies() -> None:
    found = (candidate("c0", 0.9), candidate("c1", 1.0), candidate("c2", 0.2))
    best = best_candidate(situation_of(CHEAP, candidates=found))
    assert best is not None
    assert best.id == "c1"


def doubted(chance_of_error: float, **changes: Any) -> Situation:
    """One answer that a fallible judge passed; its action would give the same answer again."""
    situation = situation_of(CHEAP, DEAR, **changes)
    seen = Evidence(1.0, chance_of_error)
    belief = replace(situation.belief, concentration=np.full(2, 1e-3)).after(0, seen)
    passed = replace(candidate("c0", 1.0, "cheap"), verdicts=(Verdict("short", 1.0, "fine", "judge"),))
    verification = Verification(1.0, chance_of_error)
    return replace(
        situation, belief=belief, candidates=(passed,), evidence={"c0": seen}, verification=verification,
        quality_threshold=0.999,
    )  # fmt: skip


def test_what_passed_by_mistake_is_not_asked_again() -> None:
    decision = plan_wave(doubted(0.3, tradeoff=Tradeoff(usd=0.5)))
    assert isinstance(decision, Wave)
    assert [planned.action.model for planned in decision.actions] == ["a/dear"]


def test_a_second_opinion_is_an_action_like_others_worth_it_only_in_doubt() -> None:
    judge = Confirmation(Action("a/judge", "confirm"), Verification(1.0, 0.1, 0.002, 0.003, 0.5, 1.0, 1))
    doubtful, sure = (doubted(error, confirmation=judge) for error in (0.3, 0.0005))
    asked, left = plan_wave(doubtful), plan_wave(sure)
    assert isinstance(asked, Wave)
    assert [(p.action.technique, p.parents) for p in asked.actions] == [("confirm", ("c0",))]
    assert isinstance(left, Stop)
    broke = plan_wave(replace(doubtful, nanodollars_left=2_000_000))
    assert not (isinstance(broke, Wave) and broke.actions[0].action.technique == "confirm")
    enough = plan_wave(replace(doubtful, quality_threshold=0.5))
    assert isinstance(enough, Wave) and enough.actions[0].action.technique == "confirm"
    again = plan_wave(replace(doubtful, confirmed=frozenset({"c0"})))
    assert not (isinstance(again, Wave) and again.actions[0].action.technique == "confirm")


def opinions_of(*answers: str | None, **changes: Any) -> Situation:
    """Three models that are right seven times in ten, and what the first of them said."""
    drawn = [estimate(f"m{i}", 0.7, 0.001, 1.0) for i in range(4)]
    given = tuple(replace(candidate(f"c{i}", None, f"m{i}"), verdicts=(), score=None) for i in range(len(answers)))
    situation = situation_of(*drawn, candidates=given, answers=answers, compares=True, **changes)
    return replace(situation, requirements=(), kinds=())


def test_opinions_that_agree_are_enough_and_ones_that_differ_buy_another() -> None:
    agreed, differing = plan_wave(opinions_of("42", "42")), plan_wave(opinions_of("42", "17"))
    assert isinstance(agreed, Stop) or agreed.value < getattr(differing, "value", 0.0)
    assert isinstance(differing, Wave)
    assert differing.actions[0].action.model in {"a/m2", "a/m3"}


def test_the_answer_that_most_agree_on_is_the_best_candidate() -> None:
    best = best_candidate(opinions_of("17", "42", None, "42"))
    assert best is not None
    assert best.id in {"c1", "c3"}


def test_answers_that_nobody_can_check_or_compare_end_the_run() -> None:
    decision = plan_wave(replace(opinions_of(None), compares=False))
    assert isinstance(decision, Stop)
    assert decision.reason == FinishReason.UNVALIDATED
