"""Beliefs for the replay: what is expected of every model on every prompt, learnt from the train prompts alone.

`NeighbourBeliefs` takes the train prompts nearest in embedding as the particles: each says which models were right on
it, so that the particles carry which models fail together.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from action_model.actions import Action, Offer, Portfolio
from action_model.belief import Belief, Estimate
from action_model.prices import Price
from scripts.replay.tables import Floats, Table

SAME_ANSWER = 1e-3
"""Concentration of a table with one greedy sample: a repeat would be the same answer again."""


@dataclass(frozen=True)
class NeighbourConfig:
    """How many neighbours, how fast their weight falls with distance, and how far outcomes are drawn to their mean."""

    count: int = 512
    temperature: float = 0.1
    smoothing: float = 0.2
    high_quantile: float = 0.9


def portfolio_of(table: Table) -> Portfolio:
    """The table's models on offer. Prices stand in each row of a table, so that none is needed here."""
    return Portfolio(tuple(Offer(Action(f"table/{model}"), Price(0.0, 0.0)) for model in table.models))


def embed(table: Table) -> Floats:
    """(P, 256) unit vectors of the prompts."""
    import wordllama

    words = wordllama.WordLlama.load(cache_dir=Path(wordllama.__file__).parent, disable_download=True)
    vectors: Floats = np.asarray(words.embed([text[:4000] for text in table.grid.prompts], norm=True), dtype=float)
    return vectors


class NeighbourBeliefs:
    """Beliefs by the nearest train prompts."""

    def __init__(self, train: Table, config: NeighbourConfig = NeighbourConfig()) -> None:
        self._train, self._config = train, config
        self._vectors = embed(train)
        self._actions = portfolio_of(train).actions

    def believe(self, table: Table) -> list[Belief]:
        """One belief per prompt of `table`, before any call."""
        return [self._belief(similar) for similar in embed(table) @ self._vectors.T]

    def _belief(self, similar: Floats) -> Belief:
        config, train = self._config, self._train
        near = np.argsort(-similar, kind="stable")[: config.count]
        weights = np.exp((similar[near] - similar[near[0]]) / config.temperature)
        weights = weights / weights.sum()
        outcomes = train.passed[near]
        means = weights @ outcomes
        success = (1.0 - config.smoothing) * outcomes + config.smoothing * means
        close = near[:64]
        usd, seconds = train.usd[close], train.seconds[close]
        usd_high = np.quantile(usd, config.high_quantile, axis=0)
        seconds_high = np.quantile(seconds, config.high_quantile, axis=0)
        estimates = tuple(
            Estimate(
                action=action,
                success=float(means[a]),
                score=float(means[a]),
                input_tokens=0.0,
                output_tokens=0.0,
                output_tokens_high=0.0,
                usd=float(usd[:, a].mean()),
                usd_high=float(max(usd_high[a], usd[:, a].mean())),
                seconds=float(seconds[:, a].mean()),
                seconds_high=float(max(seconds_high[a], seconds[:, a].mean())),
                uncertainty=0.0,
            )
            for a, action in enumerate(self._actions)
        )
        zeros = np.zeros(len(estimates))
        return Belief(estimates, weights, success, np.full(len(estimates), SAME_ANSWER), zeros, zeros)
