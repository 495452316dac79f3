"""The seam between us and the network: what each layer offers, and what travels through them."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from action_model.prices import Usage
from router.upstreams.upstream import Call, Model, Reply


@dataclass(slots=True)
class Tries:
    """Attempts that a call may still make, counted over retries and fallbacks together.

    `kept_back` are those that a retry may not use because models further down the road need one each.
    """

    left: int
    kept_back: int = 0

    def take(self) -> None:
        """One attempt begins."""
        self.left -= 1

    @property
    def allow_retry(self) -> bool:
        """May the same model be tried again?"""
        return self.left > self.kept_back


class Request(msgspec.Struct, frozen=True):
    """One call aimed at one model: its body for this very model. `hides_usage`: the usage chunk is ours alone."""

    call: Call
    model: Model
    body: bytes
    tries: Tries
    hides_usage: bool = False


@dataclass(slots=True)
class Progress:
    """What a stream has shown so far: enough to charge it when it is left early."""

    usage: Usage | None = None
    content_bytes: int = 0
    content_events: int = 0
    is_finished: bool = False
    failure: str | None = None

    def note_content(self, size_bytes: int) -> None:
        """An event that says something."""
        if size_bytes > 0:
            self.content_bytes += size_bytes
            self.content_events += 1


class Exits:
    """What must be done when a stream is closed, from within outwards: each step, whatever becomes of those before."""

    __slots__ = ("_steps",)

    def __init__(self) -> None:
        self._steps: list[Callable[[], Awaitable[None]]] = []

    def add(self, step: Callable[[], Awaitable[None]]) -> None:
        """One step more, after those that are there."""
        self._steps.append(step)

    async def aclose(self) -> None:
        """Takes the steps, once. Raises what the last of them that fails raises."""
        steps, self._steps = self._steps, []
        await _take(steps, 0)


async def _take(steps: list[Callable[[], Awaitable[None]]], position: int) -> None:
    if position < len(steps):
        try:
            await steps[position]()
        finally:
            await _take(steps, position + 1)


class OpenStream(Protocol):
    """An open stream inside the layers. Closing `exits` ends it: the upstream first, then each layer around it."""

    exits: Exits

    @property
    def progress(self) -> Progress:
        """How far it has come."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers worth passing on."""
        ...

    @property
    def model(self) -> Model:
        """Which model answers."""
        ...

    @property
    def usage(self) -> Usage:
        """Usage so far: the upstream's word, else counted from what came."""
        ...

    def events(self) -> AsyncIterator[bytes]:
        """Whole events."""
        ...

    def blocks(self) -> AsyncIterator[bytes]:
        """Whole events, those that came together in one piece."""
        ...


class Transport(Protocol):
    """One layer around the next."""

    async def send(self, request: Request) -> Reply:
        """A whole 2xx answer that is what it should be; anything else is raised."""
        ...

    async def open(self, request: Request) -> OpenStream:
        """An open stream whose first event has come; its `exits` must be closed by the caller."""
        ...


def close_after(stream: OpenStream, clean_up: Callable[[], Awaitable[None]]) -> None:
    """Adds what a layer must do when the stream is closed, after all that lies further in."""
    stream.exits.add(clean_up)


@dataclass(frozen=True, slots=True)
class Address:
    """Where an upstream is and how to speak to it. The key never leaves this value but in the header."""

    name: str
    base_url: str
    api_key: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout_seconds: float = 60.0
    connect_seconds: float = 10.0
    asks_usage: bool = True
    forward_traceparent: bool = False
