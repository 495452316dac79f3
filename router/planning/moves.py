"""The moves the planner may make next, as arrays: every action on offer, bound to the candidates it starts from."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from action_model.belief import Repair
from action_model.prices import NANODOLLARS_PER_USD
from router.planning.particles import Floats, clean_weights
from router.planning.situation import Situation
from router.planning.standing import SCORE_CREDIT, Standing, failed_kinds
from router.task import Candidate, PlannedAction

MAX_FIXED = 2
"""How many candidates a fix is considered for: the most promising ones."""
MAX_FUSED = 4
"""How many candidates a fuse reads."""
MAX_REPEATS = 8
"""How often one plan may try the same action."""
MIN_FIX_CHANCE = 0.02
"""A candidate whose fix is less likely than this is not fixable in expectation."""
UNKNOWN_SECONDS = 1e6
"""Stands for a duration nobody can predict: it fits no deadline."""


@dataclass(frozen=True)
class Moves:
    """K moves. `chance` (S, K) that the move satisfies the task under each particle; all others (K,).

    `nanodollars_high` and `seconds_high` are 0.9 quantiles, checking the answer included; `credit` is the worth of
    an answer that does not satisfy; `familiarity` = concentration + what was seen (infinity: repeats are independent);
    `limit` how often a plan may make the move; `calls` the upstream calls it makes; `index` the action's place in the
    belief.
    """

    planned: tuple[PlannedAction, ...]
    weights: Floats
    chance: Floats
    usd: Floats
    nanodollars_high: Floats
    seconds: Floats
    seconds_high: Floats
    credit: Floats
    familiarity: Floats
    limit: Floats
    calls: Floats
    index: NDArray[np.intp]

    def take(self, among: NDArray[np.intp]) -> "Moves":
        """Some of the moves."""
        vectors = {f.name: getattr(self, f.name)[among] for f in fields(self)[3:]}
        planned = tuple(self.planned[move] for move in among.tolist())
        return Moves(planned, self.weights, self.chance[:, among], **vectors)


def build_moves(situation: Situation, standings: tuple[Standing, ...]) -> Moves:
    """All moves whose cost can be predicted. Garbage in the estimates (NaN, negative, infinite) takes a move out."""
    belief = situation.belief
    weights = clean_weights(belief.weights)
    chances = np.clip(np.nan_to_num(belief.chances(), nan=0.0), 0.0, 1.0)
    columns = list(_bind(situation, standings, weights, chances))
    index = np.array([column.index for column in columns], dtype=np.intp)
    chance = np.stack([column.chance for column in columns], axis=1) if columns else np.zeros((len(weights), 0))
    check = situation.verification
    estimates = [column.planned.estimate for column in columns]
    usd = np.array([estimate.usd + check.usd for estimate in estimates], dtype=float)
    usd_high = np.array([max(e.usd_high, e.usd) + check.usd_high for e in estimates], dtype=float)
    seconds = np.array([_duration(e.seconds) + check.seconds for e in estimates])
    seconds_high = np.array([_duration(e.seconds_high) + check.seconds_high for e in estimates])
    score = np.array([_share(estimate.score) for estimate in estimates])
    own = np.array([_share(estimate.success) for estimate in estimates])
    short = np.clip((score - own) / np.maximum(1.0 - own, 1e-9), 0.0, 0.99)  # of an answer that does not satisfy
    seen = belief.concentration + belief.passes + belief.failures
    is_repair = np.array([bool(column.planned.parents) for column in columns], dtype=bool)
    return Moves(
        planned=tuple(column.planned for column in columns),
        weights=weights,
        chance=chance,
        usd=usd,
        nanodollars_high=np.ceil(usd_high * NANODOLLARS_PER_USD - 1e-6),
        seconds=seconds,
        seconds_high=np.maximum(seconds, seconds_high),
        credit=SCORE_CREDIT * short,
        familiarity=np.maximum(np.nan_to_num(seen, nan=1.0, posinf=np.inf), 1e-3)[index],
        limit=np.where(is_repair, 1.0, float(MAX_REPEATS)),
        calls=np.full(len(columns), 1.0 + check.calls),
        index=index,
    )


@dataclass(frozen=True, slots=True)
class _Column:
    index: int
    planned: PlannedAction
    chance: Floats


def _bind(situation: Situation, standings: tuple[Standing, ...], weights: Floats, chances: Floats) -> Iterator[_Column]:
    """Each action on offer with its parents: none for a sample, one candidate for a fix, several for a fuse."""
    fixable = _fixable(standings)
    for index, estimate in enumerate(situation.belief.estimates):
        if not _has_cost(estimate.usd, estimate.usd_high):
            continue
        technique = estimate.action.technique
        if technique == "fix":
            for standing in fixable:
                chance = _fix_chance(situation, index, standing)
                if chance >= MIN_FIX_CHANCE:
                    planned = PlannedAction(estimate.action, estimate, (standing.candidate.id,))
                    yield _Column(index, planned, _scaled(chances[:, index], weights, chance))
        elif technique == "fuse":
            if len(standings) >= 2:
                parents = tuple(standing.candidate.id for standing in standings[:MAX_FUSED])
                yield _Column(index, PlannedAction(estimate.action, estimate, parents), chances[:, index])
        else:
            yield _Column(index, PlannedAction(estimate.action, estimate), chances[:, index])


def _fixable(standings: tuple[Standing, ...]) -> tuple[Standing, ...]:
    """Candidates with a known fault, those without a failed mandatory requirement first, then by score."""
    faulty = [s for s in standings if not s.passed and any(v.score is not None for v in s.candidate.verdicts)]
    return tuple(sorted(faulty, key=lambda standing: (-standing.score, standing.candidate.repair_count)))[:MAX_FIXED]


def _fix_chance(situation: Situation, index: int, standing: Standing) -> float:
    return _share(situation.fix_chance(index, repair_of(situation, standing.candidate)))


def repair_of(situation: Situation, candidate: Candidate) -> Repair:
    """What a fix of this candidate would start from."""
    verdicts = {verdict.requirement: verdict for verdict in candidate.verdicts}
    scores = [min(max(v.score, 0.0), 1.0) for v in verdicts.values() if v.score is not None]
    return Repair(
        score=sum(scores) / len(scores) if scores else 0.0,
        failed_kinds=failed_kinds(situation, verdicts),
        requirement_count=max(len(situation.requirements), 1),
        repair_count=candidate.repair_count,
    )


def _scaled(chance: Floats, weights: Floats, mean: float) -> Floats:
    """A fix keeps the action's ups and downs over the particles, about its own mean."""
    now = float(weights @ chance)
    scaled: Floats = np.clip(chance * (mean / now), 0.0, 1.0) if now > 1e-9 else np.full_like(chance, mean)
    return scaled


def _has_cost(usd: float, usd_high: float) -> bool:
    return all(math.isfinite(value) and value >= 0.0 for value in (usd, usd_high))


def _duration(seconds: float) -> float:
    return seconds if math.isfinite(seconds) and seconds >= 0.0 else UNKNOWN_SECONDS


def _share(value: float) -> float:
    return min(max(value, 0.0), 1.0) if math.isfinite(value) else 0.0
