"""Token buckets, and the shelves they stand on: in this process, or in a file that the workers of a machine share."""

import fcntl
import hashlib
import mmap
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cachetools import LRUCache

WINDOW_SECONDS = 60.0
SLOTS = 1 << 16
PROBES = 16
_ENTRY = struct.Struct("16sddd")


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

    def limited(self, limit: float, moment: float) -> "Bucket":
        """The bucket under another limit: what was taken of it stays taken."""
        if limit == self.limit:
            return self
        return Bucket(limit, limit - (self.limit - self.now(moment)), moment)

    def seconds_until(self, units: float, moment: float) -> float:
        """When `units` will be there."""
        missing = min(units, self.limit) - self.now(moment)
        return max(0.0, missing * WINDOW_SECONDS / self.limit)


class Shelf(Protocol):
    """Where buckets stand."""

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else reads or writes inside the block."""
        ...

    def get(self, name: str, kind: str) -> Bucket | None:
        """A bucket, or None if it is not there: it is full."""
        ...

    def put(self, name: str, kind: str, bucket: Bucket) -> None:
        """Puts a bucket in its place."""
        ...


class LocalShelf:
    """In this process."""

    def __init__(self) -> None:
        self._buckets: LRUCache[tuple[str, str], Bucket] = LRUCache(100_000)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One event loop: nobody else is there."""
        yield

    def get(self, name: str, kind: str) -> Bucket | None:
        """A bucket, or None."""
        return self._buckets.get((name, kind))

    def put(self, name: str, kind: str, bucket: Bucket) -> None:
        """Puts a bucket in its place."""
        self._buckets[name, kind] = bucket


class SharedShelf:
    """In a memory-mapped file: a table of fixed places, found by hash, the longest untouched giving way.

    Times must come from a clock that all processes share (CLOCK_MONOTONIC does). A lock held by a process that dies is
    given back by the kernel; a bucket is one short write.
    """

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.ftruncate(self._file, SLOTS * _ENTRY.size)
        self._map = mmap.mmap(self._file, SLOTS * _ENTRY.size)

    def close(self) -> None:
        """Leaves the file as it is."""
        self._map.close()
        os.close(self._file)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Microseconds: nobody waits for anything inside."""
        fcntl.lockf(self._file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN)

    def get(self, name: str, kind: str) -> Bucket | None:
        """A bucket, or None."""
        wanted = _name(name, kind)
        for place in _places(wanted):
            stored, limit, level, at = _ENTRY.unpack_from(self._map, place)
            if stored == wanted:
                return Bucket(limit, level, at)
        return None

    def put(self, name: str, kind: str, bucket: Bucket) -> None:
        """Puts a bucket in its place."""
        wanted = _name(name, kind)
        oldest, oldest_at = 0, float("inf")
        for place in _places(wanted):
            stored, _, _, at = _ENTRY.unpack_from(self._map, place)
            if stored == wanted:
                oldest = place
                break
            if at < oldest_at:
                oldest, oldest_at = place, at
        _ENTRY.pack_into(self._map, oldest, wanted, bucket.limit, bucket.level, bucket.at)


def _name(name: str, kind: str) -> bytes:
    return hashlib.blake2b(f"{kind}/{name}".encode(), digest_size=16).digest()


def _places(name: bytes) -> Iterator[int]:
    first = int.from_bytes(name[:8], "little")
    for step in range(PROBES):
        yield (first + step) % SLOTS * _ENTRY.size
