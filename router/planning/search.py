"""Search over plans: a beam over series of waves, valued on the particles of the belief.

A plan is a list of moves, each of which joins the open wave or starts the next one. While every answer has failed,
nothing but the plan decides what comes next, so a plan under an exact check is a whole policy, and its value is exact
on the particles: P(an answer passes and is right) - usd x expected dollars - seconds x expected seconds, where a wave
is paid only by the mass of particles that reaches it. (Cascade routing, arXiv 2410.10347; ordering by cost per chance:
Pandora's rule, arXiv 2510.01394.)

Which plans are tried depends on no limit but the longest plan: the limits only choose among them. So a larger budget
can only add plans to choose from, and never lowers the value. What plans need of the limits is told by `needs.py`, for
those that are asked about: here is only what their values hang on.
"""

import math
from collections.abc import Sequence

import msgspec
import numpy as np

from router.planning.moves import Moves
from router.planning.needs import needed_seconds
from router.planning.offered import RANKED, Channel, Offered, base, hope, offset
from router.planning.particles import Floats
from router.planning.plans import Layer
from router.planning.situation import Tradeoff

LONGEST = 8
"""The longest plan, in moves."""
VALUE_PARTS, SECOND_PARTS = 1e12, 1e9
"""Plans that differ by less than one of so many parts of a success, and of a second, are one plan told in two ways."""


class Effort(msgspec.Struct, frozen=True):
    """How hard to search: plans kept for each way of ranking, the longest plan, the widest wave, the moves that longer
    plans choose from, and the gain below which looking further ahead is not worth the time."""

    kept: int = 3
    depth: int = LONGEST
    width: int = 8
    shortlist: int = 16
    patience: float = 0.01


class _Beam(msgspec.Struct, frozen=True, gc=False):
    """B plans kept, by their places in the layer before. `figures` (F, B) are those of `offered.py`; `miss` (B, S) is
    the mass on which nothing has passed; `worn` (2 K, B) what earlier tries take of each move's chance; `credit` (B,)
    what the mass left is worth; `uses` (K, B) counts moves made, and `widths` (B,) those of the open wave, where they
    are limited."""

    plans: list[int]
    figures: Floats
    miss: Floats
    worn: Floats
    credit: Floats
    uses: Floats | None
    widths: Floats | None


class _Grown(msgspec.Struct, frozen=True, gc=False):
    """What the plans of a beam become with each move: `spent` (2 P + 1, N) the first figures of each, `left` (3, N / 2)
    the next two and what is gained, `success` (N / 2,) the last, `credit` (N / 2,), and `losses` by each ranking."""

    spent: Floats
    left: Floats
    success: Floats | None
    credit: Floats
    losses: Floats


def search(
    moves: Moves, channel: Channel, tradeoff: Tradeoff, effort: Effort = Effort(), scarce: Sequence[Tradeoff] = ()
) -> list[Layer]:
    """Layers of plans: all of one move, then extensions of the best, until longer ones stop paying. `scarce` are prices
    at which plans are kept too, for where money or time is short."""
    layers: list[Layer] = []
    if not moves.planned:
        return layers
    prices, hoped = (tradeoff, *scarce), hope(moves, channel, tradeoff)
    some, offered = moves, Offered.of(moves, channel, prices, effort.depth)
    beam, told = _start(moves, hoped, channel, effort, prices), _first_told(moves, hoped)
    least = dict.fromkeys((0, *range(RANKED, RANKED + len(scarce))), math.inf)
    while True:
        grown = _grow(beam, told, offered, channel, effort.width if layers else 1)
        layers.append(_layer(grown, offered, beam, layers))
        is_better = _is_better(grown.losses, least, effort.patience)
        chosen = _choose(layers[-1], effort.kept, moves) if is_better and len(layers) < effort.depth else []
        if not chosen:
            return layers
        beam = _keep(beam, grown, offered, some.chance.T, channel, chosen)
        if len(layers) == 1:
            if len(moves.planned) > effort.shortlist:
                among = _shortlist(grown.losses, moves, effort.shortlist)
                some, beam = moves.take(np.array(among)), _narrowed(beam, among)
                offered = Offered.of(some, channel, prices, effort.depth, among)
            chance = np.concatenate((some.chance.T, some.chance.T * hoped))
        told = chance.dot(beam.miss.T)
        told /= beam.worn


