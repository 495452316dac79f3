"""The seam between us and the network: what each layer offers, and what travels through them."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Protocol

from action_model.prices import Usage
from router.upstreams.upstream import Call, Model, Reply


@dataclass(frozen=True, slots=True)
class Request:
    """One attempt at one model: the call, its body for this very model, and how long it may take."""

    call: Call
    model: Model
    body: bytes
    hides_usage: bool = False


@dataclass(slots=True)
class Progress:
    """What a stream has shown so far: enough to charge it when it is left early."""

    usage: Usage | None = None
    content_bytes: int = 0
    content_events: int = 0
    finished: bool = False


class OpenStream(Protocol):
    """An open stream inside the layers; each layer pushes what must happen when it closes onto `exits`."""

    exits: AsyncExitStack
    progress: Progress

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


class Transport(Protocol):
    """One layer around the next."""

    async def send(self, request: Request) -> Reply:
        """A whole 2xx answer that is what it should be; anything else is raised."""
        ...

    async def open(self, request: Request) -> OpenStream:
        """An open stream whose first event has come; its `exits` must be closed by the caller."""
        ...


@dataclass(frozen=True, slots=True)
class Address:
    """Where an upstream is and how to speak to it. The key never leaves this value but in the header."""

    name: str
    base_url: str
    api_key: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout_seconds: float = 60.0
    asks_usage: bool = True
    forward_traceparent: bool = False
