"""Predictions without any data: a stated prior from price, requirements and length. Pure numpy.

The latent z is one-dimensional (how demanding the task is); its S values are the mid-quantiles of a standard normal,
a fixed low-discrepancy set. Success of an action under z is sigmoid(b - s z): a Rasch model (IRT-Router, arXiv
2506.01048, has the learned form), where b falls with every requirement and rises with the model's price tier.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np

from action_model.actions import Action, Offer, Portfolio
from action_model.belief import Belief, Estimate, Floats, Repair
from action_model.facts import Facts
from action_model.online import Recalled
from action_model.prices import Price
from action_model.speed import Speed

PARTICLES = 128
HIGH_QUANTILE_Z = NormalDist().inv_cdf(0.9)
LIVE_CALLS = 4.0
"""From so many calls on, what tables taught of a model's seconds is forgotten: servers differ, and change."""


@dataclass(frozen=True, slots=True)
class PriorConfig:
    """The prior's numbers, stated so that they can be argued with.

    `base_logit` is a cheap model's logit of success on a task without requirements; a tenfold price adds
    `logit_per_decade`. Where a model's size is known it says more than the price, and stands in its place: a model of
    `usual_billions` parameters has `sized_logit`, tenfold parameters add `logit_per_size_decade`. These are fitted on
    the public tables, one model left out at a time (`maestro bench prior`); below their smallest model (2 billion) the
    line goes on, as scaling laws do (Kaplan et al. 2020, arXiv 2001.08361).
    Each requirement takes `logit_per_requirement` away, each judged one a little more;
    fewer tools than the client sent add `logit_of_tool_limit`: the one that is needed may be missing;
    `spread` scales z; `concentration` is that of repeats (one action, one task); output tokens are log-normal.
    """

    base_logit: float = 0.3
    logit_per_decade: float = 0.45
    cheap_usd_per_mtok: float = 0.3
    sized_logit: float = -0.6
    logit_per_size_decade: float = 1.0
    usual_billions: float = 8.0
    logit_per_requirement: float = 0.28
    spread: float = 1.6
    concentration: float = 4.0
    output_tokens_median: float = 250.0
    output_tokens_sigma: float = 0.75
    first_token_seconds: float = 0.5
    tokens_per_second: float = 60.0
    seconds_sigma: float = 0.5
    logit_of_tool_limit: float = -0.5
    fix_gain: float = 0.55
    fix_decay: float = 0.6


class PriorEstimator:
    """The `Estimator` for a first run: every model is placed by its size or its price, none is measured."""

    def __init__(self, config: PriorConfig | None = None) -> None:
        self._config = config or PriorConfig()
        steps = (np.arange(PARTICLES) + 0.5) / PARTICLES
        self._z: Floats = np.array([NormalDist().inv_cdf(step) for step in steps])
        self.prompts: Mapping[str, str] = {}

    def variants(self, family: str) -> Sequence[str]:
        """None: nothing is learnt."""
        return ()

    def believe(self, facts: Facts, portfolio: Portfolio, speeds: Mapping[str, Speed] | None = None) -> Belief:
        """The belief before any call. `speeds` are what the upstreams do now, by model id."""
        config = self._config
        logits = np.array([self._logit(facts, offer) for offer in portfolio.offers])
        success = _sigmoid(logits[None, :] - config.spread * self._z[:, None])  # (S, A)
        return belief_of(facts, portfolio, success, speeds or {}, config)

    def fix_success(self, belief: Belief, index: int, repair: Repair) -> float:
        """A fix is worth a fresh try's chance, lifted by what already holds and decayed by each repair before it. A
        model that hardly ever succeeds can hardly repair: below an even chance the lift falls with the chance."""
        config = self._config
        fresh = float(belief.means()[index])
        total = max(repair.requirement_count, 1)
        held = 1.0 - len(repair.failed_kinds) / total
        able = min(1.0, 2.0 * fresh)
        lifted = fresh + (1.0 - fresh) * able * config.fix_gain * held * max(repair.score, 0.0)
        return float(np.clip(lifted * config.fix_decay**repair.repair_count, 0.0, 1.0))

    def learn(self, text: str, action: Action, predicted: float, outcome: float) -> None:
        """Nothing: the prior is stated, not learnt."""

    def recall(self, outcome: Recalled) -> bool:
        """Nothing: the prior is stated, not learnt."""
        return False

    def prepare(self, texts: Sequence[str]) -> None:
        """Nothing: the prior reads no text."""

    def reading(self, text: str) -> Mapping[str, Any]:
        """Nothing: the prior reads no text."""
        return {}

    def _logit(self, facts: Facts, offer: Offer) -> float:
        config = self._config
        judged = sum(kind == "judge" for kind in facts.requirement_kinds)
        demand = config.logit_per_requirement * (len(facts.requirement_kinds) + 0.3 * judged)
        length = 0.15 * math.log2(max(facts.input_tokens, 64) / 64)
        fewer = 0.0 if offer.action.tool_limit is None else config.logit_of_tool_limit
        return ability_logit(config, blended_usd(offer.price), offer.parameters_billions) - demand - length + fewer


@dataclass(frozen=True, slots=True)
class Lengths:
    """Output tokens of one model on one text: `log_median`, the spread of the logarithm, and how far the 0.9 quantile
    lies above the median, in logarithm. `pace` is the same of its seconds, where they were learnt too."""

    log_median: float
    spread: float
    high: float
    pace: "Lengths | None" = None