def _first_told(moves: Moves, hoped: Floats) -> Floats:
    """(2 K, 1): the mass on which each move is right, and what may be gained on it, before any move is made."""
    found: Floats = moves.chance.T.dot(np.array((moves.weights, moves.weights * hoped)).T).T.reshape(-1, 1)
    return found


def _is_better(losses: Floats, least: dict[int, float], patience: float) -> bool:
    """Does the best plan of a layer lose less, by more than `patience`, than the `least` so far by any of the rankings
    that are watched? Keeps the new ones."""
    is_better = False
    for ranking, known in least.items():
        found = losses[ranking].item(losses[ranking].argmin())
        is_better |= found < known - patience
        least[ranking] = min(found, known)
    return is_better


def scarce_prices(moves: Moves, tradeoff: Tradeoff) -> tuple[Tradeoff, ...]:
    """Prices that find the plans for little money and for little time."""
    usd = float(np.median(moves.usd)) if moves.planned else 0.0
    seconds = float(np.median(moves.seconds)) if moves.planned else 0.0
    dear = max(tradeoff.usd * 8.0, 0.2 / max(usd, 1e-9))
    hurried = max(tradeoff.seconds * 8.0, 0.3 / max(seconds, 1e-3))
    return Tradeoff(dear, tradeoff.seconds), Tradeoff(tradeoff.usd, hurried)


def _shortlist(losses: Floats, moves: Moves, count: int) -> list[int]:
    """The moves that longer plans choose from: the best by each price, and the most likely to succeed."""
    rankings = [*losses, -(moves.weights @ moves.chance)]
    orders = [np.argsort(ranking, kind="stable").tolist() for ranking in rankings]
    chosen: dict[int, None] = {}
    for place in zip(*orders, strict=True):
        chosen.update(dict.fromkeys(place))
        if len(chosen) >= count:
            break
    return sorted(chosen)


def _start(moves: Moves, hoped: Floats, channel: Channel, effort: Effort, prices: Sequence[Tradeoff]) -> _Beam:
    """No move made: all mass is left, and it is worth what the best candidate is."""
    count, most = len(moves.planned), float(moves.weights.dot(hoped))
    figures = [*(base(channel, price) for price in prices), *(0.0 for _ in prices), 1.0, 1.0, most]
    return _Beam(
        plans=[0],
        figures=np.array(figures if channel.is_exact else [*figures, 0.0])[:, None],
        miss=moves.weights[None, :],
        worn=np.ones((2 * count, 1)),
        credit=np.array([channel.credit + offset(channel, prices[0])]),
        uses=np.zeros((count, 1)) if moves.limit.item(moves.limit.argmin()) < effort.depth else None,
        widths=np.zeros(1) if effort.width < effort.depth else None,
    )


def _grow(beam: _Beam, told: Floats, offered: Offered, channel: Channel, max_width: int) -> _Grown:
    """Every plan of the beam with every move added, once as a wave of its own and once in the open wave. `told`
    (2 K, B): the mass on which the move is right, and what may be gained on that."""
    prices, size = offered.prices, len(offered.among) * len(beam.plans)
    told = told.reshape(2, size)
    paid = offered.paying.dot(beam.figures).reshape(-1, size)
    success = None
    if not channel.is_exact:
        success = paid[-1] + channel.true_pass * told[0]
        told *= channel.true_pass - channel.false_pass
    left = np.empty((3, size))
    np.subtract(paid[5 * prices + 2 : 5 * prices + 4], told, out=left[:2])
    credit = np.maximum(offered.credit, beam.credit).reshape(size)
    np.multiply(left[0], credit, out=left[2])
    if success is not None:
        left[2] += success
    spent = paid[: 4 * prices + 2].reshape(2 * prices + 1, 2, size)
    slowest = spent[prices:-1, 1]
    np.maximum(slowest, paid[4 * prices + 2 : 5 * prices + 2], out=slowest)
    spent[:prices, 1] += slowest
    losses = _losses(spent[:prices, : min(max_width, 2)], offered.gaining.dot(left))
    _forbid(losses, beam, offered, max_width)
    return _Grown(spent.reshape(-1, 2 * size), left, success, credit, losses.reshape(len(losses), -1))


