"""Repeats, and tables that lack columns."""

from pathlib import Path

import numpy as np
import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from action_model.outcomes import read_rows
from action_model.repeated import repeat_figures
from action_model.repeats import Repeats, fit_repeats, measured_pass_at, predicted_pass_at


@given(st.floats(0.01, 0.99), st.floats(0.05, 50.0))
def test_more_tries_are_worth_more_and_never_more_than_independent_ones(p: float, concentration: float) -> None:
    repeats = Repeats(concentration)
    one, four = (float(predicted_pass_at(k, np.array([p]), repeats)[0]) for k in (1, 4))
    assert one == pytest.approx(p, abs=1e-3)
    assert one <= four <= 1 - (1 - p) ** 4 + 1e-12


def test_the_measured_share_is_the_unbiased_one() -> None:
    found = measured_pass_at(2, np.array([1.0, 0.0, 3.0, 1.0]), np.array([4.0, 4.0, 4.0, 1.0]))
    np.testing.assert_allclose(found[:3], [0.5, 0.0, 1.0])
    assert np.isnan(found[3])


@pytest.mark.parametrize("concentration", [0.2, 3.0])
def test_the_concentration_of_invented_repeats_is_found(concentration: float) -> None:
    random = np.random.default_rng(0)
    truth = random.beta(0.4 * concentration, 0.6 * concentration, 3000)
    passes = random.binomial(10, truth).astype(float)
    found = fit_repeats(np.full(3000, 0.4), passes, np.full(3000, 10.0), (0.0,))
    assert found.concentration == pytest.approx(concentration, rel=0.25)


def test_what_z_makes_alike_is_not_counted_twice() -> None:
    """Repeats that are independent given z, whose logits vary by 2.8: the concentration with z is large."""
    random = np.random.default_rng(0)
    truth = 1 / (1 + np.exp(-random.normal(-0.5, np.sqrt(2.8), 3000)))
    passes, tries = random.binomial(10, truth).astype(float), np.full(3000, 10.0)
    p = np.full(3000, truth.mean())
    assert fit_repeats(p, passes, tries, (2.8,)).concentration > 20.0
    assert fit_repeats(p, passes, tries, (0.0,)).concentration < 4.0


def test_a_table_without_some_columns_is_read_and_its_repeats_measured(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    rows: list[dict[str, object]] = [
        {"prompt_id": f"{split}{i}", "prompt": f"task {split} {i}", "benchmark": "b", "model": "m", "technique": "io"}
        | {"score": float(random.random() < 0.5), "split": split}
        for split in ("train", "dev")
        for i in range(30)
        for _ in range(8)
    ]
    (tmp_path / "mine").mkdir()
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "mine" / "outcomes.parquet")
    assert read_rows(tmp_path, "mine")["latency_s"] == [None] * len(rows)
    figures = repeat_figures(tmp_path, "mine", "train", "dev")
    assert figures["mean_absolute_error"] < 0.1
    assert set(figures["pass_at"]) == {"1", "2", "4", "8"}


@pytest.mark.parametrize(("prompts", "least", "most"), [(6, 0.0, 0.4), (600, 0.8, 1.0)])
def test_few_prompts_tell_a_right_prediction_from_a_wrong_one_by_chance(
    tmp_path: Path, prompts: int, least: float, most: float
) -> None:
    rows: list[dict[str, object]] = [
        {"prompt_id": f"{split}{i}", "prompt": f"task {split} {i}", "benchmark": "b", "model": "m", "technique": "io"}
        | {"score": float(i % 2), "split": split}
        for split in ("train", "dev")
        for i in range(prompts)
        for _ in range(2)
    ]
    (tmp_path / "mine").mkdir()
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "mine" / "outcomes.parquet")
    assert least <= repeat_figures(tmp_path, "mine", "train", "dev")["chance_of_aim_if_right"] <= most
