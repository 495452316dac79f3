"""A checkpoint is replaced while it serves."""

import asyncio
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from action_model.actions import Action, Offer, Portfolio
from action_model.checkpoint import DEFAULT, Card, CheckpointError, load_checkpoint, save_checkpoint
from action_model.facts import Facts
from action_model.onboard import Label, Newcomer, onboard
from action_model.prices import Price
from action_model.swapping import SwappingEstimator, refuse_worse

pytestmark = pytest.mark.anyio
TEXT = "What is the capital of France?"
PORTFOLIO = Portfolio((Offer(Action("up/new"), Price(1.0, 2.0), family="brand-new"),))


def chance(estimator: SwappingEstimator) -> float:
    return estimator.believe(Facts(TEXT, 9), PORTFOLIO).estimates[0].success


async def test_a_new_checkpoint_is_used_without_a_restart(tmp_path: Path) -> None:
    learnt, card = load_checkpoint(DEFAULT)
    save_checkpoint(tmp_path / "now", learnt, card)
    estimator = SwappingEstimator(tmp_path / "now")
    before = chance(estimator)
    taken = asyncio.Event()
    watching = asyncio.create_task(estimator.watch(0.01, lambda _: taken.set()))
    try:
        labels = [Label(f"Question {i} about geography?", 1.0) for i in range(20)]
        save_checkpoint(tmp_path / "now", onboard(learnt, Newcomer("brand-new"), labels), card)
        with anyio.fail_after(20):
            await taken.wait()
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    assert chance(estimator) > before


async def test_what_does_not_match_or_is_worse_is_refused_and_the_old_one_stays(tmp_path: Path) -> None:
    learnt, card = load_checkpoint(DEFAULT)
    save_checkpoint(tmp_path / "now", learnt, card)
    estimator = SwappingEstimator(tmp_path / "now")
    before = chance(estimator)
    other = onboard(learnt, Newcomer("brand-new"), [Label(TEXT, 1.0)])
    worse = {table: {**row, "brier": row["brier"] + 0.05} for table, row in card.metrics.items()}
    for changed in (replace(card, features_version=99), replace(card, metrics=worse)):
        save_checkpoint(tmp_path / "now", other, changed)
        assert estimator.is_changed()
        with pytest.raises(CheckpointError):
            estimator.look()
        assert not estimator.is_changed()
        assert chance(estimator) == before
    save_checkpoint(tmp_path / "now", other, card)
    assert estimator.look()
    assert chance(estimator) != before
    assert not estimator.look()
    save_checkpoint(tmp_path / "now", learnt, replace(card, trained_on={"other": {}}))
    assert estimator.look()


async def test_cards_without_a_common_table_cannot_be_compared() -> None:
    refuse_worse(Card((), {}, metrics={"a": {"brier": 0.1}}), Card((), {}, metrics={"b": {"brier": 0.9}}))
