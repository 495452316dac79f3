"""What logged runs teach, and what they allow to be promoted: on invented logs whose truth is known."""

from collections.abc import Mapping

import numpy as np
import pytest

from action_model.checkpoint import DEFAULT, load_checkpoint
from action_model.features import Floats
from action_model.newcomer import Coefficients
from action_model.offline.logged import Choice, LoggedRun, Outcome, in_two
from action_model.offline.off_policy import judge
from action_model.offline.refit import Column, grown, refit, rows_of, stated

LEARNT, _ = load_checkpoint(DEFAULT)
USD = {"a": 0.001, "b": 0.003, "c": 0.01}
BEFORE: Mapping[str, Column] = {
    name: stated(LEARNT, name, ability) for name, ability in (("a", 1.0), ("b", 1.7), ("c", 2.1))
}


def runs_of(
    rates: Mapping[str, float], count: int, share: float = 0.0, seed: int = 0, again: bool = True
) -> list[LoggedRun]:
    """ "a" is tried first, but for a share of random ones; "b" where it failed. Half of the tasks are hard for all."""
    random = np.random.default_rng(seed)
    found = []
    for i in range(count):
        hard = float(random.random() < 0.5)
        chance = {name: min(max(rate + (0.5 - hard) * 0.2, 0.0), 1.0) for name, rate in rates.items()}
        first = "a" if random.random() >= share else str(random.choice(list(rates)))
        propensity = share / 3 + (1 - share) * (first == "a")
        outcomes = [Outcome(first, 0, float(random.random() < chance[first]), propensity, 0.7, USD[first], 0.1, 40)]
        if again and not outcomes[0].success and first != "b":
            outcomes.append(Outcome("b", 1, float(random.random() < chance["b"]), usd=USD["b"], seconds=0.1))
        choices = tuple(Choice(name, usd, 0.1) for name, usd in USD.items())
        demand = random.normal(size=(LEARNT.demand.basis.shape[1],))
        found.append(LoggedRun(str(i), demand, ("max_words",), 10.0, 0.01, choices, tuple(outcomes), 5.0))
    return found


def hardness(runs: list[LoggedRun]) -> Floats:
    return np.full(len(runs), 0.28)


def chance(column: Column) -> float:
    points = np.random.default_rng(9).normal(size=(400, LEARNT.demand.basis.shape[1]))
    return float(column.chances(points, np.full(400, 0.28)).mean())


def test_rates_are_found_though_the_second_try_is_only_seen_where_the_first_failed() -> None:
    runs = runs_of({"a": 0.4, "b": 0.8, "c": 0.9}, 600)
    after = refit(LEARNT, runs, BEFORE, hardness(runs))
    assert chance(after["a"]) == pytest.approx(0.4, abs=0.06)
    assert chance(after["b"]) == pytest.approx(0.8, abs=0.09)
    assert after["c"] is BEFORE["c"], "what was never tried stays as it was"


def test_rare_explorations_count_for_what_they_stand_for_and_no_more_than_they_are_worth() -> None:
    rows = rows_of(runs_of({"a": 0.4, "b": 0.8, "c": 0.9}, 400, share=0.3, again=False))
    for name in ("a", "b", "c"):
        places = rows.of(name)
        assert rows.weight[places].sum() <= len(places) + 1e-9


def test_a_choice_that_is_surely_better_is_promoted_and_the_same_one_is_not_again() -> None:
    learn, held = in_two(runs_of({"a": 0.1, "b": 0.9, "c": 0.9}, 500, share=0.3), 0.4)
    after = refit(LEARNT, learn, BEFORE, hardness(learn))
    told = {"a": after["b"], "b": BEFORE["b"], "c": BEFORE["c"]}  # an old one that thinks "a" the best
    verdict = judge(LEARNT, held, (told, after), hardness(held))
    assert verdict.is_promoted
    assert verdict.value.low > 0.0
    assert verdict.value.difference == pytest.approx(0.75, abs=0.25)
    same = judge(LEARNT, held, (after, after), hardness(held))
    assert (same.value.difference, same.value.low, same.value.high) == (0.0, 0.0, 0.0)
    assert not same.is_promoted
    assert judge(LEARNT, held, (told, after), hardness(held)) == verdict, "deterministic"


def test_a_choice_that_nobody_tried_is_not_promoted() -> None:
    learn, held = in_two(runs_of({"a": 0.7, "b": 0.5, "c": 0.2}, 400, again=False), 0.4)
    after = refit(LEARNT, learn, BEFORE, hardness(learn))
    known = after["c"].known
    better = np.concatenate([[known.mean[0] + 3.0], known.mean[1:]])
    hopeful = {**after, "c": Column(Coefficients(better, known.covariance), after["c"].theta)}
    verdict = judge(LEARNT, held, (after, hopeful), hardness(held))
    assert verdict.value.support == 0.0
    assert not verdict.is_promoted


def test_too_few_held_out_tries_promote_nothing() -> None:
    runs = runs_of({"a": 0.1, "b": 0.9, "c": 0.9}, 10, share=0.5)
    after = refit(LEARNT, runs, BEFORE, hardness(runs))
    verdict = judge(LEARNT, runs, (BEFORE, after), hardness(runs))
    assert not verdict.is_promoted
    assert "only" in verdict.why
    assert not judge(LEARNT, [], (BEFORE, after), np.zeros(0)).is_promoted


def test_only_what_was_fitted_joins_and_variants_start_from_their_model() -> None:
    runs = runs_of({"a": 0.4, "b": 0.8, "c": 0.9}, 60)
    after = grown(LEARNT, runs, refit(LEARNT, runs, BEFORE, hardness(runs)))
    assert set(after.joined.names) == {"a", "b"}
    assert after.joined.labels.tolist() == [60.0, sum(len(run.outcomes) > 1 for run in runs)]
    assert after.latent is LEARNT.latent
    variant = [
        LoggedRun(run.id, run.demand, run.kinds, 1.0, 0.0, (), (Outcome("a:careful", 0, 1.0),)) for run in runs[:2]
    ]
    before = {**BEFORE, "a:careful": stated(LEARNT, "a:careful", 1.0)}
    both = refit(LEARNT, [*runs, *variant], before, hardness([*runs, *variant]))
    assert chance(both["a"]) < chance(both["a:careful"]) < 0.75
