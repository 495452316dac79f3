"""Rate limits: requests and tokens a minute, per team and per key, as buckets that refill steadily.

Buckets live in each worker: with N workers each has a share of 1/N, so that together they never let more through than
the limit; a lone busy worker of several may refuse a little early.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from cachetools import LRUCache

from router.errors import RateLimited
from router.ledger.ledger import Account

WINDOW_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Bucket:
    """`level` units were left at `at`; it refills to `limit` within a minute. Tokens may take it below zero."""

    limit: float
    level: float
    at: float

    def now(self, moment: float) -> float:
        """Units left at `moment`."""
        passed = max(0.0, moment - self.at)
        return min(self.limit, self.level + passed * self.limit / WINDOW_SECONDS)

    def minus(self, units: float, moment: float) -> "Bucket":
        """The bucket once `units` were taken."""
        return Bucket(self.limit, self.now(moment) - units, moment)

    def seconds_until(self, units: float, moment: float) -> float:
        """When `units` will be there."""
        missing = min(units, self.limit) - self.now(moment)
        return max(0.0, missing * WINDOW_SECONDS / self.limit)


@dataclass(frozen=True, slots=True)
class RateLimits:
    """A team's or key's limits a minute; None = unlimited."""

    requests: int | None = None
    tokens: int | None = None


class Rates:
    """The buckets of one worker."""

    def __init__(self, clock: Callable[[], float], workers: int = 1) -> None:
        self._clock = clock
        self._workers = workers
        self._buckets: LRUCache[tuple[str, str], Bucket] = LRUCache(100_000)

    def admit(self, account: Account, limits: RateLimits) -> dict[str, str]:
        """Takes one request; the `x-ratelimit-*` headers that say what is left. Raises RateLimited."""
        if limits.requests is None and limits.tokens is None:
            return {}
        moment, headers = self._clock(), dict[str, str]()
        wanted = (("requests", limits.requests, 1.0), ("tokens", limits.tokens, 0.0))
        for kind, limit, units in wanted:
            if limit is None:
                continue
            bucket = self._bucket(account, kind, limit, moment)
            needed = max(units, 1.0)
            if bucket.now(moment) < needed:
                wait = bucket.seconds_until(needed, moment)
                raise RateLimited(f"Rate limit reached: {limit} {kind} per minute.", max(1.0, math.ceil(wait)))
        for kind, limit, units in wanted:
            if limit is not None:
                bucket = self._bucket(account, kind, limit, moment).minus(units, moment)
                self._buckets[_name(account), kind] = bucket
                headers |= _headers(kind, limit, bucket, moment)
        return headers

    def spend(self, account: Account, tokens: int) -> None:
        """Tokens that a call used; known only after it."""
        known = self._buckets.get((_name(account), "tokens"))
        if known is not None:
            self._buckets[_name(account), "tokens"] = known.minus(tokens, self._clock())

    def _bucket(self, account: Account, kind: str, limit: int, moment: float) -> Bucket:
        share = max(1.0, limit / self._workers)
        known = self._buckets.get((_name(account), kind))
        if known is None or known.limit != share:
            return Bucket(share, share, moment)
        return known


def _name(account: Account) -> str:
    """Limits are a team's: all its keys draw on them."""
    return account.team or account.key_id


def _headers(kind: str, limit: int, bucket: Bucket, moment: float) -> dict[str, str]:
    left = max(0, math.floor(bucket.now(moment)))
    return {
        f"x-ratelimit-limit-{kind}": str(limit),
        f"x-ratelimit-remaining-{kind}": str(left),
        f"x-ratelimit-reset-{kind}": f"{bucket.seconds_until(bucket.limit, moment):.3f}s",
    }
