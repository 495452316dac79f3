"""The moves the planner may make next, as arrays: every action on offer, bound to the candidates it starts from."""

import math
from collections.abc import Iterator, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from action_model.belief import Estimate, Repair
from action_model.prices import NANODOLLARS_PER_USD
from router.planning.particles import Floats, clean_weights, finite, shares
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


class Moves(msgspec.Struct, frozen=True, gc=False):
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
        vectors = {name: getattr(self, name)[among] for name in self.__struct_fields__[3:]}
        planned = tuple(self.planned[move] for move in among.tolist())
        return Moves(planned, self.weights, self.chance.T[among].T, **vectors)


def build_moves(situation: Situation, standings: tuple[Standing, ...]) -> Moves:
    """All moves whose cost can be predicted. Garbage in the estimates (NaN, negative, infinite) takes a move out."""
    belief, check = situation.belief, situation.verification
    weights, bound = clean_weights(belief.weights), list(_bind(situation, standings))
    index = np.array([one.index for one in bound], dtype=np.intp)
    chance = shares(belief.chances().T[index])  # (K, S)
    for place, one in enumerate(bound):
        if one.mean is not None:
            chance[place] = _scaled(chance[place], weights, one.mean)
    usd, usd_high, seconds, seconds_high, score, own = _figures([one.planned.estimate for one in bound])
    seconds = seconds + check.seconds
    lacking = (score - own) / np.maximum(1.0 - own, 1e-9)
    short = np.minimum(np.maximum(lacking, 0.0), 0.99)  # of an answer that does not satisfy
    seen = finite((belief.concentration + belief.passes + belief.failures)[index], nan=1.0, above=np.inf)
    return Moves(
        planned=tuple([one.planned for one in bound]),
        weights=weights,
        chance=chance.T,
        usd=usd + check.usd,
        nanodollars_high=np.ceil((usd_high + check.usd_high) * NANODOLLARS_PER_USD - 1e-6),
        seconds=seconds,
        seconds_high=np.maximum(seconds, seconds_high + check.seconds_high),
        credit=SCORE_CREDIT * short,
        familiarity=np.maximum(seen, 1e-3),
        limit=np.array([1.0 if one.planned.parents else MAX_REPEATS for one in bound], dtype=float),
        calls=np.array([1.0 + check.calls] * len(bound)),
        index=index,
    )


def _figures(estimates: Sequence[Estimate]) -> Floats:
    """(6, K): dollars, their 0.9 quantile, seconds, theirs, score and success, fit to compute with."""
    told = [(e.usd, e.usd_high, e.seconds, e.seconds_high, e.score, e.success) for e in estimates]
    found: Floats = np.array(told, dtype=float).reshape(-1, 6).T.copy()
    np.maximum(found[0], found[1], out=found[1])
    time = found[2:4]
    if not (time.min(initial=0.0) >= 0.0 and time.max(initial=0.0) < np.inf):
        time[~(np.isfinite(time) & (time >= 0.0))] = UNKNOWN_SECONDS
    found[4:] = shares(found[4:])
    return found


class _Bound(msgspec.Struct, frozen=True, gc=False):
    """An action with its parents, at its place in the belief; `mean` is its chance if that is not the action's own."""

    index: int
    planned: PlannedAction
    mean: float | None = None


def _bind(situation: Situation, standings: tuple[Standing, ...]) -> Iterator[_Bound]:
    """Each action on offer with its parents: none for a sample, one candidate for a fix, several for a fuse."""
    fixable = _fixable(standings)
    for index, estimate in enumerate(situation.belief.estimates):
        if not (0.0 <= estimate.usd < math.inf and 0.0 <= estimate.usd_high < math.inf):
            continue
        action = estimate.action
        if action.technique == "fix":
            for standing in fixable:
                chance = _fix_chance(situation, index, standing)
                if chance >= MIN_FIX_CHANCE:
                    yield _Bound(index, PlannedAction(action, estimate, (standing.candidate.id,)), chance)
        elif action.technique == "fuse":
            if len(standings) >= 2:
                parents = tuple(standing.candidate.id for standing in standings[:MAX_FUSED])
                yield _Bound(index, PlannedAction(action, estimate, parents))
        else:
            yield _Bound(index, PlannedAction(action, estimate))


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


def _share(value: float) -> float:
    return min(max(value, 0.0), 1.0) if math.isfinite(value) else 0.0
