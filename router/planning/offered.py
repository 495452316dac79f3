"""The moves that plans are made of, laid out so that a few products tell what each plan becomes with each move.

A kept plan is a column of figures: by each price, what it has paid and what of it the slowest move of its open wave
takes; the mass that started that wave; the mass still without an answer that passes, and what may be gained on it; and,
where a check errs, the mass that passes and is right. `paying` times these figures tells all of a move but what it
finds out, and that is `chance` times the mass on each particle.
"""

from collections.abc import Sequence

import msgspec
import numpy as np

from router.planning.moves import Moves
from router.planning.particles import Floats
from router.planning.situation import Tradeoff

HOPES = (0.8, 1.0)
"""Shares of the most that may be gained by going on, by which plans are kept beside their own value."""
RANKED = 1 + len(HOPES)
"""Rankings at the true price: value, and value with each share of what may still be gained."""

LEAST_CHANCE, LEAST_PRICE = 1e-9, 1e-200
"""What is less counts as so much, where a price is divided by a chance."""


class Channel(msgspec.Struct, frozen=True):
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


class Offered(msgspec.Struct, frozen=True, gc=False):
    """K moves, at P prices.

    `among` are their places in all moves; `paying` (R K, F) is what they make of a plan's figures; `credit` (K, 1) what
    a mass is worth on which they have failed; `wear` (2 K, K) what a try of one takes from the chance of the next, from
    others nothing; `limit` (K, 1) how often they may be made, None if no plan is long enough to make one too often;
    `gaining` what each ranking makes of (mass left, what may be gained on it, what is gained).
    """

    among: list[int]
    prices: int
    paying: Floats
    credit: Floats
    wear: Floats
    limit: Floats | None
    gaining: Floats

    @staticmethod
    def of(
        moves: Moves, channel: Channel, prices: Sequence[Tradeoff], longest: int, among: list[int] | None = None
    ) -> "Offered":
        """All of `moves`. Their places are their own, if they are not some of many."""
        count = len(moves.planned)
        wear = np.zeros((2, count * count))
        wear[:, :: count + 1] = 1.0 / moves.familiarity
        return Offered(
            among=list(range(count)) if among is None else among,
            prices=len(prices),
            paying=_paying(moves, channel, prices),
            credit=(moves.credit + offset(channel, prices[0]))[:, None],
            wear=wear.reshape(2 * count, count),
            limit=moves.limit[:, None] if moves.limit.item(moves.limit.argmin()) < longest else None,
            gaining=_gaining(channel, prices),
        )


def hope(moves: Moves, channel: Channel, tradeoff: Tradeoff) -> Floats:
    """(S,): what could be gained on each particle if it were known, by trying the move best there until one passes:
    1 - price / chance (Weitzman 1979). Value plus hope bounds the value of a series of single waves from above, so
    that ranking by it keeps cheap beginnings of which most of the value is still to come."""
    price = tradeoff.usd * moves.usd + tradeoff.seconds * moves.seconds
    rate = channel.true_pass / np.maximum(price, LEAST_PRICE)
    passing = (moves.chance.T * rate[:, None]).max(axis=0)  # for a success's worth of the move best there
    tries = 1.0 / np.maximum(passing, LEAST_CHANCE * float(rate.max()))
    found: Floats = np.maximum(1.0 - channel.baseline - tries, 0.0)
    return found


def offset(channel: Channel, price: Tradeoff) -> float:
    """What a mass without an answer that passes is worth apart from its credit, where the value of a plan is `base` +
    success - what it paid + (credit + offset) x the mass left. (An exact check's success is 1 - the mass left.)"""
    return channel.baseline - channel.credit + price.usd * channel.usd_per_pass - channel.is_exact


def base(channel: Channel, price: Tradeoff) -> float:
    """What is paid, in successes, before any move: the worth of the best candidate, if every answer took its place."""
    return channel.baseline + price.usd * channel.usd_per_pass - channel.is_exact


def _gaining(channel: Channel, prices: Sequence[Tradeoff]) -> Floats:
    """A pass that is paid for is dearer where money is scarce."""
    dearer = (((price.usd - prices[0].usd) * channel.usd_per_pass, 0.0, 1.0) for price in prices[1:])
    return np.array([(0.0, 0.0, 1.0), *((0.0, share, 1.0) for share in HOPES), *dearer])


def _paying(moves: Moves, channel: Channel, prices: Sequence[Tradeoff]) -> Floats:
    """(R K, F). By each price, what is paid if the move is made alone, and if it joins; then what of that the slowest
    move takes, likewise; the mass that starts the wave, likewise; what the open wave's slowest takes already, by each
    price; what is left of the mass, and to be gained on it, but for what passes by mistake; the success so far."""
    count, errs = len(prices), not channel.is_exact
    reach, mass = 2 * count, 2 * count + 1
    told = np.zeros((5 * count + 4 + errs, len(moves.planned), mass + 2 + errs))
    for price, worth in enumerate(prices):
        usd, seconds = worth.usd * moves.usd, worth.seconds * moves.seconds
        alone, slowest = 2 * price, 2 * (count + price)
        told[alone : alone + 2, :, price] = 1.0
        told[alone, :, mass] = usd + seconds
        told[alone + 1, :, count + price] = -1.0
        told[alone + 1, :, reach] = usd
        told[slowest, :, mass] = told[slowest + 1, :, reach] = seconds
        told[4 * count + 2 + price, :, count + price] = 1.0
    told[4 * count, :, mass] = told[4 * count + 1, :, reach] = 1.0
    told[5 * count + 2, :, mass] = told[5 * count + 3, :, mass + 1] = 1.0 - channel.false_pass
    if errs:
        told[-1, :, -1] = 1.0
    flat: Floats = told.reshape(-1, told.shape[2])
    return flat
