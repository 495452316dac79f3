"""Search over plans: a beam over series of waves, valued on the particles of the belief.

A plan is a list of moves, each of which joins the open wave or starts the next one. While every answer has failed,
nothing but the plan decides what comes next, so a plan under an exact check is a whole policy, and its value is exact
on the particles: P(an answer passes and is right) - usd x expected dollars - seconds x expected seconds, where a wave
is paid only by the mass of particles that reaches it. (Cascade routing, arXiv 2410.10347; ordering by cost per chance:
Pandora's rule, arXiv 2510.01394.)

Which plans are tried depends on no limit but the longest plan: the limits only choose among them. So a larger budget
can only add plans to choose from, and never lowers the value.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from action_model.prices import NANODOLLARS_PER_USD
from router.planning.moves import Moves
from router.planning.particles import Floats
from router.planning.plans import (
    BEFORE,
    NEED,
    OPEN,
    OPEN_HIGH,
    OPEN_MEAN,
    OPEN_MONEY,
    OPEN_TIME,
    PAID,
    Ints,
    Layer,
    Row,
    Steps,
    weighed,
)
from router.planning.situation import Tradeoff

LONGEST = 8
"""The longest plan, in moves."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How hard to search: plans kept for each way of pricing, the longest plan, the widest wave, the moves that longer
    plans choose from, and the gain below which looking further ahead is not worth the time."""

    kept: int = 6
    depth: int = LONGEST
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


@dataclass(frozen=True)
class _Beam:
    """The plans kept: `miss` (B, S) is the mass on which nothing has passed; `uses` (B, K) counts moves made."""

    rows: Floats
    miss: Floats
    uses: Floats
    steps: tuple[Steps, ...]


@dataclass(frozen=True)
class _Offered:
    """The moves that plans are made of, laid out for `_grow`. `among` are their places in all moves; `told` (S, K + 1)
    their chances and a column of ones; `paid` (2, 1, K) and `opening` (4, 1, K) as the rows of those names."""

    moves: Moves
    among: Ints
    told: Floats
    by_move: Floats
    paid: Floats
    opening: Floats
    fewest: float

    @staticmethod
    def of(moves: Moves, among: Ints | None = None) -> "_Offered":
        some = moves if among is None else moves.take(among)
        paid = np.stack((some.usd, some.seconds))[:, None, :]
        mean = np.stack((some.usd * NANODOLLARS_PER_USD, some.seconds))
        opening = np.concatenate((mean, np.stack((some.nanodollars_high, some.seconds_high))))[:, None, :]
        told = np.concatenate((some.chance, np.ones((len(some.weights), 1))), axis=1)
        places = np.arange(len(some.planned)) if among is None else among
        by_move = np.ascontiguousarray(some.chance.T)
        return _Offered(some, places, told, by_move, paid, opening, float(some.limit.min(initial=np.inf)))


def search(moves: Moves, channel: Channel, prices: Sequence[Tradeoff], effort: Effort = Effort()) -> list[Layer]:
    """Layers of plans: all of one move, then extensions of the best, until longer ones stop paying at any price. The
    first price is the true one, the others keep plans for where something is scarce."""
    layers: list[Layer] = []
    if not moves.planned:
        return layers
    offered, beam, counted = _Offered.of(moves), _start(moves, channel), weighed(prices)
    best = np.full(len(prices), -np.inf)
    while beam.steps and len(layers) < effort.depth:
        rows = _grow(beam, offered, channel, effort.width)
        values = counted @ rows[: Row.SECONDS + 1]
        layers.append(Layer(rows, values[0], offered.among, beam.steps))
        most = values.max(axis=1)
        if not (most > best + effort.patience).any():
            break
        best = np.maximum(best, most)
        beam = _keep(beam, layers[-1], offered, channel, _choose(values, rows[Row.NEED_SECONDS], effort.kept))
        if len(layers) == 1 and len(moves.planned) > effort.shortlist:
            among = _shortlist(values, moves, effort.shortlist)
            offered, beam = _Offered.of(moves, among), _narrowed(beam, among)
    return layers


def scarce_prices(moves: Moves, tradeoff: Tradeoff) -> tuple[Tradeoff, ...]:
    """Prices that find the plans for little money and for little time."""
    usd = float(np.median(moves.usd)) if moves.planned else 0.0
    seconds = float(np.median(moves.seconds)) if moves.planned else 0.0
    dear = max(tradeoff.usd * 8.0, 0.2 / max(usd, 1e-9))
    hurried = max(tradeoff.seconds * 8.0, 0.3 / max(seconds, 1e-3))
    return Tradeoff(dear, tradeoff.seconds), Tradeoff(tradeoff.usd, hurried)


def _shortlist(values: Floats, moves: Moves, count: int) -> Ints:
    """The moves that longer plans choose from: the best by each price, and the most likely to succeed."""
    rankings = [*values, moves.weights @ moves.chance]
    orders = [np.argsort(-ranking, kind="stable").tolist() for ranking in rankings]
    chosen: dict[int, None] = {}
    for place in zip(*orders, strict=True):
        chosen.update(dict.fromkeys(place))
        if len(chosen) >= count:
            break
    return np.array(sorted(chosen), dtype=np.intp)


def _start(moves: Moves, channel: Channel) -> _Beam:
    rows = np.zeros((len(Row), 1))
    rows[Row.REACH] = 1.0
    rows[Row.CREDIT] = channel.credit
    return _Beam(rows, moves.weights[None, :], np.zeros((1, len(moves.planned))), ((),))


def _grow(beam: _Beam, offered: _Offered, channel: Channel, max_width: int) -> Floats:
    """(16, N): every plan of the beam with every move added, once as a wave of its own and once in the open wave."""
    plans, count = beam.uses.shape
    rows, moves = beam.rows[:, :, None], offered.moves
    told = beam.miss @ offered.told
    mass = told[:, -1:]
    right = told[:, :-1] * _freshness(moves.familiarity, beam.uses)
    passing = (
        right
        if channel.false_pass == 0.0 and channel.true_pass == 1.0
        else (channel.false_pass * mass + (channel.true_pass - channel.false_pass) * right)
    )
    succeeding = channel.true_pass * right
    graded = np.maximum(moves.credit - rows[Row.CREDIT], 0.0)
    ways = 2 if max_width > 1 and beam.steps[0] else 1
    out = np.empty((len(Row), ways, plans, count))
    out[...] = beam.rows[:, None, :, None]
    out[Row.GAIN] += succeeding - channel.baseline * passing + graded * (mass - passing)
    out[Row.SUCCESS] += succeeding
    out[Row.CREDIT] += graded
    out[Row.CALLS] += moves.calls
    if channel.usd_per_pass:
        out[Row.USD] += channel.usd_per_pass * passing
    _fill_alone(out[:, 0], rows, offered, mass)
    if ways == 2:
        _fill_joined(out[:, 1], rows, offered)
    need = out[BEFORE] + out[OPEN_HIGH]  # spent before the wave, as expected, and its own 0.9 quantile
    np.maximum(out[NEED], need, out=out[NEED])
    _forbid(out, beam, offered, max_width)
    grown: Floats = out.reshape(len(Row), -1)
    return grown


def _fill_alone(out: Floats, rows: Floats, offered: _Offered, mass: Floats) -> None:
    """(16, B, K): the move starts the next wave, paid by the mass that is still without an answer."""
    out[PAID] += mass * offered.paid
    out[BEFORE] += rows[OPEN_MEAN]
    out[OPEN] = offered.opening
    out[Row.REACH] = mass
    out[Row.WIDTH] = 1.0


def _fill_joined(out: Floats, rows: Floats, offered: _Offered) -> None:
    """(16, B, K): the move runs in the open wave, paid by the mass that started it; only the slowest takes time."""
    out[OPEN_MONEY] += offered.opening[0::2]
    np.maximum(out[OPEN_TIME], offered.opening[1::2], out=out[OPEN_TIME])
    out[Row.USD] += rows[Row.REACH] * offered.paid[0]
    out[Row.SECONDS] += rows[Row.REACH] * (out[Row.OPEN_SECONDS] - rows[Row.OPEN_SECONDS])
    out[Row.WIDTH] += 1.0


def _forbid(out: Floats, beam: _Beam, offered: _Offered, max_width: int) -> None:
    """A move made as often as it may be, or one more in a wave that is full, gains minus infinity."""
    depth = len(beam.steps[0])
    if depth >= offered.fewest:
        out[Row.GAIN][:, beam.uses >= offered.moves.limit] = -np.inf
    if depth >= max_width and out.shape[1] == 2:
        out[Row.GAIN, 1][out[Row.WIDTH, 1] > max_width] = -np.inf


def _freshness(familiarity: Floats, uses: Floats) -> Floats:
    """How much of its chance an action keeps after `uses` failed tries (Beta-binomial mean); all, if they tell nothing
    of each other (infinity)."""
    kept: Floats = 1.0 / (1.0 + uses / familiarity)
    return kept


def _choose(values: Floats, need: Floats, kept: int) -> list[int]:
    """The best plans by each price, each once: of plans that differ in nothing but the order of a wave, the first."""
    chosen: dict[tuple[float, float], int] = {}
    for value in values:
        taken = 0
        for plan in _ranked(value, 4 * kept):
            if not value[plan] > -np.inf:
                break
            key = (round(float(values[0, plan]), 12), round(float(need[plan]), 9))
            if key not in chosen:
                chosen[key] = plan
                taken += 1
                if taken == kept:
                    break
    return sorted(chosen.values())


def _ranked(value: Floats, count: int) -> Iterator[int]:
    """The largest, best first, equal ones in their order."""
    if len(value) <= 4 * count:
        return iter(np.argsort(-value, kind="stable")[:count].tolist())
    top = np.argpartition(-value, count - 1)[:count]
    return iter(top[np.lexsort((top, -value[top]))].tolist())


def _keep(beam: _Beam, layer: Layer, offered: _Offered, channel: Channel, plans: list[int]) -> _Beam:
    """The chosen plans with their particles: what passes leaves the mass."""
    places = [layer.place(plan) for plan in plans]
    parent, move = [parent for _, parent, _ in places], [place for _, _, place in places]
    uses = beam.uses[parent]
    own = np.arange(len(plans))
    fresh = _freshness(offered.moves.familiarity[move], uses[own, move])
    uses[own, move] += 1.0
    stays = (
        1.0 - channel.false_pass - ((channel.true_pass - channel.false_pass) * fresh)[:, None] * offered.by_move[move]
    )
    steps = tuple(layer.extended(plan) for plan in plans)
    return _Beam(layer.rows[:, plans], beam.miss[parent] * stays, uses, steps)


def _narrowed(beam: _Beam, among: Ints) -> _Beam:
    """The same plans, whose next moves are chosen from a few."""
    return _Beam(beam.rows, beam.miss, beam.uses[:, among], beam.steps)
