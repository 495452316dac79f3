"""How often wrong answers are equal is found on invented tables where it is known."""

import dataclasses

import numpy as np
from msgspec.structs import replace

from action_model.belief import Belief
from scripts.replay.agreeing import fit_coincidence
from scripts.replay.tables import Table
from tests.scripts.test_replay import belief, table_of

TASKS = 150


def told(share: float, is_trap: bool) -> Table:
    """Two models that are always wrong; they say the same in this share of tasks, or four models in those alone."""
    equal = np.arange(TASKS) < share * TASKS
    models = 4 if is_trap else 2
    answers = tuple(tuple("trap" if same else f"w{model}" for model in range(models)) for same in equal)
    return dataclasses.replace(table_of(np.zeros((TASKS, 3))[:, :2]), passed=np.zeros((TASKS, models)), answers=answers)


def test_the_centre_is_the_share_of_equal_wrong_answers() -> None:
    beliefs = [belief(0.4, 0.4)] * TASKS
    rare, often = (fit_coincidence(told(share, False), beliefs) for share in (0.05, 0.6))
    assert rare.centre < 0.2
    assert often.centre >= 0.4


def test_where_some_tasks_are_traps_and_others_are_not_the_spread_is_wide() -> None:
    four = [_four()] * TASKS
    assert fit_coincidence(told(0.3, True), four).spread == 1.5
    dice = np.random.default_rng(2)
    same = dataclasses.replace(told(0.0, True), answers=_even(dice))
    assert fit_coincidence(same, four).spread < 1.0


def _even(dice: np.random.Generator) -> tuple[tuple[str, ...], ...]:
    """Each wrong answer repeats one before it with the same chance in all tasks."""
    rows = []
    for _ in range(TASKS):
        row = ["w0"]
        for model in (1, 2, 3):
            row.append(row[int(dice.integers(len(row)))] if dice.random() < 0.3 else f"w{model}")
        rows.append(tuple(row))
    return tuple(rows)


def _four() -> Belief:
    two = belief(0.4, 0.4)
    success = np.full((64, 4), 0.4)
    return replace(
        two, estimates=two.estimates * 2, weights=np.full(64, 1 / 64), success=success,
        concentration=np.full(4, 1e-3), passes=np.zeros(4), failures=np.zeros(4),
    )  # fmt: skip
