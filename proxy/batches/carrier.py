"""Carries out a batch: its lines a few at a time, behind what clients wait for; resumed where it was left."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from proxy.assembly import Rooms
from proxy.batches.inside import answer_inside
from proxy.runs.asked import decode_caller
from router.batches.files import FileStore
from router.batches.lines import Line, Problem, Result, as_file, parse_lines
from router.errors import BadRequest
from router.facts import text_in
from router.profiles.store import Configs
from router.runs.ticket import End, Status, Ticket, Tickets
from router.task import Caller

log = logging.getLogger("maestro.batches")
LINE = "line"
YIELD_SECONDS = 0.05
EXPIRED = ("batch_expired", "This request could not be executed before the completion window expired.")
CANCELLED = ("batch_cancelled", "This request was not executed: the batch was cancelled.")
Shown = dict[str, Any]


class Aisle:
    """How many lines may run at once: all `parallel` while nobody waits, one while `is_busy`."""

    def __init__(self, parallel: int, is_busy: Callable[[], bool]) -> None:
        self._parallel = parallel
        self._is_busy = is_busy
        self._running = 0

    async def enter(self) -> None:
        """Waits for a place; whoever entered leaves."""
        while True:
            if self._running < (1 if self._is_busy() else self._parallel):
                self._running += 1
                return
            await asyncio.sleep(YIELD_SECONDS)

    def leave(self) -> None:
        """Gives the place back."""
        self._running -= 1


@dataclass
class Job:
    """One batch at work."""

    ticket: Ticket
    shown: Shown
    caller: Caller
    endpoint: str
    results: dict[int, Result]


class BatchCarrier:
    """Batches, all through one aisle."""

    def __init__(self, rooms: Rooms, tickets: Tickets, files: FileStore, configs: Configs, aisle: Aisle) -> None:
        self._rooms = rooms
        self._tickets = tickets
        self._files = files
        self._configs = configs
        self._aisle = aisle

    def can_resume(self, ticket: Ticket) -> bool:
        """Its requests are in a file, and its results in its log."""
        return True

    def failed(self, ticket: Ticket, message: str) -> End:
        """How it is shown that it could not be run at all."""
        return _invalid(dict(ticket.shown), [Problem("internal_error", message)])

    async def cancelled(self, ticket: Ticket) -> End:
        """What was answered until then is kept."""
        job = await self._job(ticket)
        lines = await self._lines(job)
        return await self._end(job, "cancelled", _missing(lines, job, CANCELLED))

    async def carry(self, ticket: Ticket) -> End:
        """To its end, or to the end of its window."""
        job = await self._job(ticket)
        data = await self._input(job)
        parsed = parse_lines(data, job.endpoint)
        if parsed.problems:
            return _invalid(job.shown, parsed.problems)
        job.shown |= {"status": "in_progress", "in_progress_at": job.shown.get("in_progress_at") or _now()}
        self._count(job, len(parsed.lines))
        await self._tickets.show(ticket.id, job.shown)
        try:
            async with asyncio.timeout(max(0.0, job.shown["expires_at"] - time.time())):
                await self._run([line for line in parsed.lines if line.number not in job.results], job)
        except TimeoutError:
            return await self._end(job, "expired", _missing(parsed.lines, job, EXPIRED))
        return await self._end(job, "completed", ())

    async def _job(self, ticket: Ticket) -> Job:
        found = await self._tickets.find(ticket.id)
        shown = dict(found.shown if found is not None else ticket.shown)
        job = Job(ticket, shown, decode_caller(ticket.caller), shown["endpoint"], {})
        after = 0
        while entries := await self._tickets.read_log(ticket.id, after):
            after = entries[-1].number
            done = (Result.of(entry.data) for entry in entries if entry.kind == LINE)
            job.results |= {result.number: result for result in done}
        return job

    async def _input(self, job: Job) -> bytes:
        file = await self._files.find_file(job.ticket.account.team, job.shown["input_file_id"])
        if file is None:
            raise BadRequest("The input file was deleted.", "input_file_id")
        return await self._files.content(file)

    async def _lines(self, job: Job) -> Sequence[Line]:
        try:
            return parse_lines(await self._input(job), job.endpoint).lines
        except BadRequest:
            return ()

    async def _run(self, lines: Sequence[Line], job: Job) -> None:
        texts = [text for line in lines if (text := text_in(line.body)) is not None]
        await asyncio.to_thread(self._rooms.estimator.prepare, texts)
        async with asyncio.TaskGroup() as group:
            for line in lines:
                await self._aisle.enter()
                task = group.create_task(self._answer(line, job))
                task.add_done_callback(lambda _: self._aisle.leave())

    async def _answer(self, line: Line, job: Job) -> None:
        answer = await answer_inside(self._rooms, self._configs, job.caller, job.endpoint, line.body)
        body = _decoded(answer.body)
        result = Result(line.number, line.custom_id, answer.status, body, answer.request_id)
        job.results[line.number] = result
        self._tickets.tell(job.ticket.id, LINE, result.stored())
        self._count(job, job.shown["request_counts"]["total"])
        await self._tickets.show(job.ticket.id, job.shown)

    @staticmethod
    def _count(job: Job, total: int) -> None:
        completed = sum(result.is_ok for result in job.results.values())
        failed = len(job.results) - completed
        job.shown["request_counts"] = {"total": total, "completed": completed, "failed": failed}

    async def _end(self, job: Job, status: Status, missing: Iterable[Result]) -> End:
        """Writes both files, and forgets the answers that the log kept."""
        job.shown |= {"status": "finalizing", "finalizing_at": _now()}
        await self._tickets.show(job.ticket.id, job.shown)
        done = list(job.results.values())
        good = [result for result in done if result.is_ok]
        bad = [*(result for result in done if not result.is_ok), *missing]
        for name, results in (("output", good), ("error", bad)):
            if results:
                data = as_file(results, job.ticket.id)
                team = job.ticket.account.team
                file = await self._files.add_file(team, f"{job.ticket.id}_{name}.jsonl", data, "batch_output")
                job.shown[f"{name}_file_id"] = file.id
        await self._tickets.forget_log(job.ticket.id, LINE)
        return End(status, {**job.shown, "status": status, f"{status}_at": _now()})


def _missing(lines: Sequence[Line], job: Job, error: tuple[str, str]) -> list[Result]:
    left = [line for line in lines if line.number not in job.results]
    return [Result(line.number, line.custom_id, error=error) for line in left]


def _invalid(shown: Shown, problems: Sequence[Problem]) -> End:
    errors = {"object": "list", "data": [problem.shown() for problem in problems]}
    return End("failed", {**shown, "status": "failed", "failed_at": _now(), "errors": errors})


def _decoded(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return body.decode("utf-8", "replace")


def _now() -> int:
    return int(time.time())


def shown_at_first(batch_id: str, said: Mapping[str, Any], window_seconds: int) -> Shown:
    """OpenAI's batch object."""
    now = _now()
    times = ("in_progress", "finalizing", "completed", "failed", "expired", "cancelling", "cancelled")
    return {
        "id": batch_id,
        "object": "batch",
        "endpoint": said["endpoint"],
        "errors": None,
        "input_file_id": said["input_file_id"],
        "completion_window": said["completion_window"],
        "status": "validating",
        "output_file_id": None,
        "error_file_id": None,
        "created_at": now,
        "expires_at": now + window_seconds,
        **dict.fromkeys(f"{name}_at" for name in times),
        "request_counts": {"total": 0, "completed": 0, "failed": 0},
        "metadata": said.get("metadata"),
    }
