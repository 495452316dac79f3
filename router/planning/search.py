"""Search over plans: a beam over series of waves, valued on the particles of the belief.

A plan is a list of moves, each of which joins the open wave or starts the next one. While every answer has failed,
nothing but the plan decides what comes next, so a plan under an exact check is a whole policy, and its value is exact
on the particles: P(an answer passes and is right) - usd x expected dollars - seconds x expected seconds, where a wave
is paid only by the mass of particles that reaches it. (Cascade routing, arXiv 2410.10347; ordering by cost per chance:
Pandora's rule, arXiv 2510.01394.)

Which plans are tried never depends on the limits: the limits only choose among them. So a larger budget can only add
plans to choose from, and never lowers the value.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from action_model.prices import NANODOLLARS_PER_USD
from router.planning.moves import Moves
from router.planning.particles import Floats
from router.planning.situation import Tradeoff

Ints = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Effort:
    """How hard to search: plans kept for each way of pricing, the longest plan, the widest wave, the moves that longer
    plans choose from, and the gain below which looking further ahead is not worth the time."""

    kept: int = 6
    depth: int = 8
    width: int = 8
    shortlist: int = 16
    patience: float = 1e-3


@dataclass(frozen=True, slots=True)
class Channel:
    """What a check tells: P(passes | right), P(passes | wrong), dollars paid for each pass.

    `baseline` is what the best candidate is worth already; `credit` the part of it that a wrong answer gets.
    """

    true_pass: float = 1.0
    false_pass: float = 0.0
    usd_per_pass: float = 0.0
    baseline: float = 0.0
    credit: float = 0.0


class Row(IntEnum):
    """What is kept of a plan. GAIN, USD, SECONDS are expected; NEED_ the 0.9 quantile up to the worst moment.

    REACH is the mass that starts the open wave; OPEN_ speak of that wave, BEFORE_ of all earlier ones.
    """

    GAIN = 0
    USD = 1
    SECONDS = 2
    SUCCESS = 3
    NEED_NANODOLLARS = 4
    NEED_SECONDS = 5
    CALLS = 6
    REACH = 7
    CREDIT = 8
    OPEN_USD = 9
    OPEN_HIGH = 10
    OPEN_SECONDS = 11
    OPEN_SECONDS_HIGH = 12
    BEFORE_USD = 13
    BEFORE_SECONDS = 14
    WIDTH = 15


@dataclass(frozen=True)
class Layer:
    """Plans of one length: `rows` (16, N), and for each the plan of the layer before, its last move, does it join."""

    rows: Floats
    parent: Ints
    move: Ints
    joins: NDArray[np.bool_]
    steps: tuple[tuple[tuple[int, bool], ...], ...]

    def waves(self, plan: int) -> list[list[int]]:
        """The moves of one plan, wave by wave."""
        steps = (*self.steps[self.parent[plan]], (int(self.move[plan]), bool(self.joins[plan])))
        waves: list[list[int]] = []
        for move, joins in steps:
            if joins:
                waves[-1].append(move)
            else:
                waves.append([move])
        return waves

    def value(self, tradeoff: Tradeoff) -> Floats:
        """Value of each plan above what the best candidate is worth already."""
        return value_of(self.rows, tradeoff)


def value_of(rows: Floats, tradeoff: Tradeoff) -> Floats:
    """Gain minus what is paid for it."""
    paid: Floats = rows[Row.GAIN] - tradeoff.usd * rows[Row.USD] - tradeoff.seconds * rows[Row.SECONDS]
    return paid


@dataclass(frozen=True)
class _Beam:
    """The plans kept: `miss` (B, S) is the mass on which nothing has passed; `uses` (B, K) counts moves made."""

    rows: Floats
    miss: Floats
    uses: Floats
    steps: tuple[tuple[tuple[int, bool], ...], ...]


def search(moves: Moves, channel: Channel, tradeoff: Tradeoff, effort: Effort = Effort()) -> list[Layer]:
    """Layers of plans: all of one move, then extensions of the best, until longer ones stop paying at any price."""
    beam = _start(moves, channel)
    prices = retention_prices(moves, tradeoff)
    paid = np.array(
        [(1.0, -price.usd, -price.seconds) for price in prices]
    )  # of GAIN, USD, SECONDS: `value_of` at once
    best = np.full(len(prices), -np.inf)
    layers: list[Layer] = []
    among = np.arange(len(moves.planned))
    offered = moves
    while moves.planned and len(layers) < effort.depth:
        layer = _grow(beam, offered, channel, effort.width, among)
        values = paid @ layer.rows[: Row.SECONDS + 1]
        layers.append(layer)
        if not np.any(values.max(axis=1, initial=-np.inf) > best + effort.patience):
            break
        if len(layers) == 1:
            among = _shortlist(values, moves, effort.shortlist)
            offered = moves.take(among)
        best = np.maximum(best, values.max(axis=1, initial=-np.inf))
        beam = _keep(beam, layer, moves, channel, _choose(values, layer.rows, effort.kept))
    return layers


def _shortlist(values: Floats, moves: Moves, count: int) -> Ints:
    """The moves that longer plans choose from: the best by each price, and the most likely to succeed."""
    rankings = [*values, moves.weights @ moves.chance]
    orders = [np.argsort(-ranking, kind="stable") for ranking in rankings]
    chosen: dict[int, None] = {}
    for place in zip(*orders, strict=True):
        chosen.update(dict.fromkeys(int(move) for move in place))
        if len(chosen) >= count:
            break
    return np.array(sorted(chosen), dtype=np.intp)


def retention_prices(moves: Moves, tradeoff: Tradeoff) -> tuple[Tradeoff, ...]:
    """Prices by which plans are kept: the true ones, and ones that find the plans for little money or little time."""
    usd = float(np.median(moves.usd)) if moves.planned else 0.0
    seconds = float(np.median(moves.seconds)) if moves.planned else 0.0
    dear = max(tradeoff.usd * 8.0, 0.2 / max(usd, 1e-9))
    hurried = max(tradeoff.seconds * 8.0, 0.3 / max(seconds, 1e-3))
    return (
        tradeoff,
        Tradeoff(dear, tradeoff.seconds),
        Tradeoff(tradeoff.usd, hurried),
    )


def _start(moves: Moves, channel: Channel) -> _Beam:
    rows = np.zeros((len(Row), 1))
    rows[Row.REACH] = 1.0
    rows[Row.CREDIT] = channel.credit
    rows[Row.WIDTH] = np.inf
    return _Beam(rows, moves.weights[None, :].copy(), np.zeros((1, len(moves.planned))), ((),))


def _grow(beam: _Beam, moves: Moves, channel: Channel, max_width: int, among: Ints) -> Layer:
    """Every plan of the beam with every move added, once as a wave of its own and once in the open wave."""
    rows = beam.rows[:, :, None]
    mass = beam.miss.sum(axis=1)[:, None]
    uses = beam.uses[:, among]
    right = (beam.miss @ moves.chance) * _freshness(moves.familiarity, uses)
    passing = channel.true_pass * right + channel.false_pass * (mass - right)
    graded = np.maximum(moves.credit - rows[Row.CREDIT], 0.0)
    gain = channel.true_pass * right - channel.baseline * passing + graded * (mass - passing)
    plans, count = uses.shape
    out = np.empty((len(Row), 2, plans, count))
    out[Row.GAIN] = rows[Row.GAIN] + gain
    out[Row.SUCCESS] = rows[Row.SUCCESS] + channel.true_pass * right
    out[Row.CREDIT] = rows[Row.CREDIT] + graded
    out[Row.CALLS] = rows[Row.CALLS] + moves.calls
    out[Row.USD] = rows[Row.USD] + channel.usd_per_pass * passing
    _fill_alone(out[:, 0], rows, moves, mass)
    _fill_joined(out[:, 1], rows, moves)
    _fill_needs(out, rows)
    allowed = uses < moves.limit
    index = np.flatnonzero(np.stack((allowed, allowed & (rows[Row.WIDTH] < max_width))))
    place = index % (plans * count)
    grown = out.reshape(len(Row), -1)[:, index]
    return Layer(grown, place // count, among[place % count], index >= plans * count, beam.steps)


def _fill_alone(out: Floats, rows: Floats, moves: Moves, mass: Floats) -> None:
    """(16, B, K): the move starts the next wave, paid by the mass that is still without an answer."""
    out[Row.USD] += mass * moves.usd
    out[Row.SECONDS] = rows[Row.SECONDS] + mass * moves.seconds
    out[Row.REACH] = mass
    out[Row.OPEN_USD], out[Row.OPEN_HIGH] = moves.usd, moves.nanodollars_high
    out[Row.OPEN_SECONDS], out[Row.OPEN_SECONDS_HIGH] = moves.seconds, moves.seconds_high
    out[Row.BEFORE_USD] = rows[Row.BEFORE_USD] + rows[Row.OPEN_USD]
    out[Row.BEFORE_SECONDS] = rows[Row.BEFORE_SECONDS] + rows[Row.OPEN_SECONDS]
    out[Row.WIDTH] = 1.0


def _fill_joined(out: Floats, rows: Floats, moves: Moves) -> None:
    """(16, B, K): the move runs in the open wave, paid by the mass that started it; only the slowest takes time."""
    slowest = np.maximum(rows[Row.OPEN_SECONDS], moves.seconds)
    out[Row.USD] += rows[Row.REACH] * moves.usd
    out[Row.SECONDS] = rows[Row.SECONDS] + rows[Row.REACH] * (slowest - rows[Row.OPEN_SECONDS])
    out[Row.OPEN_USD] = rows[Row.OPEN_USD] + moves.usd
    out[Row.OPEN_HIGH] = rows[Row.OPEN_HIGH] + moves.nanodollars_high
    out[Row.OPEN_SECONDS] = slowest
    out[Row.OPEN_SECONDS_HIGH] = np.maximum(rows[Row.OPEN_SECONDS_HIGH], moves.seconds_high)
    for same in (Row.REACH, Row.BEFORE_USD, Row.BEFORE_SECONDS):
        out[same] = rows[same]
    out[Row.WIDTH] = rows[Row.WIDTH] + 1.0


def _fill_needs(out: Floats, rows: Floats) -> None:
    """A wave may start if what was spent before it (as expected) and its own 0.9 quantile fit together."""
    need = out[Row.BEFORE_USD] * NANODOLLARS_PER_USD + out[Row.OPEN_HIGH]
    np.maximum(rows[Row.NEED_NANODOLLARS], need, out=out[Row.NEED_NANODOLLARS])
    moment = out[Row.BEFORE_SECONDS] + out[Row.OPEN_SECONDS_HIGH]
    np.maximum(rows[Row.NEED_SECONDS], moment, out=out[Row.NEED_SECONDS])


def _freshness(familiarity: Floats, uses: Floats) -> Floats:
    """How much of its chance an action keeps after `uses` failed tries (Beta-binomial mean); all, if they tell nothing
    of each other (infinity)."""
    kept: Floats = 1.0 / (1.0 + uses / familiarity)
    return kept


def _choose(values: Floats, rows: Floats, kept: int) -> Ints:
    """The best plans by each price, each once: of plans that differ in nothing but the order of a wave, the first."""
    count = min(values.shape[1], 4 * kept)
    chosen: dict[tuple[float, float], int] = {}
    for value in values if count else ():
        top = np.argpartition(-value, count - 1)[:count]
        top = top[np.lexsort((top, -value[top]))]
        first, need = np.round(values[0][top], 12), np.round(rows[Row.NEED_SECONDS][top], 9)
        taken = 0
        for plan, key in zip(top.tolist(), zip(first.tolist(), need.tolist(), strict=True), strict=True):
            if key not in chosen and taken < kept:
                chosen[key] = plan
                taken += 1
    return np.array(sorted(chosen.values()), dtype=np.intp)


def _keep(beam: _Beam, layer: Layer, moves: Moves, channel: Channel, plans: Ints) -> _Beam:
    """The chosen plans with their particles: what passes leaves the mass."""
    parent, move = layer.parent[plans], layer.move[plans]
    fresh = _freshness(moves.familiarity[move], beam.uses[parent, move])
    right = moves.chance[:, move].T * fresh[:, None]
    passing = channel.true_pass * right + channel.false_pass * (1.0 - right)
    uses = beam.uses[parent].copy()
    uses[np.arange(len(plans)), move] += 1.0
    steps = tuple(_extended(layer, plan) for plan in plans.tolist())
    return _Beam(layer.rows[:, plans], beam.miss[parent] * (1.0 - passing), uses, steps)


def _extended(layer: Layer, plan: int) -> tuple[tuple[int, bool], ...]:
    return (*layer.steps[layer.parent[plan]], (int(layer.move[plan]), bool(layer.joins[plan])))
