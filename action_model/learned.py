"""The learned `Estimator`: a checkpoint's predictions for models it knows; others are placed by size or price."""

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from cachetools import LRUCache

from action_model.actions import Action, Offer, Portfolio
from action_model.batched import Batched
from action_model.belief import Belief, Floats, Repair
from action_model.checkpoint import DEFAULT, load_checkpoint
from action_model.device import Device, chosen_device
from action_model.facts import Facts
from action_model.features import Singles, featurize
from action_model.fused import fuse
from action_model.homes import find_homes
from action_model.identity import identity_of
from action_model.latent import sigmoid
from action_model.learnt import Learnt
from action_model.newcomer import PLACED_AT, attenuation_of
from action_model.online import Online, Recalled, cluster_of
from action_model.prior import (
    HIGH_QUANTILE_Z,
    Lengths,
    PriorConfig,
    PriorEstimator,
    ability_logit,
    belief_of,
    blended_usd,
)
from action_model.projected import Projected
from action_model.seats import Seats, seated
from action_model.speed import Speed

REMEMBERED = 4096
SEATED = 16
"""Portfolios: of 64 actions each 2 MB."""


class Reading(NamedTuple):
    """What is predicted of one text for all M + J models: `logits`, `log_tokens`; its `demand` (k,), and its
    `difficulty`: how much easier than usual it is; `requirements` (M + J,) counts those that such texts had where each
    model was learnt: what they take away is in its logit already; `log_seconds` is of the models whose paces are
    known; `homes` leads a column to that of the same model in the table whose texts are most like this one."""

    logits: Floats
    difficulty: float
    demand: Floats
    log_tokens: Floats
    requirements: Floats
    log_seconds: Floats
    homes: Mapping[int, int]


