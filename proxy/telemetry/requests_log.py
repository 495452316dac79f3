"""One line a request: run id, team, model, outcome, dollars, seconds. Never a key, a prompt or an answer."""

import asyncio
import sys
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal

import msgspec

from router.ended import Ended

FLUSH_SECONDS = 0.2
_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class Note:
    """What the router says of a request while it is served; `is_told` once its line is written."""

    run_id: str = ""
    team: str = ""
    key_id: str = ""
    model: str = ""
    outcome: str = ""
    usd: float = 0.0
    seconds: float = 0.0
    is_told: bool = False


NOTE: ContextVar[Note | None] = ContextVar("maestro_note", default=None)
"""The note of the request that this task, or one that it started, works for."""


class Served(msgspec.Struct, frozen=True):
    """What the surface says of a request. `key_id` is the key's public id, never the key."""

    request_id: str
    route: str
    status: int
    team: str
    key_id: str
    seconds: float


class RequestLog:
    """Writes lines a few at a time, so that a line costs microseconds; what waits is written at the end."""

    def __init__(self, form: Literal["text", "json"], write: Callable[[str], Any] | None = None) -> None:
        self._form = form
        self._write = write or sys.stderr.write
        self._lines: list[str] = []

    @staticmethod
    def begin() -> Note:
        """A request begins in this task."""
        note = Note()
        NOTE.set(note)
        return note

    def observe(self, ended: Ended) -> None:
        """Notes what the router says. What ends after its request was answered (a background run) has its own line."""
        note = NOTE.get()
        if note is None:
            return
        run = ended.run
        note.run_id, note.model, note.usd = ended.road.run_id, ended.model, ended.nanodollars / 1e9
        note.outcome = "relayed" if run is None else str(run.finish_reason) if run.chosen else "no_answer"
        note.team, note.key_id = ended.caller.team, ended.caller.key_id
        note.seconds = run.seconds if run is not None else 0.0
        if note.is_told:
            self.served(Served("", "background", 0, note.team, note.key_id, note.seconds), note, time.time())

    def served(self, served: Served, note: Note, now: float) -> None:
        """One request is over. `now` is unix seconds."""
        if not self._lines:
            asyncio.get_running_loop().call_later(FLUSH_SECONDS, self.flush)
        self._lines.append(line_of(served, note, now, self._form))
        note.is_told = True

    def flush(self) -> None:
        """Writes what waits."""
        lines, self._lines = self._lines, []
        if lines:
            self._write("".join(lines))


def line_of(served: Served, note: Note, now: float, form: Literal["text", "json"]) -> str:
    """The line, with its end."""
    level = "error" if served.status >= 500 else "info"
    outcome = note.outcome or ("answered" if 0 < served.status < 400 else "refused")
    usd, seconds = round(note.usd, 9), round(served.seconds, 4)
    said = {
        "request_id": served.request_id,
        "run_id": note.run_id,
        "route": served.route,
        "status": served.status,
        "team": served.team,
        "key_id": served.key_id,
        "model": note.model,
        "outcome": outcome,
        "usd": usd,
        "seconds": seconds,
    }
    if form == "json":
        return _encode({"time": _time(now), "level": level, "event": "request", **said}).decode() + "\n"
    words = " ".join([f"{name}={_plain(word) if type(word) is str else word}" for name, word in said.items()])
    return f"{_time(now)} {level.upper()} maestro.request {words}\n"


def _time(now: float) -> str:
    """UTC to the millisecond, in the form of RFC 3339."""
    whole = int(now)
    return f"{_second(whole)}.{int((now - whole) * 1000):03d}+00:00"


@lru_cache(8)
def _second(whole: int) -> str:
    return datetime.fromtimestamp(whole, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _plain(word: str) -> str:
    """One word of a line: nothing in it can begin another line or another word."""
    if word.isprintable() and " " not in word:
        return word or "-"
    return "".join(c if c.isprintable() and not c.isspace() else "_" for c in word)
