"""What the router may ask of the upstreams: models, and calls that are metered, limited, retried and cancellable."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Literal, Protocol

import msgspec

from action_model.prices import Price, Usage

Purpose = Literal["generate", "judge", "tool"]
Outcome = Literal["ok", "error", "cancelled"]


@dataclass(frozen=True, slots=True)
class Model:
    """A name an upstream serves, with its price and what it can do. `id` is "upstream/name"."""

    upstream: str
    name: str
    served_as: str
    price: Price
    context_tokens: int | None = None
    max_output_tokens: int | None = None
    supports: frozenset[str] = frozenset({"tools", "images", "json_schema", "logprobs"})
    fallbacks: tuple[str, ...] = ()
    routable: bool = True
    family: str = ""
    parameters_billions: float | None = None
    created: int = 0

    @property
    def id(self) -> str:
        """The name that is unique among all upstreams."""
        return f"{self.upstream}/{self.name}"


class AttemptMeter(Protocol):
    """One attempt's money: held before the first byte leaves, settled exactly once, whatever happens.

    Both words are taken before anything is waited for: whoever is cancelled while it says them has said them.
    """

    async def settle(
        self,
        usage: Usage | None,
        seconds: float,
        outcome: Outcome,
        error: str | None = None,
        is_estimated: bool = False,
    ) -> None:
        """The real charge. `usage` None = nobody knows: charged as held, flagged as estimated, never zero."""
        ...

    async def not_billed(self, error: str) -> None:
        """Nothing was billed (refused, no connection, 4xx, 5xx without an answer): the hold is given back."""
        ...


class Purse(Protocol):
    """One run's money as the upstream layers see it. Raises BudgetExceeded, BudgetReserved, Unavailable."""

    async def begin(self, model: Model, purpose: Purpose, expected: Usage) -> AttemptMeter:
        """Takes a line held for this model, or holds `expected` at its price now; durable before it returns."""
        ...


class Call(msgspec.Struct, frozen=True):
    """One request to one model, with its fallbacks. `body` is the whole JSON body; the upstream sets its `model`.

    `expected` are the tokens to hold money for (input counted, output capped or predicted at a high quantile).
    `deadline` is in event-loop time (None: the upstream's own timeout); `attempts` bounds retries and fallbacks
    together.
    """

    model: Model
    path: str
    body: bytes
    purse: Purse
    expected: Usage
    purpose: Purpose = "generate"
    stream: bool = False
    deadline: float | None = None
    attempts: int = 3
    headers: Mapping[str, str] = {}


class Reply(msgspec.Struct, frozen=True):
    """A whole answer as it came, and which model gave it. Where the upstream told no usage, it is counted."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    model: Model
    usage: Usage
    seconds: float
    usage_is_told: bool = True


class ReplyStream(Protocol):
    """A stream as it comes. Already open: a failure to open was raised before. Closing it cancels the upstream."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The upstream's headers worth passing on."""
        ...

    @property
    def model(self) -> Model:
        """Which model answers."""
        ...

    @property
    def usage(self) -> Usage:
        """Usage seen so far, final after the end."""
        ...

    def events(self) -> AsyncIterator[bytes]:
        """SSE events, each whole with its blank line, bytes as they came. Raises UpstreamError when cut or malformed.

        The usage chunk we asked for on our own account is taken out.
        """
        ...

    def blocks(self) -> AsyncIterator[bytes]:
        """The same; events that came together are in one piece."""
        ...


class Upstreams(Protocol):
    """All upstreams, behind their layers. Errors are of `router.errors`, never a library's."""

    @property
    def models(self) -> Mapping[str, Model]:
        """All models by id, in the order of the settings."""
        ...

    def find(self, name: str) -> Model:
        """By id or by bare name (first upstream that has it, then a "*" one). Raises UnknownModel."""
        ...

    async def send(self, call: Call) -> Reply:
        """A whole answer with status 2xx; anything else is raised."""
        ...

    def open(self, call: Call) -> AbstractAsyncContextManager[ReplyStream]:
        """An open stream; leaving the context cancels and settles."""
        ...

    async def close(self) -> None:
        """Closes sessions and the embedded servers."""
        ...