def belief_of(
    facts: Facts,
    portfolio: Portfolio,
    success: Floats,
    speeds: Mapping[str, Speed],
    config: PriorConfig,
    lengths: Sequence["Lengths | None"] = (),
) -> Belief:
    """A belief of `success` (S, A) under equal particles, with what each action takes: tokens, dollars, seconds.

    `lengths` are the output tokens of each offer, None where they were not learnt: they are the prior's then.
    """
    weights, concentration, none = _flat(*success.shape, config.concentration)
    means, spreads = _moments(success, weights)
    estimates, taken = [], dict[tuple[str, int], Taken]()
    count = float(facts.input_tokens)
    told = lengths or (None,) * len(means)
    for offer, mean, spread, length in zip(portfolio.offers, means, spreads, told, strict=True):
        action = offer.action
        key = (action.model, id(length))  # a model's actions of one column share theirs
        took = taken.get(key)
        if took is None:
            took = taken[key] = taken_by(facts, offer, speeds.get(action.model), config, length)
        estimates.append(
            Estimate(
                action,
                mean,
                0.5 + 0.5 * mean,
                count,
                took.tokens,
                took.tokens_high,
                took.usd,
                took.usd_high,
                took.seconds,
                took.seconds_high,
                spread,
            )
        )
    return Belief(
        estimates=tuple(estimates),
        weights=weights,
        success=success,
        concentration=concentration,
        passes=none,
        failures=none,
    )


@lru_cache(maxsize=64)
def _flat(particles: int, actions: int, concentration: float) -> tuple[Floats, Floats, Floats]:
    """Equal weights of particles, the same concentration of all actions, and nothing seen of any; not to be written
    to."""
    found = (np.full(particles, 1.0 / particles), np.full(actions, concentration), np.zeros(actions))
    for array in found:
        array.flags.writeable = False
    return found


def _moments(success: Floats, weights: Floats) -> tuple[list[float], list[float]]:
    """Mean and standard deviation of each action under particles of these weights."""
    mean = weights @ success
    apart = success - mean
    apart *= apart
    return mean.tolist(), np.sqrt(weights @ apart).tolist()


class Taken(NamedTuple):
    """What one call of a model takes; `_high` is the 0.9 quantile."""

    tokens: float
    tokens_high: float
    usd: float
    usd_high: float
    seconds: float
    seconds_high: float


def taken_by(
    facts: Facts, offer: Offer, speed: Speed | None, config: PriorConfig, lengths: Lengths | None = None
) -> Taken:
    """Tokens by a log-normal, dollars by the price, seconds by the speed; the prior for a model not seen yet."""
    tokens, high = output_tokens(facts, config, speed, lengths)
    seconds, longest = seconds_of((tokens, high), config, speed, None if lengths is None else lengths.pace)
    count, price = facts.input_tokens, offer.price
    usd = price.plain_usd(count, math.ceil(tokens), seconds)
    return Taken(tokens, high, usd, price.plain_usd(count, math.ceil(high), longest), seconds, longest)


def output_tokens(
    facts: Facts, config: PriorConfig, speed: Speed | None = None, lengths: Lengths | None = None
) -> tuple[float, float]:
    """Mean and 0.9 quantile of a log-normal, moved to what the model's answers are like, cut at the limit."""
    above_live = speed.token_margin if speed is not None else 0.0
    if lengths is None:
        median = config.output_tokens_median * (1.0 + min(facts.input_tokens, 4000) / 4000)
        sigma = config.output_tokens_sigma
        if speed is not None:
            median, sigma = speed.lengths(median, sigma)
        above = sigma * HIGH_QUANTILE_Z
    else:
        shift = speed.token_shift if speed is not None else 0.0
        median, sigma, above = math.exp(lengths.log_median + shift), lengths.spread, lengths.high
    high = max(median * math.exp(above + above_live), 1.0)
    mean = min(median * math.exp(sigma**2 / 2), high)
    limit = facts.max_output_tokens
    return (mean, high) if limit is None else (min(mean, limit), min(high, limit))


def seconds_of(
    tokens: tuple[float, float], config: PriorConfig, speed: Speed | None = None, pace: Lengths | None = None
) -> tuple[float, float]:
    """Mean and 0.9 quantile: first token, then tokens at the speed of now; what was learnt of a model's seconds counts
    until `LIVE_CALLS` calls were seen."""
    first = speed.first_token_seconds if speed else config.first_token_seconds
    rate = speed.tokens_per_second if speed else config.tokens_per_second
    slack = math.exp(config.seconds_sigma * HIGH_QUANTILE_Z * 0.5)
    usual, longest = first + tokens[0] / rate, (first + tokens[1] / rate) * slack
    live = min((speed.calls if speed else 0.0) / LIVE_CALLS, 1.0)
    if pace is not None and live < 1.0:
        usual = math.exp(live * math.log(usual) + (1 - live) * (pace.log_median + pace.spread**2 / 2))
        longest = math.exp(live * math.log(longest) + (1 - live) * (pace.log_median + pace.high))
    if speed is not None:
        usual *= math.exp(speed.seconds_shift)
        longest *= math.exp(speed.seconds_margin)
    return min(usual, longest), longest


def blended_usd(price: Price) -> float:
    """Dollars per million tokens at three input tokens for one output token."""
    return 0.75 * price.input_usd_per_mtok + 0.25 * price.output_usd_per_mtok


def ability_logit(config: PriorConfig, usd_per_mtok: float, parameters_billions: float | None = None) -> float:
    """Log odds of a model nobody measured: by its size where that is known, else by its blended price."""
    if parameters_billions is not None:
        size = math.log10(parameters_billions / config.usual_billions)
        return config.sized_logit + config.logit_per_size_decade * max(-3.0, min(2.5, size))
    decades = math.log10((usd_per_mtok + 0.02) / config.cheap_usd_per_mtok)
    return config.base_logit + config.logit_per_decade * max(-1.5, min(2.5, decades))


def _sigmoid(x: Floats) -> Floats:
    result: Floats = 1.0 / (1.0 + np.exp(-x))
    return result
