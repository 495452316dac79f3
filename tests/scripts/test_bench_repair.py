"""Expected against actual, and stops against one who knows, on games and traces whose figures are known."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from router.planner import Tradeoff
from scripts.bench_repair import command
from scripts.replay.beliefs import portfolio_of
from scripts.replay.hindsight import ending, look_back, summary, thresholds
from scripts.replay.planned import Rules
from scripts.replay.reliability import after_failures
from scripts.stored_repairs import endings, repairs
from tests.scripts.test_replay import belief, table_of

USD = st.floats(0.001, 10.0)


@given(st.booleans(), st.booleans(), USD, USD, USD)
def test_losses_add_up_to_the_value_that_was_lost(
    right: bool, has_calls: bool, usd: float, price: float, worth: float
) -> None:
    spent = max(usd, price) if right else usd
    it = ending(right, spent, has_calls, price, worth)
    lost = max(0.0, 1.0 - worth * price) - (float(right) - worth * spent)
    assert it.missed + it.spent_in_vain + it.detour == pytest.approx(lost)
    assert min(it.missed, it.spent_in_vain, it.detour) >= -1e-9


def test_what_was_expected_is_kept_beside_what_came() -> None:
    draw = np.random.default_rng(2)
    table = table_of((draw.random((300, 2)) < [0.5, 0.9]).astype(float))
    beliefs = [belief(0.5, 0.9)] * table.count
    steps, ends = look_back(table, beliefs, portfolio_of(table), Tradeoff(usd=1.0), Rules())
    told = summary(steps, ends)
    assert told["waves"][0]["expected"] == pytest.approx(0.5, abs=1e-6)
    assert all(wave["actual"] == pytest.approx(wave["expected"], abs=0.1) for wave in told["waves"][:2])
    assert sum(told["endings"].values()) == len(ends) == 300
    assert sum(one["count"] for one in told["bins"]) == len(steps)


def test_a_stop_before_a_right_answer_that_was_worth_it_is_too_early_and_money_without_hope_too_late() -> None:
    assert ending(False, 0.1, True, 0.2, 1.0).ending == "too early"
    assert ending(False, 0.1, False, 0.2, 1.0).ending == "out of calls"
    assert ending(False, 0.1, True, float("inf"), 1.0).ending == "too late"
    assert ending(True, 0.1, True, 0.1, 1.0).detour == 0.0


def test_a_quality_threshold_is_honoured_in_expectation_where_the_belief_is_right() -> None:
    draw = np.random.default_rng(4)
    table = table_of((draw.random((400, 2)) < [0.5, 0.8]).astype(float))
    rules = Rules(false_pass=0.3, judge_usd=1e-4)
    rows = thresholds(table, [belief(0.5, 0.8)] * table.count, Tradeoff(usd=0.01), rules, (0.7, 0.9))
    for row in rows:
        assert row["reached"] > 100
        assert row["predicted"] >= row["quality"]
        assert row["actual"] >= row["quality"] - 3 * row["error"]
        assert row["actual"] == pytest.approx(row["predicted"], abs=4 * row["error"] + 0.02)


def candidate(name: str, technique: str, score: float, parents: tuple[str, ...], begun: float) -> dict[str, Any]:
    told = {"id": name, "technique": technique, "action": f"a/small {technique}", "score": score, "usd": 0.5}
    times = {"started_seconds": begun, "ended_seconds": begun + 1.0, "wave": int(name[1]), "verdicts": [{}]}
    return {**told, **times, "parents": list(parents), "repair_count": int(technique == "fix")}


def test_repairs_of_stored_runs_are_told_beside_samples() -> None:
    sample = {"action": "a/small sample", "parents": [], "success": 0.4}
    fix = {"action": "a/small fix", "parents": ["c0.0"], "success": 0.6}
    trace = {
        "finish_reason": "all_satisfied",
        "usd": 1.5,
        "chosen": {"candidate": "c1.0"},
        "waves": [{"alternatives": [sample], "actions": []}, {"alternatives": [sample, fix], "actions": []}],
        "candidates": [
            candidate("c0.0", "sample", 0.5, (), 0.0),
            candidate("c1.0", "fix", 1.0, ("c0.0",), 1.0),
            candidate("c1.1", "sample", 0.0, (), 2.5),
        ],
    }
    rows = {(row["technique"], row["repairs"]): row for row in repairs([trace])}
    assert (rows["fix", 1]["expected"], rows["fix", 1]["actual"], rows["fix", 1]["gain"]) == (0.6, 1.0, 0.5)
    assert (rows["sample", 0]["count"], rows["sample", 0]["expected"], rows["sample", 0]["passed"]) == (2, 0.4, 0.0)
    told = endings([trace])
    assert told["runs_with_answers_after_the_chosen"] == 1
    assert told["usd_after_the_chosen_share"] == pytest.approx(1 / 3)


def test_something_to_look_at_must_be_named(tmp_path: Path) -> None:
    outcome = CliRunner().invoke(command, [])
    assert outcome.exit_code == 2 and "--config" in outcome.output


def test_after_failures_the_next_is_counted_only_where_all_before_it_failed() -> None:
    table = table_of(np.array([[0.0, 1.0], [0.0, 0.0]] * 50))
    none, one = after_failures(table, [belief(0.4, 0.6)] * table.count)
    assert (none["failures"], none["count"], one["failures"]) == (0, 300, 1)
    assert 150 < one["count"] < 300
    assert none["expected"] == pytest.approx(0.5, abs=0.05)
    assert none["actual"] == pytest.approx(0.25, abs=0.06)
    assert one["actual"] < 0.5
