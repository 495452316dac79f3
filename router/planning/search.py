"""Search over plans: a beam over series of waves, valued on the particles of the belief.

A plan is a list of moves, each of which joins the open wave or starts the next one. While every answer has failed,
nothing but the plan decides what comes next, so a plan under an exact check is a whole policy, and its value is exact
on the particles: P(an answer passes and is right) - usd x expected dollars - seconds x expected seconds, where a wave
is paid only by the mass of particles that reaches it. (Cascade routing, arXiv 2410.10347; ordering by cost per chance:
Pandora's rule, arXiv 2510.01394.)

Which plans are tried depends on no limit but the longest plan: the limits only choose among them. So a larger budget
can only add plans to choose from, and never lowers the value.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from action_model.prices import NANODOLLARS_PER_USD
from router.planning.moves import Moves
from router.planning.particles import Floats
from router.planning.plans import (
    BEFORE,
    COUNTED,
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
)
from router.planning.situation import Tradeoff

HOPES = (0.8, 1.0)
"""Shares of the most that may be gained by going on, by which plans are kept beside their own value."""
LONGEST = 8
"""The longest plan, in moves."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How hard to search: plans kept for each way of ranking, the longest plan, the widest wave, the moves that longer
    plans choose from, and the gain below which looking further ahead is not worth the time."""

    kept: int = 3
    depth: int = LONGEST
    width: int = 8
    shortlist: int = 16
    patience: float = 0.01


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

    @property
    def is_exact(self) -> bool:
        """Does it pass what is right and nothing else?"""
        return self.true_pass == 1.0 and self.false_pass == 0.0


@dataclass(frozen=True)
class _Beam:
    """The plans kept: `miss` (B, S) is the mass on which nothing has passed; `uses` (B, K) counts moves made."""

    rows: Floats
    miss: Floats
    uses: Floats
    steps: tuple[Steps, ...]


@dataclass(frozen=True)
class _Offered:
    """The moves that plans are made of, laid out for `_grow`.

    `among` are their places in all moves; `told` (S, 2 K + 2) their chances and a column of ones, then both times
    `hoped` (S,); `by_move` (K, S) their chances; `paid` (2, 1, K) and `opening` (4, 1, K) as the rows of those names;
    `fewest` the least that a move may be made.
    """

    moves: Moves
    among: Ints
    told: Floats
    hoped: Floats
    by_move: Floats
    paid: Floats
    opening: Floats
    fewest: float

    @staticmethod
    def of(moves: Moves, hope: Floats, among: Ints | None = None) -> "_Offered":
        """All of the moves. Their places are their own, if they are not some of many."""
        paid = np.stack((moves.usd, moves.seconds))[:, None, :]
        mean = np.stack((moves.usd * NANODOLLARS_PER_USD, moves.seconds))
        opening = np.concatenate((mean, np.stack((moves.nanodollars_high, moves.seconds_high))))[:, None, :]
        told = np.concatenate((moves.chance, np.ones((len(hope), 1))), axis=1)
        told = np.concatenate((told, hope[:, None] * told), axis=1)
        places = np.arange(len(moves.planned)) if among is None else among
        by_move = np.ascontiguousarray(moves.chance.T)
        return _Offered(moves, places, told, hope, by_move, paid, opening, float(moves.limit.min()))

    def take(self, among: Ints) -> "_Offered":
        """Some of the moves."""
        return _Offered.of(self.moves.take(among), self.hoped, among)


def search(
    moves: Moves, channel: Channel, tradeoff: Tradeoff, effort: Effort = Effort(), scarce: Sequence[Tradeoff] = ()
) -> list[Layer]:
    """Layers of plans: all of one move, then extensions of the best, until longer ones stop paying. `scarce` are prices
    at which plans are kept too, for where money or time is short."""
    layers: list[Layer] = []
    if not moves.planned:
        return layers
    offered, beam = _Offered.of(moves, hope(moves, channel, tradeoff)), _start(moves, channel)
    ranking = _rankings(tradeoff, scarce)
    watched = [0, *range(1 + len(HOPES), len(ranking))]
    best = np.full(len(watched), -np.inf)
    while beam.steps and len(layers) < effort.depth:
        rows = _grow(beam, offered, channel, effort.width)
        values = ranking @ rows[COUNTED]
        layers.append(Layer(rows, values[0], offered.among, beam.steps))
        most = values[watched].max(axis=1)
        if not (most > best + effort.patience).any():
            break
        best = np.maximum(best, most)
        beam = _keep(beam, layers[-1], offered, channel, _choose(values, rows[Row.NEED_SECONDS], effort.kept))
        if len(layers) == 1 and len(moves.planned) > effort.shortlist:
            among = _shortlist(values, moves, effort.shortlist)
            offered, beam = offered.take(among), _narrowed(beam, among)
    return layers


def hope(moves: Moves, channel: Channel, tradeoff: Tradeoff) -> Floats:
    """(S,): what could be gained on each particle if it were known, by trying the move best there until one passes:
    1 - price / chance (Weitzman 1979). Value plus hope bounds the value of a series of single waves from above, so
    that ranking by it keeps cheap beginnings of which most of the value is still to come."""
    price = tradeoff.usd * moves.usd + tradeoff.seconds * moves.seconds
    tries = (price / np.maximum(channel.true_pass * moves.chance, 1e-9)).min(axis=1)
    found: Floats = np.maximum(1.0 - channel.baseline - tries, 0.0)
    return found


def _rankings(tradeoff: Tradeoff, scarce: Sequence[Tradeoff]) -> Floats:
    """(P, 4): what GAIN, USD, SECONDS and HOPE count: at the true price, with hope, and at prices of what is scarce."""
    true = [(1.0, -tradeoff.usd, -tradeoff.seconds, share) for share in (0.0, *HOPES)]
    return np.array([*true, *((1.0, -price.usd, -price.seconds, 0.0) for price in scarce)])


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
    told = (beam.miss @ offered.told).reshape(plans, 2, count + 1).transpose(1, 0, 2)  # (2, B, K + 1)
    right, hopeful = told[:, :, :-1] * _freshness(moves.familiarity, beam.uses)
    mass, hoped = told[:, :, -1:]
    succeeding, passing = channel.true_pass * right, right
    if not channel.is_exact:
        passing = channel.false_pass * mass + (channel.true_pass - channel.false_pass) * right
        hopeful = channel.false_pass * hoped + (channel.true_pass - channel.false_pass) * hopeful
    graded = np.maximum(moves.credit - rows[Row.CREDIT], 0.0)
    ways = 2 if max_width > 1 and beam.steps[0] else 1
    out = np.empty((len(Row), ways, plans, count))
    out[...] = beam.rows[:, None, :, None]
    fallback = channel.baseline + (rows[Row.CREDIT] - channel.credit)  # what a pass takes the place of
    out[Row.GAIN] += succeeding - fallback * passing + graded * (mass - passing)
    out[Row.HOPE] = hoped - hopeful
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


def _fill_joined(out: Floats, rows: Floats, offered: _Offered) -> None:
    """(16, B, K): the move runs in the open wave, paid by the mass that started it; only the slowest takes time."""
    out[OPEN_MONEY] += offered.opening[0::2]
    np.maximum(out[OPEN_TIME], offered.opening[1::2], out=out[OPEN_TIME])
    out[Row.USD] += rows[Row.REACH] * offered.paid[0]
    out[Row.SECONDS] += rows[Row.REACH] * (out[Row.OPEN_SECONDS] - rows[Row.OPEN_SECONDS])


def _forbid(out: Floats, beam: _Beam, offered: _Offered, max_width: int) -> None:
    """A move made as often as it may be, or one more in a wave that is full, gains minus infinity."""
    depth = len(beam.steps[0])
    if depth >= offered.fewest:
        out[Row.GAIN][:, beam.uses >= offered.moves.limit] = -np.inf
    if depth >= max_width and out.shape[1] == 2:
        full = [all(joins for _, joins in steps[1 - max_width :]) for steps in beam.steps]
        out[Row.GAIN, 1, full] = -np.inf


def _freshness(familiarity: Floats, uses: Floats) -> Floats:
    """How much of its chance an action keeps after `uses` failed tries (Beta-binomial mean); all, if they tell nothing
    of each other (infinity)."""
    kept: Floats = 1.0 / (1.0 + uses / familiarity)
    return kept


def _choose(values: Floats, need: Floats, kept: int) -> list[int]:
    """The best plans by each ranking (P, N), each once: one of those that differ in nothing but a wave's order."""
    ranked = np.argsort(-values, axis=1)[:, : 4 * kept].tolist()
    true, seconds = values[0].tolist(), need.tolist()
    chosen: dict[tuple[float, float], int] = {}
    seen: set[int] = set()
    for ranking in ranked:
        most = len(chosen) + kept
        for plan in ranking:
            if plan not in seen and true[plan] > -np.inf:
                chosen.setdefault((round(true[plan], 12), round(seconds[plan], 9)), plan)
            seen.add(plan)
            if len(chosen) == most:
                break
    return sorted(chosen.values())


def _keep(beam: _Beam, layer: Layer, offered: _Offered, channel: Channel, plans: list[int]) -> _Beam:
    """The chosen plans with their particles: what passes leaves the mass."""
    places = [layer.place(plan) for plan in plans]
    parent, move = [parent for _, parent, _ in places], [place for _, _, place in places]
    own, uses = range(len(plans)), beam.uses[parent]
    fresh = _freshness(offered.moves.familiarity[move], uses[own, move])
    uses[own, move] += 1.0
    passes = ((channel.true_pass - channel.false_pass) * fresh)[:, None] * offered.by_move[move]
    miss = beam.miss[parent] * (1.0 - channel.false_pass - passes)
    return _Beam(layer.rows[:, plans], miss, uses, tuple(layer.extended(*place) for place in places))


def _narrowed(beam: _Beam, among: Ints) -> _Beam:
    """The same plans, whose next moves are chosen from a few."""
    return _Beam(beam.rows, beam.miss, beam.uses[:, among], beam.steps)
