"""What a checkpoint makes of collected tables: variants of one model, and tasks that had requirements."""

import dataclasses
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from action_model.actions import Action, Offer, Portfolio
from action_model.checkpoint import Card, load_checkpoint, save_checkpoint
from action_model.facts import Facts
from action_model.latent import LatentConfig
from action_model.learned import LearnedEstimator
from action_model.learnt import Learnt
from action_model.onboard import Label, Newcomer, onboard
from action_model.outcomes import Grid
from action_model.prices import Price
from action_model.speed import Speed
from action_model.train import train

NAMES = ("small", "small:tuned", "small:tools4")
SUCCESS = np.array([0.5, 0.9, 0.7])
TOKENS = np.array([20.0, 200.0, 20.0])
PRICE = Price(1.0, 2.0)
FACTS, WRITING = "the capital of country number", "a poem with rhymes about the sea, verse"


def grid(count: int = 160) -> Grid:
    """Half of the tasks are writing, with three requirements each; successes do not hang on it."""
    random = np.random.default_rng(0)
    ids = tuple(f"{WRITING if i % 2 else FACTS} {i}" for i in range(count))
    score = (random.random((count, 3)) < SUCCESS).astype(float)
    tokens = np.tile(TOKENS, (count, 1))
    usd, nobody = np.full(score.shape, 1e-4), tuple((None,) * 3 for _ in ids)
    requirements = np.array([3.0 * (i % 2) for i in range(count)])
    return Grid(
        ids, ids, ("all",) * count, NAMES, score, usd, tokens, tokens, np.full(count, 9.0), nobody, requirements
    )


@pytest.fixture(scope="module")
def learnt() -> Learnt:
    return train({"t": grid()}, LatentConfig(epochs=20, dimensions=2))


def success(learnt: Learnt, action: Action, facts: Facts) -> float:
    portfolio = Portfolio((Offer(action, PRICE, family="small"),))
    return LearnedEstimator(learnt).believe(facts, portfolio).estimates[0].success


def test_requirements_are_not_counted_twice(learnt: Learnt, tmp_path: Path) -> None:
    """They stood in the tasks that it was learnt from: what they take away is in the success already."""
    writing, plain = Facts(WRITING, 9, requirement_kinds=("judge",) * 3), Facts(FACTS, 9)
    for half, facts in ((1, writing), (0, plain)):
        seen = grid().score[half::2, 0].mean()
        assert success(learnt, Action("a/small"), facts) == pytest.approx(seen, abs=0.06)
    unaware = dataclasses.replace(learnt, requirement_counts={})
    assert success(unaware, Action("a/small"), writing) < 0.38, "as it was, counted twice"
    more = msgspec.structs.replace(writing, requirement_kinds=("judge",) * 6)
    assert success(learnt, Action("a/small"), more) < success(learnt, Action("a/small"), writing) - 0.1
    save_checkpoint(tmp_path / "c", learnt, Card(learnt.models, dict(learnt.tables), prompts={"tuned": "x"}))
    again, card = load_checkpoint(tmp_path / "c")
    assert card.prompts == {"tuned": "x"}
    assert success(again, Action("a/small"), writing) == pytest.approx(
        success(learnt, Action("a/small"), writing), abs=1e-3
    )


def test_each_variant_has_its_own_success_and_length(learnt: Learnt) -> None:
    estimator = LearnedEstimator(learnt, prompts={"tuned": "x"})
    assert sorted(estimator.variants("Small")) == ["tools4", "tuned"]
    changes: list[dict[str, Any]] = [
        {},
        {"prompt": "tuned"},
        {"tool_limit": 4},
        {"tool_limit": 2},
        {"prompt": "careful"},
    ]
    actions = [Action("a/small", **change) for change in changes]
    belief = estimator.believe(Facts(FACTS, 9), Portfolio(tuple(Offer(a, PRICE, family="small") for a in actions)))
    plain, tuned, four, two, careful = belief.estimates
    assert tuned.success > four.success > plain.success
    assert tuned.output_tokens > 5 * plain.output_tokens
    assert two.success < plain.success - 0.05, "fewer tools that nothing is known of may lack the one that is needed"
    assert careful.success == pytest.approx(plain.success)


def test_answers_of_one_length_have_a_speed_too(learnt: Learnt) -> None:
    """Their spread is nothing, and nothing is divided by it."""
    fast = {"a/small": Speed().after(0.5, 20, 0.1)}
    portfolio = Portfolio((Offer(Action("a/small"), PRICE, family="small"),))
    estimate = LearnedEstimator(learnt).believe(Facts(FACTS, 9), portfolio, fast).estimates[0]
    assert 0 < estimate.seconds <= estimate.seconds_high < 60


def test_a_new_model_is_not_blamed_for_requirements(learnt: Learnt) -> None:
    """Half right on tasks of three requirements: it is expected to be half right on them, and better without."""
    labels = [Label(f"{WRITING} {i}", float(i % 4 < 2), 20.0, requirements=3) for i in range(80)]
    grown = onboard(learnt, Newcomer("fresh"), labels)
    portfolio = Portfolio((Offer(Action("a/fresh"), PRICE, family="fresh"),))
    with_them = LearnedEstimator(grown).believe(Facts(WRITING, 9, requirement_kinds=("judge",) * 3), portfolio)
    without = LearnedEstimator(grown).believe(Facts(WRITING, 9), portfolio)
    assert with_them.estimates[0].success == pytest.approx(0.5, abs=0.1)
    assert without.estimates[0].success > with_them.estimates[0].success + 0.1