class LearnedEstimator:
    """Predicts from a checkpoint, in numpy; torch is not needed to serve.

    A known model (by its family's name) has its own logit and theta for the text. An unknown one gets the prior by its
    size or price, the text's own difficulty (how far all known models stand from their mean on it), and the mean theta.
    """

    def __init__(
        self,
        learnt: Learnt,
        config: PriorConfig | None = None,
        prompts: Mapping[str, str] | None = None,
        device: Literal["cpu", "cuda"] = "cpu",
    ) -> None:
        self._device: Literal["cpu", "cuda"] = device
        self._batched: Batched | None = None
        self._learnt = learnt
        self.prompts: Mapping[str, str] = dict(prompts or {})
        self._config = config or PriorConfig(concentration=learnt.concentration)
        self._paced = {} if learnt.paces is None else {column: i for i, column in enumerate(learnt.paces.columns)}
        self._prior = PriorEstimator(self._config)
        names = [name.split(":", 1)[1] for name in learnt.models] + list(learnt.joined.names)
        self._columns = {name.lower(): i for i, name in enumerate(names)}  # who joined later is the newer word
        mean = learnt.latent.theta.mean(axis=0, keepdims=True)
        self._sharper = PLACED_AT / attenuation_of(mean[0])
        # (M + J + 1, d): the last is of an unknown model
        self._thetas = np.concatenate([learnt.latent.theta, learnt.joined.theta, mean])
        self._places: dict[tuple[str, str, float, float, float | None], tuple[int, float]] = {}
        self._seats: LRUCache[int, Seats] = LRUCache(SEATED)
        self._texts: dict[str, Reading] = {}
        self._fused = fused = fuse(learnt)
        self._homes, self._projected = find_homes(learnt, fused.widest), Projected(fused.basis, fused.center)
        self.identity = identity_of(learnt)
        self.online = Online()
        spreads = np.concatenate([learnt.token_spread, learnt.joined.token_spread])
        highs = np.concatenate([learnt.token_high, HIGH_QUANTILE_Z * learnt.joined.token_spread])
        self._spreads = list(zip(spreads.tolist(), highs.tolist(), strict=True))
        self._usual = float(np.median(learnt.latent.bias))
        self._variants: LRUCache[str, Sequence[str]] = LRUCache(REMEMBERED)

    def believe(self, facts: Facts, portfolio: Portfolio, speeds: Mapping[str, Speed] | None = None) -> Belief:
        """The belief before any call. Never raises for a model it does not know."""
        reading, seats = self._read(facts.text), self._seats_of(portfolio)
        seats = seats.moved(reading.homes, self._learnt.latent.particles, self._thetas)
        at = seats.added + self._levels(reading, len(facts.requirement_kinds)).take(seats.places)
        if self.online.overall:
            at += self.online.offsets(cluster_of(reading.demand), seats.names)
        success = sigmoid(at + seats.apart)
        lengths = self._lengths(reading, seats.columns)
        return belief_of(facts, portfolio, success, speeds or {}, self._config, lengths)

    def _levels(self, reading: "Reading", requirements: int) -> Floats:
        """(M + J + 1,): the logit of each model on a task of so many requirements, last of one that is not known."""
        each, levels = self._config.logit_per_requirement, np.empty(len(reading.logits) + 1)
        np.add(reading.logits, each * (reading.requirements - requirements), out=levels[:-1])
        hard = 0.5 * max(-1.5, min(1.5, reading.difficulty)) - each * requirements
        levels[-1] = self._sharper * hard
        return levels

    def fix_success(self, belief: Belief, index: int, repair: Repair) -> float:
        """As the prior has it: no public table records repairs by requirement."""
        return self._prior.fix_success(belief, index, repair)

    def variants(self, family: str) -> Sequence[str]:
        """What else than a plain sample the checkpoint knows of a family."""
        start = f"{family}:".lower()
        if start not in self._variants:
            self._variants[start] = [name[len(start) :] for name in self._columns if name.startswith(start)]
        return self._variants[start]

    def learn(self, text: str, action: Action, predicted: float, outcome: float) -> None:
        """Takes in what came of an action on a text, in [0, 1]: later predictions of it move at once."""
        self.online.learn(cluster_of(self._read(text).demand), action.name, predicted, outcome)

    def recall(self, outcome: Recalled) -> bool:
        """Counts an outcome of before a restart as if it came now, unless another checkpoint predicted it."""
        if outcome.checkpoint != self.identity.checkpoint:
            return False
        self.online.learn(cluster_of(outcome.demand), outcome.action, outcome.predicted, outcome.outcome)
        return True

    def reading(self, text: str) -> Mapping[str, Any]:
        """Which checkpoint reads it, its demand to three digits (a dozen numbers do not tell the text), and the
        logarithm of how long the known models' answers to it are."""
        read = self._read(text)
        demand = [round(value, 3) for value in read.demand.tolist()]
        known = read.log_tokens[: len(self._learnt.models)]
        length = round(float(np.add.reduce(known)) / len(known), 3)
        identity = self.identity
        return {"checkpoint": identity.checkpoint, "basis": identity.basis, "demand": demand, "log_tokens": length}

    def demand(self, text: str) -> Floats:
        """(k,): what the text demands, as `Demand` has it."""
        return self._read(text).demand

    def prepare(self, texts: Sequence[str]) -> None:
        """Reads many texts at once on the estimator's device: what is asked of them later is quick. Call it in a
        thread."""
        fresh = [text for text in dict.fromkeys(texts) if text not in self._texts][: REMEMBERED // 2]
        if not fresh:
            return
        if self._batched is None:
            self._batched = Batched(self._fused, self._device)
        for text, told, logits in zip(fresh, *self._batched.read(featurize(fresh)), strict=True):
            self._remember(text, self._reading_of(told, logits))

    def _read(self, text: str) -> "Reading":
        known = self._texts.get(text)
        if known is None:
            told = self._fused.tell(self._projected(text))
            known = self._remember(text, self._reading_of(told, self._fused.logits(told)))
        return known

    def _remember(self, text: str, reading: "Reading") -> "Reading":
        """The oldest makes room; one more stays for a while where another thread remembers one at the same time."""
        if len(self._texts) >= REMEMBERED:
            with contextlib.suppress(RuntimeError):
                self._texts.pop(next(iter(self._texts)), None)
        self._texts[text] = reading
        return reading

    def _reading_of(self, told: Singles, logits: Floats) -> "Reading":
        learnt, joined = self._learnt, self._learnt.joined
        demand = learnt.demand(logits)
        tokens, seconds, requirements = self._fused.beside(told)
        difficulty = float(logits.sum()) / len(logits) - self._usual
        if joined.names:
            logits = np.concatenate([logits, joined.bias + joined.loadings @ demand])
            tokens = np.concatenate([tokens, tokens.mean() + joined.log_tokens])
            requirements = np.concatenate([requirements, np.zeros(len(joined.names))])
        return Reading(logits, difficulty, demand, tokens, requirements, seconds, self._homes.of(told))

    def _lengths(self, reading: "Reading", columns: Sequence[int]) -> list[Lengths | None]:
        """Output tokens of each action, its own where it was learnt apart; None where its model is not known."""
        said = {
            column: Lengths(float(reading.log_tokens[column]), *self._spreads[column], self._pace(reading, column))
            for column in set(columns)
            if column >= 0
        }
        return [said.get(column) for column in columns]

    def _pace(self, reading: "Reading", column: int) -> Lengths | None:
        paces, place = self._learnt.paces, self._paced.get(column)
        if paces is None or place is None:
            return None
        return Lengths(float(reading.log_seconds[place]), float(paces.spread[place]), float(paces.high[place]))

    def _seats_of(self, portfolio: Portfolio) -> Seats:
        """Remembered by identity: a portfolio that is held is no other."""
        seats = self._seats.get(id(portfolio))
        if seats is None:
            places = [self._place(offer) for offer in portfolio.offers]
            added = [self._sharper * a if column < 0 else a for column, a in places]
            columns = [column for column, _ in places]
            seats = seated(portfolio, columns, added, self._learnt.latent.particles, self._thetas)
            self._seats[id(portfolio)] = seats
        return seats

    def _place(self, offer: Offer) -> tuple[int, float]:
        """(column, 0) of a known model; (-1, logit by its size or price) of an unknown one. To both is added what a
        variant is thought to change, where it was not learnt itself."""
        price = offer.price
        size = offer.parameters_billions
        key = (offer.family, offer.action.variant, price.input_usd_per_mtok, price.output_usd_per_mtok, size)
        place = self._places.get(key)
        if place is None:
            if len(self._places) >= REMEMBERED:
                self._places.clear()
            family = offer.family.lower()
            plain = self._columns.get(family, -1)
            own = self._columns.get(f"{family}:{offer.action.variant}".lower()) if offer.action.variant else plain
            column = plain if own is None else own
            limited = own is None or own < 0
            fewer = self._config.logit_of_tool_limit if limited and offer.action.tool_limit is not None else 0.0
            placed = ability_logit(self._config, blended_usd(price), size) if column < 0 else 0.0
            place = self._places[key] = (column, fewer + placed)
        return place


def load_estimator(path: Path | None = None, device: Device = "cpu") -> "LearnedEstimator":
    """The estimator of a checkpoint; None: the one in the package. Reads files and the encoder: call it in a thread.
    Raises CheckpointError, DeviceError."""
    learnt, card = load_checkpoint(path or DEFAULT)
    featurize(["warm"])  # loads the encoder now, not in the event loop at the first request
    return LearnedEstimator(learnt, prompts=card.prompts, device=chosen_device(device))
