"""Answers by waves: whole, or as comments from the start and then the winner replayed as a stream."""

import asyncio
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

import msgspec

from proxy.answers.citing import cited
from proxy.answers.replay import replay
from proxy.answers.scores import money_headers, requirements_result, run_block, run_headers, usage_object
from proxy.answers.splice import with_fields, with_scores
from proxy.answers.sse import DONE, KEEP_ALIVE, comment, event
from proxy.assembly import Rooms
from proxy.errors import error_object
from proxy.exchange import Answer, Exchange
from proxy.relay import account_of
from router.dispatcher import Road
from router.errors import MaestroError
from router.events import CandidateChecked, CandidateFinished, RunEvent, WaveStarted
from router.task import Candidate, Run, Task
from router.tools.passages import data_sources

WRITE_BYTES = 16_384
EARLY_SECONDS = 0.25
"""How long a stream waits for a failure that can still be a status, before its headers go out."""


class Finished(msgspec.Struct, frozen=True):
    """What a run came to: the winner's completion as it came, our fields, all attempts' usage, and the headers."""

    completion: bytes
    result: Mapping[str, Any]
    block: Mapping[str, Any]
    usage: Mapping[str, Any]
    headers: Mapping[str, str]
    sources: Mapping[str, Any] | None = None

    @property
    def ours(self) -> dict[str, Any]:
        """Our fields by name."""
        told = {} if self.sources is None else {"data_sources": self.sources}
        return {"requirements_result": self.result, "maestro": self.block, **told}


class Voice(Protocol):
    """How a run is told as a stream: OpenAI's chunks of chat, or events of a response."""

    def start(self) -> Iterable[bytes]:
        """What comes first, after the headers."""
        ...

    def tell(self, finished: Finished) -> Iterable[bytes]:
        """The winner, to the end of the stream."""
        ...

    def failure(self, error: MaestroError) -> bytes:
        """The last event of a stream whose run failed."""
        ...


class ChatVoice:
    """Chunks of chat."""

    def __init__(self, include_usage: bool) -> None:
        self._include_usage = include_usage

    def start(self) -> Iterable[bytes]:
        """Nothing: the role comes with the winner."""
        return ()

    def tell(self, finished: Finished) -> Iterator[bytes]:
        """Chunks, usage if asked for, and [DONE]."""
        usage = {**finished.usage, **finished.ours} if self._include_usage else None
        for chunk in replay(finished.completion, finished.ours, usage):
            yield event(chunk)
        yield DONE

    def failure(self, error: MaestroError) -> bytes:
        """An event that the official client raises."""
        return event({"error": error_object(error)})


async def answer_by_waves(exchange: Exchange, rooms: Rooms, task: Task, road: Road) -> Answer | None:
    """Answers a chat completion by a run; None when the answer was streamed."""
    if task.stream:
        await stream_run(exchange, rooms, task, road, ChatVoice(task.include_usage))
        return None
    finished = await whole_run(exchange, rooms, task, road)
    body = with_scores(finished.completion, finished.result, finished.block, finished.usage)
    if finished.sources is not None:
        body = with_fields(body, {"data_sources": finished.sources})
    return Answer(body, headers=finished.headers)


async def whole_run(exchange: Exchange, rooms: Rooms, task: Task, road: Road) -> Finished:
    """Runs to the end."""
    run = await rooms.dispatcher.run(task, exchange.caller, road, lambda _: None)
    return await _finish(exchange, rooms, task, run)


async def stream_run(exchange: Exchange, rooms: Rooms, task: Task, road: Road, voice: Voice) -> None:
    """Runs while comments are sent, then tells the winner. A failure in the first moments is raised, to be a status."""
    progress = Progress()
    running = asyncio.create_task(rooms.dispatcher.run(task, exchange.caller, road, progress.watch))
    running.add_done_callback(progress.wake)
    try:
        await asyncio.wait((running,), timeout=EARLY_SECONDS)
        if running.done():
            running.result()
        standings = await rooms.ledger.standings(account_of(exchange.caller))
        await exchange.start_stream({"x-maestro-run-id": road.run_id, **money_headers(standings)})
        for piece in voice.start():
            await exchange.write(piece)
        while not running.done():
            words = await progress.next(rooms.settings.server.keep_alive_seconds)
            if words:
                await exchange.write(words)
        await _tell(exchange, rooms, task, running, voice)
    finally:
        running.cancel()
        await asyncio.wait((running,))
    await exchange.end()


async def _tell(exchange: Exchange, rooms: Rooms, task: Task, running: asyncio.Task[Run], voice: Voice) -> None:
    try:
        finished = await _finish(exchange, rooms, task, running.result())
    except MaestroError as error:
        await exchange.write(voice.failure(error))
        return
    await write_together(exchange, voice.tell(finished))


async def write_together(exchange: Exchange, pieces: Iterable[bytes]) -> None:
    """Events that are all there already go out a few at once: fewer writes, the same stream."""
    waiting, size = [], 0
    for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size >= WRITE_BYTES:
            await exchange.write(b"".join(waiting))
            waiting, size = [], 0
    if waiting:
        await exchange.write(b"".join(waiting))


async def _finish(exchange: Exchange, rooms: Rooms, task: Task, run: Run) -> Finished:
    standings = await rooms.ledger.standings(account_of(exchange.caller))
    return Finished(
        completion=cited(chosen(run).completion, run.sources),
        result=requirements_result(task, run),
        block=run_block(task, run, standings),
        usage=usage_object(run.usage),
        headers={**run_headers(run), **money_headers(standings)},
        sources=data_sources(run.sources, run.tool_calls) if "data_sources" in task.include else None,
    )


def chosen(run: Run) -> Candidate:
    """The winner. A run without one raises in the router, so that there always is one here."""
    if run.chosen is None:
        raise AssertionError("a run without a candidate must raise")
    return run.chosen


class Progress:
    """What the run says of itself, as comments."""

    def __init__(self) -> None:
        self._said: deque[bytes] = deque()
        self._news = asyncio.Event()

    def watch(self, told: RunEvent) -> None:
        """Takes one event of the run."""
        self._said.append(comment(_words(told)))
        self._news.set()

    def wake(self, _: object = None) -> None:
        """Ends a wait for news."""
        self._news.set()

    async def next(self, patience_seconds: float) -> bytes:
        """The next words, or a keep-alive when there were none for so long; empty when woken without words."""
        if not self._said:
            self._news.clear()
            try:
                async with asyncio.timeout(patience_seconds):
                    await self._news.wait()
            except TimeoutError:
                return KEEP_ALIVE
        return self._said.popleft() if self._said else b""


def _words(told: RunEvent) -> str:
    match told:
        case WaveStarted():
            return f"wave {told.wave}: {', '.join(told.actions)}"
        case CandidateFinished():
            return f"candidate {told.candidate} by {told.action} after {told.seconds:.1f}s"
        case CandidateChecked():
            failed = f", failed: {', '.join(told.failed)}" if told.failed else ""
            score = "unvalidated" if told.score is None else f"{told.score:.2f}"
            return f"candidate {told.candidate} scored {score}{failed}"
