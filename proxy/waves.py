"""Answers by waves: whole, or as comments from the start and then the winner replayed as a stream."""

import asyncio
from collections import deque

from proxy.answer import with_scores
from proxy.assembly import Rooms
from proxy.errors import error_object
from proxy.exchange import Answer, Exchange
from proxy.relay import account_of
from proxy.replay import replay
from proxy.scores import money_headers, requirements_result, run_block, run_headers, usage_object
from proxy.sse import DONE, KEEP_ALIVE, comment, event
from router.dispatcher import Road
from router.errors import MaestroError
from router.events import CandidateChecked, CandidateFinished, RunEvent
from router.task import Candidate, Run, Task

EARLY_SECONDS = 0.25
"""How long a stream waits for a failure that can still be a status, before its headers go out."""


async def answer_by_waves(exchange: Exchange, rooms: Rooms, task: Task, road: Road) -> Answer | None:
    """Answers by a run; None when the answer was streamed."""
    if task.stream:
        await _stream(exchange, rooms, task, road)
        return None
    run = await rooms.dispatcher.run(task, exchange.caller, road, lambda _: None)
    standings = await rooms.ledger.standings(account_of(exchange.caller))
    block, result = run_block(task, run, standings), requirements_result(task, run)
    body = with_scores(chosen(run).completion, result, block, usage_object(run.usage))
    return Answer(body, headers={**run_headers(run), **money_headers(standings)})


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


async def _stream(exchange: Exchange, rooms: Rooms, task: Task, road: Road) -> None:
    progress = Progress()
    running = asyncio.create_task(rooms.dispatcher.run(task, exchange.caller, road, progress.watch))
    running.add_done_callback(progress.wake)
    try:
        await asyncio.wait((running,), timeout=EARLY_SECONDS)
        if running.done():
            running.result()
        standings = await rooms.ledger.standings(account_of(exchange.caller))
        await exchange.start_stream({"x-maestro-run-id": road.run_id, **money_headers(standings)})
        while not running.done():
            words = await progress.next(rooms.settings.server.keep_alive_seconds)
            if words:
                await exchange.write(words)
        await _finish(exchange, rooms, task, running)
    finally:
        running.cancel()
        await asyncio.wait((running,))
    await exchange.end()


async def _finish(exchange: Exchange, rooms: Rooms, task: Task, running: asyncio.Task[Run]) -> None:
    """The winner as chunks, or the failure as one error event."""
    try:
        run = running.result()
    except MaestroError as error:
        await exchange.write(event({"error": error_object(error)}))
        return
    standings = await rooms.ledger.standings(account_of(exchange.caller))
    block, result = run_block(task, run, standings), requirements_result(task, run)
    completion = chosen(run).completion
    for chunk in replay(completion, result, block, usage_object(run.usage), task.include_usage):
        await exchange.write(event(chunk))
    await exchange.write(DONE)


def _words(told: RunEvent) -> str:
    if isinstance(told, CandidateFinished):
        return f"candidate {told.candidate} by {told.action} after {told.seconds:.1f}s"
    if isinstance(told, CandidateChecked):
        failed = f", failed: {', '.join(told.failed)}" if told.failed else ""
        score = "unvalidated" if told.score is None else f"{told.score:.2f}"
        return f"candidate {told.candidate} scored {score}{failed}"
    return f"wave {told.wave}: {', '.join(told.actions)}"
