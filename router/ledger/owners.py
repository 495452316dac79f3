"""Which process holds a line, and whether it is still there."""

import os
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

LEASE_SECONDS = 60.0
"""How long a process that cannot be seen from here may be silent."""


def own_name() -> str:
    """place/pid/start/nonce: tells this process from any other, on any machine, in any container, at any time.

    The place is the boot of the kernel and the namespace that the pid is a number of: containers of one machine, and
    one machine before and after a restart, are different places even where their host names are the same.
    """
    return f"{_place()}/{os.getpid()}/{_started(os.getpid())}/{uuid.uuid4().hex}"


def is_gone(owner: str, alive_at: float) -> bool:
    """Has this process ended, as far as one look tells? One elsewhere has, if it was last heard of a lease ago."""
    here = _seen_here(owner, _place())
    return time.time() - alive_at > LEASE_SECONDS if here is None else not here


@dataclass(frozen=True, slots=True)
class Sight:
    """A process as it was last seen: its heartbeat, and when, by our own steady clock, that was new to us."""

    beat: float
    since: float


class Lookout:
    """Tells who is gone. A process of this place is asked for by its pid; one elsewhere is gone once its heartbeat did
    not change for the whole lease by *our* steady clock, so that no clock set wrong, there or here, ends a living one.
    """

    def __init__(self, steady: Callable[[], float] = time.monotonic) -> None:
        self._steady = steady
        self._place = _place()
        self._sights: dict[str, Sight] = {}

    def is_gone(self, owner: str, beat: float) -> bool:
        """Has this process ended? `beat` is what it last said of itself, whatever its clock is."""
        here = _seen_here(owner, self._place)
        if here is not None:
            return not here
        now, sight = self._steady(), self._sights.get(owner)
        if sight is None or sight.beat != beat:
            self._sights[owner] = Sight(beat, now)
            return False
        return now - sight.since > LEASE_SECONDS


def _seen_here(owner: str, own_place: str) -> bool | None:
    """Is it alive? None if it is of another place, where we cannot see."""
    place, pid, started, *_ = [*owner.split("/"), "", "", ""]
    if not place or place != own_place or not pid.isdigit():
        return None
    return _is_alive(int(pid), started)


def _place() -> str:
    """Empty where the kernel does not say: then only the lease counts."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("utf-8").strip()
        return f"{boot}:{os.stat('/proc/self/ns/pid').st_ino}"  # noqa: PTH116 - the link's target, not a file
    except OSError:
        return ""


def _is_alive(pid: int, started: str) -> bool:
    """Is there such a process, and is it the one that began then? A zombie has ended: it holds nothing any more."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    state, since = _stat(pid)
    return state != "Z" and (not started or not since or since == started)


def _started(pid: int) -> str:
    return _stat(pid)[1]


def _stat(pid: int) -> tuple[str, str]:
    """A process's state and the kernel's start time of it; empty where the kernel does not say."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rsplit(")", 1)[1].split()
        return fields[0], fields[19]
    except (OSError, IndexError):
        return "", ""
