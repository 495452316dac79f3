"""What plans need of the limits, and what one is expected to bring and to take.

Values do not hang on it, so it is told only of the plans that are asked about: of one by its steps, of a whole layer as
rows of one array.
"""

from collections.abc import Sequence

import msgspec
import numpy as np

from action_model.prices import NANODOLLARS_PER_USD
from router.planning.moves import Moves
from router.planning.particles import Floats
from router.planning.plans import Clock, Layer

BEFORE, OPEN, OPEN_HIGH, NEED, CALLS = slice(0, 2), slice(2, 6), slice(4, 6), slice(6, 8), 8
"""Rows of what plans need: nanodollars and seconds of all waves but the open one, as expected; those of the open wave,
and their 0.9 quantiles; the most that is needed up to any moment; calls."""

START: Clock = (0.0, 0.0, 0.0, 0.0)


class Account(msgspec.Struct, frozen=True, gc=False):
    """What one plan is expected to bring and to take, and what it needs: `nanodollars` and `seconds_high`, the 0.9
    quantiles up to the worst moment, and `calls`."""

    success: float
    usd: float
    seconds: float
    nanodollars: float
    seconds_high: float
    calls: float


class Needs(msgspec.Struct, frozen=True, gc=False):
    """The same needs of many plans."""

    nanodollars: Floats
    seconds_high: Floats
    calls: Floats


def account(layer: Layer, plan: int, moves: Moves, usd_per_pass: float) -> Account:
    """Of one plan, step by step."""
    usd = seconds = nanodollars = seconds_high = calls = reach = 0.0
    paid = slowest = most = late = spent = waited = 0.0  # of the open wave, and of all earlier ones
    for (move, joins), mass in layer.reached(plan):
        if not joins:
            spent, waited = spent + paid * NANODOLLARS_PER_USD, waited + slowest
            paid = slowest = most = late = 0.0
            reach = mass
        own_usd, own_seconds = moves.usd.item(move), moves.seconds.item(move)
        usd, paid, most = usd + reach * own_usd, paid + own_usd, most + moves.nanodollars_high.item(move)
        seconds, slowest = seconds + reach * max(own_seconds - slowest, 0.0), max(slowest, own_seconds)
        late, calls = max(late, moves.seconds_high.item(move)), calls + moves.calls.item(move)
        nanodollars, seconds_high = max(nanodollars, spent + most), max(seconds_high, waited + late)
    success, passed = layer.after(plan)
    return Account(success, usd + usd_per_pass * passed, seconds, nanodollars, seconds_high, calls)


def alone(layer: Layer, move: int, moves: Moves, usd_per_pass: float) -> Account:
    """The same of a single move, in the first layer."""
    success, passed = layer.after(move)
    return Account(
        success,
        moves.usd.item(move) + usd_per_pass * passed,
        moves.seconds.item(move),
        moves.nanodollars_high.item(move),
        moves.seconds_high.item(move),
        moves.calls.item(move),
    )


def needed_seconds(layer: Layer, plan: int, moves: Moves) -> float:
    """What the account of a plan says of its `seconds_high`."""
    return _clock(layer, plan, moves)[3]


def _clock(layer: Layer, plan: int, moves: Moves) -> Clock:
    """Remembered in its layer: many plans have the same beginning."""
    known = layer.clocks.get(plan)
    if known is not None:
        return known
    joins, place, parent = layer.place(plan)
    before, move = layer.before, layer.among[place]
    waited, slowest, late, most = START if before is None else _clock(before, layer.parents[parent], moves)
    seconds, high = moves.seconds.item(move), moves.seconds_high.item(move)
    if joins:
        slowest, late = max(slowest, seconds), max(late, high)
    else:
        waited, slowest, late = waited + slowest, seconds, high
    found = layer.clocks[plan] = (waited, slowest, late, max(most, waited + late))
    return found


def needs_of(layers: Sequence[Layer], moves: Moves) -> list[Needs]:
    """Of all plans of one search or of several, layer by layer, each in the order of its layer."""
    own = np.stack((moves.usd * NANODOLLARS_PER_USD, moves.seconds, moves.nanodollars_high, moves.seconds_high))
    rows, found = own, list[Needs]()
    for layer in layers:
        parents = np.zeros((CALLS + 1, 1)) if layer.before is None else rows.take(layer.parents, axis=1)
        rows = _grown(layer, parents, own, moves.calls)
        nanodollars, seconds_high = rows[NEED]
        found.append(Needs(nanodollars, seconds_high, rows[CALLS]))
    return found


def _grown(layer: Layer, rows: Floats, own: Floats, calls: Floats) -> Floats:
    """(9, N): the rows of a layer, by those of the plans it extends."""
    own, calls = own[:, layer.among, None], calls[layer.among, None]
    out = np.empty((CALLS + 1, layer.ways, len(layer.among), rows.shape[1]))
    out[...] = rows[:, None, None, :]
    out[BEFORE, 0] += rows[2:4, None, :]
    out[OPEN, 0] = own
    if layer.ways == 2:
        out[2:6:2, 1] += own[0::2]
        np.maximum(out[3:6:2, 1], own[1::2], out=out[3:6:2, 1])
    np.maximum(out[NEED], out[BEFORE] + out[OPEN_HIGH], out=out[NEED])
    out[CALLS] += calls
    grown: Floats = out.reshape(CALLS + 1, -1)
    return grown
