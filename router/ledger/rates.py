"""Rate limits: requests and tokens a minute, of teams and of keys within them, as buckets that refill steadily."""

import math
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from cachetools import LRUCache

from router.errors import RateLimited
from router.ledger.buckets import Bucket, LocalShelf, Shelf
from router.ledger.ledger import Account


@dataclass(frozen=True, slots=True)
class RateLimits:
    """A team's or key's limits a minute; None = unlimited."""

    requests: int | None = None
    tokens: int | None = None


NO_LIMITS = RateLimits()
USUAL_TOKENS = 250.0
"""What a request is thought to use before any of its account was charged: the prior's median answer."""
MOST_ACCOUNTS = 100_000
MOST_ADVANCES = 10_000


@dataclass(frozen=True, slots=True)
class Rule:
    """One limit that a request has to pass: whose bucket, how many units a minute, and how many it takes now."""

    name: str
    kind: str
    limit: int
    units: float


class Rates:
    """The buckets, alone or shared with the other workers of this machine by the shelf they stand on."""

    def __init__(self, clock: Callable[[], float], shelf: Shelf | None = None) -> None:
        self._clock = clock
        self._shelf = LocalShelf() if shelf is None else shelf
        self._usual: LRUCache[str, float] = LRUCache(MOST_ACCOUNTS)
        self._advances: LRUCache[str, deque[float]] = LRUCache(MOST_ACCOUNTS)

    def admit(self, account: Account, team: RateLimits, key: RateLimits = NO_LIMITS) -> dict[str, str]:
        """Takes one request; the `x-ratelimit-*` headers of the tightest limits. Raises RateLimited and takes nothing.

        A request is let in while any tokens are left. It takes what requests of its account usually use in advance, so
        that those that begin together do not all pass; its first charge puts that right.
        """
        rules = list(self._rules(account, team, key))
        if not rules:
            return {}
        moment = self._clock()
        with self._shelf.locked():
            buckets = [(rule, self._bucket(rule, moment)) for rule in rules]
            for rule, bucket in buckets:
                self._require(rule, bucket, buckets, moment)
            taken = [(rule, bucket.minus(rule.units, moment)) for rule, bucket in buckets]
            for rule, bucket in taken:
                self._shelf.put(rule.name, rule.kind, bucket)
                if rule.kind == "tokens":
                    self._advances.setdefault(rule.name, deque(maxlen=MOST_ADVANCES)).append(rule.units)
        return _headers(taken, moment)

    def spend(self, account: Account, tokens: int) -> None:
        """Tokens that a call used; known only after it."""
        if not self._advances:
            return  # nobody has a limit on tokens
        names = [name for name in _names(account) if name in self._advances]
        if not names:
            return
        moment = self._clock()
        with self._shelf.locked():
            for name in names:
                advances = self._advances[name]
                taken = advances.popleft() if advances else 0.0
                self._usual[name] = 0.8 * self._usual.get(name, USUAL_TOKENS) + 0.2 * tokens
                known = self._shelf.get(name, "tokens")
                if known is not None:
                    self._shelf.put(name, "tokens", known.minus(tokens - taken, moment))

    def _rules(self, account: Account, team: RateLimits, key: RateLimits) -> Iterator[Rule]:
        """A team's limits are drawn on by all its keys, a key's by itself."""
        for name, limits in ((f"team:{account.team}", team), (f"key:{account.key_id}", key)):
            if limits.requests is not None:
                yield Rule(name, "requests", limits.requests, 1.0)
            if limits.tokens is not None:
                yield Rule(name, "tokens", limits.tokens, self._usual.get(name, USUAL_TOKENS))

    def _bucket(self, rule: Rule, moment: float) -> Bucket:
        known = self._shelf.get(rule.name, rule.kind)
        if known is None:
            return Bucket(rule.limit, rule.limit, moment)
        return known.limited(rule.limit, moment)

    @staticmethod
    def _require(rule: Rule, bucket: Bucket, buckets: list[tuple[Rule, Bucket]], moment: float) -> None:
        if bucket.now(moment) >= 1.0:
            return
        wait = max(1.0, math.ceil(bucket.seconds_until(1.0, moment)))
        whose = rule.name.split(":", 1)[0]
        message = (
            f"Rate limit reached for this {whose}: {rule.limit} {rule.kind} per minute. Try again in {wait:.0f} s."
        )
        raise RateLimited(message, wait, _headers(buckets, moment))


def _names(account: Account) -> Iterator[str]:
    if account.team:
        yield f"team:{account.team}"
    if account.key_id:
        yield f"key:{account.key_id}"


def _headers(buckets: list[tuple[Rule, Bucket]], moment: float) -> dict[str, str]:
    headers: dict[str, str] = {}
    for kind in ("requests", "tokens"):
        of_kind = [(rule, bucket) for rule, bucket in buckets if rule.kind == kind]
        if not of_kind:
            continue
        rule, bucket = min(of_kind, key=lambda pair: pair[1].now(moment))
        headers |= {
            f"x-ratelimit-limit-{kind}": str(rule.limit),
            f"x-ratelimit-remaining-{kind}": str(max(0, math.floor(bucket.now(moment)))),
            f"x-ratelimit-reset-{kind}": f"{bucket.seconds_until(bucket.limit, moment):.3f}s",
        }
    return headers
