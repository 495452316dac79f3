"""Scaling: what N samples bring and take, on invented samples whose figures are known."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from scripts.bench_scaling import case, command
from scripts.scaling.samples import Samples

DICE = np.random.default_rng(1)
WEAK, STRONG = ("b", "weak", "single"), ("b", "strong", "single")


def samples(right: list[bool], usd: float = 1.0, tokens: float = 10.0) -> Samples:
    answers = tuple("right" if one else f"wrong {i % 2}" for i, one in enumerate(right))
    return Samples(tuple(right), (usd,) * len(right), (tokens,) * len(right), answers)


@given(st.lists(st.booleans(), min_size=1, max_size=12))
def test_more_checked_samples_are_never_worse_and_all_of_them_find_any_right_one(right: list[bool]) -> None:
    it = samples(right)
    found = [it.verified(n) for n in range(1, len(right) + 1)]
    assert found == sorted(found)
    assert found[0] == pytest.approx(sum(right) / len(right))
    assert found[-1] == float(any(right))
    assert it.longest(len(right)) == pytest.approx(10.0)


def test_a_doubtful_check_and_a_vote_stay_below_an_exact_check() -> None:
    it = samples([True, False, False, False, False])
    assert it.doubtful(5, DICE) < it.verified(5) == 1.0
    assert it.majority(5, DICE) == 0.0
    assert samples([True, True, False]).majority(3, DICE) == 1.0
    assert Samples((True,), (1.0,), (1.0,), (None,)).majority(1, DICE) is None


def test_the_longest_of_several_is_expected_over_all_draws() -> None:
    it = Samples((True, True, True), (1.0,) * 3, (1.0, 2.0, 3.0), (None,) * 3)
    assert [it.longest(n) for n in (1, 2, 3)] == pytest.approx([2.0, (2 + 3 + 3) / 3, 3.0])


def test_the_crossing_is_where_checked_samples_reach_the_strong_model() -> None:
    weak = {f"p{i}": samples([True, False]) for i in range(20)}
    strong = {f"p{i}": samples([i % 10 < 8], usd=4.0, tokens=40.0) for i in range(20)}
    found = case("table", {WEAK: weak, STRONG: strong}, WEAK, STRONG, DICE)
    assert (found["crossing"], found["crossing_usd_share"]) == (2, pytest.approx(0.5))
    assert found["equal_money"]["n"] == 2 and found["equal_money"]["difference"] == pytest.approx(0.2)
    assert "crossing at 2" in found["verdict"]
    alone = case("table", {WEAK: weak}, WEAK, None, DICE)
    assert alone["strong"] is None and "no stronger" in alone["verdict"]


def test_what_costs_more_than_the_strong_one_is_said_plainly() -> None:
    weak, strong = {"p": samples([False, False], usd=9.0)}, {"p": samples([True])}
    found = case("table", {WEAK: weak, STRONG: strong}, WEAK, STRONG, DICE)
    assert found["crossing"] is None and found["equal_money"] is None
    assert "money not even one" in found["verdict"] and "no crossing" in found["verdict"]


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    outcome = CliRunner().invoke(command, ["--data", str(tmp_path)])
    assert outcome.exit_code == 1 and "outcomes.parquet" in outcome.output
