"""A run without a network: scripted upstreams, a ledger in memory, and a clock that jumps over every wait.

For tests and benchmarks of what happens in which order: a wait of ten seconds takes none, and ends at exactly ten.
"""

import asyncio
import json
import selectors
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from action_model.prices import Usage
from router.errors import MaestroError, UnknownModel, UpstreamTimeout
from router.ledger.ledger import Account, Charge, Line, Reservation, Standing
from router.upstreams.upstream import Call, Model, Reply


class JumpingSelector(selectors.DefaultSelector):
    """Never waits: what would be waited for is added to `now`."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Events that are ready; the clock jumps over the wait if there are none."""
        if timeout is None:
            return super().select(None)
        ready = super().select(0)
        if not ready and timeout:
            self.now += timeout
        return ready


class JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop whose time passes only where something waits for it. Nothing in it may use threads or sockets."""

    def __init__(self) -> None:
        self._jumping = JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Seconds waited so far."""
        return self._jumping.now


@dataclass(frozen=True, slots=True)
class Play:
    """One scripted answer: its text after `seconds` (streamed: a word each `seconds / words`), or an error then."""

    text: str = "fine"
    seconds: float = 1.0
    error: MaestroError | None = None
    tool_calls: tuple[Mapping[str, Any], ...] = ()


@dataclass(slots=True)
class Heard:
    """One call as it came and ended, in seconds of the clock."""

    model: str
    body: Any
    started: float
    ended: float | None = None
    outcome: str = "open"


Script = Callable[[Model, Any, int], Play]
"""What to answer to the n-th call (from 0) of all."""


class ScriptedUpstreams:
    """The `Upstreams` of a simulation; every call is paid through its purse like a real one."""

    def __init__(self, models: Sequence[Model], script: Script) -> None:
        self.models: Mapping[str, Model] = {model.id: model for model in models}
        self.heard: list[Heard] = []
        self._script = script

    def find(self, name: str) -> Model:
        """By id. Raises UnknownModel."""
        if name not in self.models:
            raise UnknownModel(name)
        return self.models[name]

    @property
    def live(self) -> int:
        """Calls in progress."""
        return sum(heard.ended is None for heard in self.heard)

    async def send(self, call: Call) -> Reply:
        """The scripted answer, whole."""
        async with self._paid(call) as (play, heard):
            async with asyncio.timeout_at(call.deadline):
                await asyncio.sleep(play.seconds)
            if play.error is not None:
                raise play.error
            body = completion(play, call.model.served_as)
            heard.outcome = "ok"
            return Reply(200, {}, body, call.model, usage_of(call, play.text), play.seconds)

    @asynccontextmanager
    async def open(self, call: Call) -> AsyncIterator["ScriptedStream"]:
        """The scripted answer as a stream."""
        async with self._paid(call) as (play, heard):
            if play.error is not None:
                await asyncio.sleep(play.seconds)
                raise play.error
            stream = ScriptedStream(call, play, heard)
            await asyncio.sleep(stream.pace_seconds)
            yield stream

    async def close(self) -> None:
        """Nothing to close."""

    @asynccontextmanager
    async def _paid(self, call: Call) -> AsyncIterator[tuple[Play, Heard]]:
        meter = await call.purse.begin(call.model, call.purpose, call.expected)
        body, clock = json.loads(call.body), asyncio.get_running_loop().time
        heard = Heard(call.model.id, body, clock())
        play = self._script(call.model, body, len(self.heard))
        self.heard.append(heard)
        try:
            yield play, heard
        except TimeoutError:
            raise UpstreamTimeout("scripted: too slow", call.model.upstream) from None
        except MaestroError:
            heard.outcome = "error"
            raise
        finally:
            heard.ended = clock()
            heard.outcome = "cancelled" if heard.outcome == "open" else heard.outcome
            if heard.outcome == "error":
                await meter.not_billed("scripted")
            else:
                usage = usage_of(call, play.text)
                await meter.settle(usage, heard.ended - heard.started, "ok" if heard.outcome == "ok" else "cancelled")


class ScriptedStream:
    """A stream of the words of a scripted answer, evenly over its seconds."""

    def __init__(self, call: Call, play: Play, heard: Heard) -> None:
        self.headers: Mapping[str, str] = {}
        self.model = call.model
        self._call = call
        self._heard = heard
        self._calls = play.tool_calls
        self._words = [] if play.tool_calls else play.text.split(" ")
        self._said = 0
        self.pace_seconds = play.seconds / max(1, len(self._words))

    @property
    def usage(self) -> Usage:
        """A token for each word said so far."""
        return replace(usage_of(self._call, ""), output_tokens=self._said)

    def blocks(self) -> AsyncIterator[bytes]:
        """Each event by itself."""
        return self.events()

    async def events(self) -> AsyncIterator[bytes]:
        """Chunks, then the end."""
        for word in self._words:
            if self._said:
                await asyncio.sleep(self.pace_seconds)
            text = word if not self._said else f" {word}"
            self._said += 1
            yield _chunk({"content": text}, None)
        self._heard.outcome = "ok"
        for index, call in enumerate(self._calls):
            yield _chunk({"tool_calls": [{"index": index, **call}]}, None)
        yield _chunk({}, "tool_calls" if self._calls else "stop")
        yield b"data: [DONE]\n\n"


def completion(play: Play, model: str) -> bytes:
    """A whole chat completion."""
    message: dict[str, Any] = {"role": "assistant", "content": play.text}
    if play.tool_calls:
        message = {"role": "assistant", "content": None, "tool_calls": list(play.tool_calls)}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if play.tool_calls else "stop"}
    return json.dumps({"id": "c", "object": "chat.completion", "model": model, "choices": [choice]}).encode()


def usage_of(call: Call, text: str) -> Usage:
    """The input as expected, a token for each word."""
    return Usage(call.expected.input_tokens, len(text.split()))


def _chunk(delta: Mapping[str, Any], finish: str | None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return b"data: " + json.dumps({"id": "c", "choices": [choice]}).encode() + b"\n\n"


@dataclass
class MemoryLedger:
    """A `Till` without limits that forgets with its process."""

    runs: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    outcomes: list[Mapping[str, Any]] = field(default_factory=list)
    held: dict[str, int] = field(default_factory=dict)
    charged: dict[str, int] = field(default_factory=dict)

    async def reserve(self, run_id: str, account: Account, lines: Sequence[Line]) -> Reservation:
        """Holds."""
        self.held.update({line.attempt_id: line.nanodollars for line in lines})
        return Reservation(uuid.uuid4().hex, run_id, account, tuple(lines))

    async def settle(self, reservation: Reservation, charge: Charge) -> None:
        """Charges."""
        self.held.pop(charge.attempt_id)
        self.charged[charge.attempt_id] = charge.nanodollars

    async def release(self, reservation: Reservation, attempt_id: str | None = None) -> None:
        """Gives back."""
        for line in reservation.lines:
            if attempt_id in (None, line.attempt_id):
                self.held.pop(line.attempt_id, None)

    async def standings(self, account: Account) -> Sequence[Standing]:
        """No limits."""
        return ()

    async def record_run(self, run_id: str, account: Account, trace: Mapping[str, Any]) -> None:
        """Keeps."""
        self.runs[run_id] = trace

    async def find_run(self, run_id: str) -> Mapping[str, Any] | None:
        """What was kept."""
        return self.runs.get(run_id)

    async def record_outcomes(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Keeps."""
        self.outcomes += rows

    async def close(self) -> None:
        """Nothing to close."""
