"""What was looked up a moment ago: believed for so long, and no longer."""

import time
from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Fresh(Generic[K, V]):
    """A value is found for `seconds` after it was put; of more than `most` the oldest gives way.

    For what every request looks up: each look at a `cachetools.TTLCache` was a hundredth of a relay's CPU.
    """

    def __init__(self, most: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._seconds = seconds
        self._clock = clock
        self._kept: dict[K, tuple[V, float]] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: K) -> V | None:
        """The value, or None once it has aged."""
        kept = self._kept.get(key)
        return None if kept is None or self._clock() >= kept[1] else kept[0]

    def put(self, key: K, value: V) -> None:
        """From now on. Whatever has aged makes room."""
        now = self._clock()
        self._kept.pop(key, None)
        self._kept[key] = (value, now + self._seconds)
        while len(self._kept) > self._most or self._has_aged(now):
            del self._kept[next(iter(self._kept))]

    def clear(self) -> None:
        """Nothing is known any more."""
        self._kept.clear()

    def _has_aged(self, now: float) -> bool:
        """The one put first: all others were put later."""
        return next(iter(self._kept.values()))[1] <= now