def _losses(paid: Floats, gained: Floats) -> Floats:
    """(rankings, ways, K B): what is paid, by the true price in the first rankings and by scarce ones in the others,
    less what is gained."""
    losses = np.empty((len(gained), *paid.shape[1:]))
    np.subtract(paid[0], gained[:RANKED, None], out=losses[:RANKED])
    if len(gained) > RANKED:
        np.subtract(paid[1:], gained[RANKED:, None], out=losses[RANKED:])
    return losses


def _forbid(losses: Floats, beam: _Beam, offered: Offered, max_width: int) -> None:
    """A move made as often as it may be, or one more in a wave that is full, loses infinitely much."""
    if beam.uses is not None and offered.limit is not None:
        losses[:, :, (beam.uses >= offered.limit).reshape(-1)] = np.inf
    if beam.widths is not None and losses.shape[1] == 2:
        losses[:, 1, np.tile(beam.widths >= max_width, len(offered.among))] = np.inf


def _layer(grown: _Grown, offered: Offered, beam: _Beam, before: list[Layer]) -> Layer:
    return Layer(
        losses=grown.losses,
        among=offered.among,
        mass=beam.figures[2 * offered.prices + 1],
        left=grown.left[0],
        success=grown.success,
        parents=beam.plans,
        before=before[-1] if before else None,
    )


def _choose(layer: Layer, kept: int, moves: Moves) -> list[int]:
    """The best plans by each ranking, each once: one of those that differ in nothing but a wave's order."""
    loss_of = layer.losses[0].item
    chosen: list[int] = []
    alike: dict[float, list[int]] = {}
    seen: set[int] = set()
    for ranking in layer.losses.argsort(axis=1)[:, : 4 * kept].tolist():
        most = len(chosen) + kept
        for plan in ranking:
            if plan in seen:
                continue
            seen.add(plan)
            loss = loss_of(plan)
            if not loss < math.inf:
                continue
            same = alike.setdefault(_rounded(loss * VALUE_PARTS), [])
            if not same or _is_new(layer, plan, same, moves):
                same.append(plan)
                chosen.append(plan)
                if len(chosen) == most:
                    break
    return sorted(chosen)


def _is_new(layer: Layer, plan: int, alike: Sequence[int], moves: Moves) -> bool:
    """Does it take other seconds than each of those of the same value?"""
    seconds = _rounded(needed_seconds(layer, plan, moves) * SECOND_PARTS)
    return all(_rounded(needed_seconds(layer, other, moves) * SECOND_PARTS) != seconds for other in alike)


def _rounded(value: float) -> float:
    """To a whole number; no number for infinity."""
    return (value + 0.5) // 1.0


def _keep(beam: _Beam, grown: _Grown, offered: Offered, chance: Floats, channel: Channel, plans: list[int]) -> _Beam:
    """The chosen plans with their particles: what passes leaves the mass."""
    count, size = len(beam.plans), len(grown.credit)
    at = np.array(plans)
    place = at % size
    parent, move = place % count, place // count
    passes = chance.take(move, axis=0)
    passes *= ((channel.true_pass - channel.false_pass) / beam.worn.take(place))[:, None]
    miss = np.subtract(1.0 - channel.false_pass, passes, out=passes)
    miss *= beam.miss.take(parent, axis=0)
    figures = [grown.spent.take(at, axis=1), grown.left[:2].take(place, axis=1)]
    if grown.success is not None:
        figures.append(grown.success.take(place)[None])
    return _Beam(
        plans=plans,
        figures=np.concatenate(figures),
        miss=miss,
        worn=beam.worn.take(parent, axis=1) + offered.wear.take(move, axis=1),
        credit=grown.credit.take(place),
        uses=None if beam.uses is None else beam.uses.take(parent, axis=1) + np.eye(len(beam.uses)).take(move, axis=1),
        widths=None if beam.widths is None else np.where(at < size, 1.0, beam.widths.take(parent) + 1.0),
    )


def _narrowed(beam: _Beam, among: list[int]) -> _Beam:
    """The same plans, whose next moves are chosen from a few."""
    worn = beam.worn.reshape(2, -1, len(beam.plans))[:, among].reshape(-1, len(beam.plans))
    uses = None if beam.uses is None else beam.uses[among]
    return _Beam(beam.plans, beam.figures, beam.miss, worn, beam.credit, uses, beam.widths)
