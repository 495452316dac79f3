"""Which opinion to ask for next, and when to stop: the tree of polls, a few opinions deep.

V(poll) = max(mass of the best group, max over actions of sum over outcomes V(poll after it) - price x mass of poll),
with the last opinion computed in closed form for all actions at once. Polls of one shape are expanded together.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from router.planning.opinions import Poll, after_opinion, expected_best
from router.planning.particles import Floats

Ints = NDArray[np.intp]


@dataclass(frozen=True)
class Panel:
    """The actions that may be asked: `chances` (S, A), `prices` (A,) in units of success (money and time), `copies`
    (A,), and `coincidence` (S,) of wrong answers."""

    chances: Floats
    prices: Floats
    copies: Floats
    coincidence: Floats


@dataclass(frozen=True, slots=True)
class Depth:
    """How many opinions to look ahead, and how many actions to follow at each but the last."""

    opinions: int = 3
    widths: tuple[int, ...] = (10, 6)


def values(poll: Poll, panel: Panel, spoken: Floats, depth: Depth) -> Floats:
    """(A,): the value of asking each action next and going on as well as can be; single poll, `spoken` (A,)."""
    asked: Floats = _ask(poll, panel, spoken[None, :] > 0.0, depth, 0)[0]
    return asked


def _value(poll: Poll, panel: Panel, spoken: NDArray[np.bool_], depth: Depth, level: int) -> Floats:
    """(N,): the value of each poll when stopping is allowed."""
    if level >= depth.opinions:
        return poll.best()
    best: Floats = np.maximum(poll.best(), _ask(poll, panel, spoken, depth, level).max(axis=1))
    return best


def _ask(poll: Poll, panel: Panel, spoken: NDArray[np.bool_], depth: Depth, level: int) -> Floats:
    """(N, A): the value of asking each action. Only the most promising are looked into further than one opinion."""
    mass = poll.masses.sum(axis=1)
    copied = np.where(spoken, panel.copies, 0.0)
    cost = mass[:, None] * panel.prices
    unchanged = poll.best()[:, None] * copied
    near = expected_best(poll, panel.chances, panel.coincidence)
    total: Floats = unchanged + (1.0 - copied) * near - cost
    if level + 1 >= depth.opinions:
        return total
    chosen = _promising(panel, total, depth.widths[min(level, len(depth.widths) - 1)])
    far = _expand(poll, panel, spoken, depth, level, chosen)
    deeper = unchanged[:, chosen] + (1.0 - copied[:, chosen]) * far - cost[:, chosen]
    total[:, chosen] = np.maximum(total[:, chosen], deeper)
    return total


def _expand(poll: Poll, panel: Panel, spoken: NDArray[np.bool_], depth: Depth, level: int, chosen: Ints) -> Floats:
    """(N, C): the expected value after an opinion of each chosen action, with all that may follow."""
    count, width = len(poll.joint), len(chosen)
    wide = Poll(np.repeat(poll.joint, width, axis=0), poll.sizes)
    chance = np.tile(panel.chances[:, chosen].T, (count, 1))
    heard = np.repeat(spoken, width, axis=0)
    heard[np.arange(count * width), np.tile(chosen, count)] = True
    children = after_opinion(wide, chance, panel.coincidence)
    total = sum((_value(child, panel, heard, depth, level + 1) for child in children), np.zeros(count * width))
    return np.asarray(total).reshape(count, width)


def _promising(panel: Panel, near: Floats, width: int) -> Ints:
    """The actions best after one opinion, the cheapest per chance of being right, and the most often right."""
    means = panel.chances.mean(axis=0)
    rankings = (near.max(axis=0), means - panel.prices, means - 4.0 * panel.prices, means)
    orders = [np.argsort(-ranking, kind="stable") for ranking in rankings]
    chosen: dict[int, None] = {}
    for place in zip(*orders, strict=True):
        chosen.update(dict.fromkeys(int(action) for action in place))
        if len(chosen) >= width:
            break
    return np.array(sorted(list(chosen)[:width]), dtype=np.intp)


def wave_value(poll: Poll, panel: Panel, spoken: Floats, wave: tuple[int, ...], depth: Depth) -> float:
    """The value of asking several actions at once, money and time of the wave not counted."""
    polls, heard = [poll], spoken[None, :] > 0.0
    for action in wave:
        chance = panel.chances[:, action][None, :]
        polls = [child for one in polls for child in after_opinion(one, chance, panel.coincidence)]
        heard = heard.copy()
        heard[:, action] = True
    level = min(len(wave), depth.opinions)
    return sum(float(_value(one, panel, heard, depth, level)[0]) for one in polls)
