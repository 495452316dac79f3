"""The learned `Estimator`: a checkpoint's predictions for models it knows, placed by price for models it does not."""

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from cachetools import LRUCache

from action_model.actions import Offer, Portfolio
from action_model.belief import Belief, Floats, Repair
from action_model.checkpoint import DEFAULT, load_checkpoint
from action_model.estimator import Estimator
from action_model.facts import Facts
from action_model.features import featurize
from action_model.fused import fuse
from action_model.latent import sigmoid
from action_model.learnt import Learnt
from action_model.prior import PriorConfig, PriorEstimator, belief_of, blended_usd
from action_model.speed import Speed

REMEMBERED = 4096


class LearnedEstimator:
    """Predicts from a checkpoint, in numpy; torch is not needed to serve.

    A known model (by its family's name) has its own logit and theta for the text. An unknown one gets the prior by its
    price, the text's own difficulty (how far all known models stand from their mean on it), and the mean theta.
    """

    def __init__(self, learnt: Learnt, config: PriorConfig | None = None) -> None:
        self._learnt = learnt
        self._config = config or PriorConfig()
        self._prior = PriorEstimator(self._config)
        self._columns = {name.split(":", 1)[1].lower(): i for i, name in enumerate(learnt.models)}
        mean = learnt.latent.theta.mean(axis=0, keepdims=True)
        self._thetas = np.concatenate([learnt.latent.theta, mean])  # (M + 1, d): the last is of an unknown model
        self._places: LRUCache[tuple[str, float, float], tuple[int, float]] = LRUCache(REMEMBERED)
        self._texts: LRUCache[str, tuple[Floats, float]] = LRUCache(REMEMBERED)
        self._fused = fuse(learnt)
        self._usual = float(np.median(learnt.latent.bias))

    def believe(self, facts: Facts, portfolio: Portfolio, speeds: Mapping[str, Speed] | None = None) -> Belief:
        """The belief before any call. Never raises for a model it does not know."""
        logits, difficulty = self._text(facts.text)
        latent = self._learnt.latent
        demand = self._config.logit_per_requirement * len(facts.requirement_kinds)
        places = [self._place(offer) for offer in portfolio.offers]
        hard = 0.5 * max(-1.5, min(1.5, difficulty)) - demand
        at = np.array([by_price + hard if column < 0 else logits[column] - demand for column, by_price in places])
        theta = self._thetas[[column for column, _ in places]]  # (A, d)
        success = sigmoid(at[None, :] + latent.particles @ theta.T)
        return belief_of(facts, portfolio, success, speeds or {}, self._config)

    def fix_success(self, belief: Belief, index: int, repair: Repair) -> float:
        """As the prior has it: no public table records repairs by requirement."""
        return self._prior.fix_success(belief, index, repair)

    def _text(self, text: str) -> tuple[Floats, float]:
        """(M,) logits of all known models on a text, and how much easier it is than usual."""
        known = self._texts.get(text)
        if known is None:
            logits = self._fused.logits(featurize([text])[0])
            known = (logits, float(logits.mean()) - self._usual)
            self._texts[text] = known
        return known

    def _place(self, offer: Offer) -> tuple[int, float]:
        """(column, 0) of a known model; (-1, logit by its price) of an unknown one."""
        price = offer.price
        key = (offer.family, price.input_usd_per_mtok, price.output_usd_per_mtok)
        place = self._places.get(key)
        if place is None:
            column = self._columns.get(offer.family.lower(), -1)
            decades = math.log10((blended_usd(offer.price) + 0.02) / self._config.cheap_usd_per_mtok)
            by_price = self._config.base_logit + self._config.logit_per_decade * max(-1.5, min(2.5, decades))
            place = self._places[key] = (column, by_price if column < 0 else 0.0)
        return place


def load_estimator(path: Path | None = None) -> Estimator:
    """The estimator of a checkpoint; None: the one in the package. Reads files and the encoder: call it in a thread."""
    learnt, _ = load_checkpoint(path or DEFAULT)
    featurize(["warm"])  # loads the encoder now, not in the event loop at the first request
    return LearnedEstimator(learnt)
