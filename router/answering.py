"""Makes one candidate: carries out a technique's steps, as a stream where that pays, and hedges a slow call."""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing

import anyio
import msgspec
from msgspec.structs import replace

from action_model.belief import Estimate
from action_model.prices import Usage
from router.candidates import texts_of, tool_calls_of
from router.deltas import Assembly
from router.errors import MaestroError
from router.fairness import FairGates
from router.hedging import hedge_for, patience_seconds
from router.job import CutShort, Harvest, Job, Place, Timing
from router.race import Race, end_call
from router.task import Candidate, PlannedAction, Saving
from router.techniques.technique import Step, Technique
from router.tool_loop import look_up, with_tools
from router.upstreams.tokens import count_tokens
from router.upstreams.upstream import Call, Model, Reply, ReplyStream, Upstreams

CHAT = "/chat/completions"
LOOK_EVERY_CHARACTERS = 48
"""How much a streamed answer grows between two looks of the watching checks."""


class Order(msgspec.Struct, frozen=True):
    """One candidate to be made. `is_last_hope`: nothing else is there or runs, so that it will not be given up;
    `may_cut` says whether a failing stream may be given up now; `started` hears the first sign of an answer."""

    planned: PlannedAction
    place: Place
    job: Job
    harvest: Harvest
    is_last_hope: bool
    may_cut: Callable[[], bool]
    started: Callable[[], None]
    may_hedge: Callable[[], bool]


class Answerer:
    """Turns planned actions into candidates."""

    def __init__(self, upstreams: Upstreams, techniques: Mapping[str, Technique], gates: FairGates) -> None:
        self._upstreams = upstreams
        self._techniques = techniques
        self._gates = gates

    def caches(self, model: str) -> bool:
        """Is a prompt that was read before cheaper at this model's upstream?"""
        price = self._upstreams.find(model).price
        return (
            price.cached_input_usd_per_mtok is not None and price.cached_input_usd_per_mtok < price.input_usd_per_mtok
        )

    async def answer(self, order: Order) -> Candidate:
        """The candidate of a technique's last step. Raises MaestroError; CutShort for a stream that was given up."""
        started = order.job.purse.elapsed()
        technique = self._techniques[order.planned.action.technique]
        steps = technique.steps(order.job.task, order.planned.action, order.place.parents)
        step, replies, all_replies = next(steps), list[Reply](), list[Reply]()
        while True:
            if step.queries:
                sent: tuple[bytes, ...] = (await look_up(step.queries, order.job, all_replies),)
            else:
                replies = await self._carry_out(step, order)
                all_replies += replies
                sent = tuple(reply.body for reply in replies)
            try:
                step = steps.send(sent)
            except StopIteration:
                break
        made = candidate_of(replies[-1], all_replies, order)
        return replace(made, started_seconds=started, ended_seconds=order.job.purse.elapsed())

    async def _carry_out(self, step: Step, order: Order) -> list[Reply]:
        if len(step.bodies) == 1:
            if step.is_final:
                return await self._final(step.bodies[0], order)
            return [await self._call(step.bodies[0], order, order.planned, step.is_final)]
        found: list[Reply | None] = [None] * len(step.bodies)
        errors: list[MaestroError] = []

        async def run(position: int, body: bytes) -> None:
            try:
                found[position] = await self._call(body, order, order.planned, False)
            except MaestroError as error:
                errors.append(error)

        async with anyio.create_task_group() as group:
            for position, body in enumerate(step.bodies):
                group.start_soon(run, position, body)
        if errors:
            raise errors[0]
        return [reply for reply in found if reply is not None]

    async def _final(self, body: bytes, order: Order) -> list[Reply]:
        """The replies of the last step, the answer last: calls of our own tools are carried out first."""
        reply, bench = await self._hedge(body, order), order.job.bench
        if bench is None:
            return [reply]
        return await with_tools(body, reply, bench, lambda more: self._call(more, order, order.planned, True))

    async def _hedge(self, body: bytes, order: Order) -> Reply:
        """The first of a call and, once it is late, another beside it; the loser is cancelled and settled."""
        if not order.job.hedges:
            return await self._call(body, order, order.planned, True)
        waited = patience_seconds(order.planned.estimate, order.job.seconds_left)
        first = asyncio.create_task(self._call(body, order, order.planned, True))
        try:
            done, _ = await asyncio.wait((first,), timeout=waited)
            return first.result() if done else await self._race(first, body, order, waited)
        finally:
            await end_call(first)

    async def _race(self, first: asyncio.Task[Reply], body: bytes, order: Order, waited: float) -> Reply:
        """The same, once `first` has run for so many seconds."""
        race = Race()

        async def run(call: Callable[[], Awaitable[Reply]]) -> None:
            try:
                race.win(await call())
            except (MaestroError, CutShort) as error:
                race.lose(error)

        async with anyio.create_task_group() as group:
            race.start()
            group.start_soon(run, lambda: first)
            second = await self._lose_patience(race, order, waited)
            if second is not None:
                planned = replace(order.planned, action=second.action, estimate=second)
                race.start()
                group.start_soon(run, lambda: self._call(body, order, planned, True))
            await race.over.wait()
            group.cancel_scope.cancel()
        return race.result()

    async def _lose_patience(self, race: Race, order: Order, waited: float) -> Estimate | None:
        """A hedge once one is worth it, paid for; None once the race is over. Asked again after twice the time."""
        began = anyio.current_time() - waited
        while not race.over.is_set():
            second = await self._second(order, waited)
            if second is not None:
                return second
            waited *= 2.0
            with anyio.move_on_after(began + waited - anyio.current_time()):
                await race.over.wait()
        return None

    async def _second(self, order: Order, waited: float) -> Estimate | None:
        """The hedge, paid for; None where it is not worth it, or money, calls or time do not allow it."""
        job = order.job
        if not order.may_hedge() or not job.hedges:
            return None
        second = hedge_for(order.planned, waited, job.hedges, job.tradeoff, job.seconds_left)
        if second is None:
            return None
        try:
            await job.purse.hold([(self._upstreams.find(second.action.model), usage_of(second))])
        except MaestroError:
            return None
        return second

    async def _call(self, body: bytes, order: Order, planned: PlannedAction, is_final: bool) -> Reply:
        job, model = order.job, self._upstreams.find(planned.action.model)
        if job.is_bound:
            model = dataclasses.replace(model, fallbacks=())
        streamed = is_final and (_watches(order) or model.upstream in job.streamed)
        call = Call(
            model,
            CHAT,
            as_stream(body) if streamed else body,
            job.purse,
            usage_of(planned.estimate),
            stream=streamed,
            deadline=job.deadline,
            headers=job.headers,
        )
        async with self._gates.slot(model.upstream, job.team):
            if streamed:
                return await self._stream(call, order)
            reply = await self._upstreams.send(call)
        order.started()
        order.harvest.timings.append(Timing(reply.model.id, reply.seconds, reply.usage))
        return reply

    async def _stream(self, call: Call, order: Order) -> Reply:
        assembly, began = Assembly(), anyio.current_time()
        async with self._upstreams.open(call) as stream:
            order.started()
            first = anyio.current_time() - began
            try:
                await self._read(stream, assembly, order)
            except (CutShort, anyio.get_cancelled_exc_class()):
                if assembly.has_output:
                    order.harvest.partials.append(partial_of(assembly, stream.model, order))
                raise
        seconds = anyio.current_time() - began
        body = assembly.completion()
        order.harvest.timings.append(Timing(stream.model.id, seconds, stream.usage, first))
        return Reply(200, stream.headers, body, stream.model, stream.usage, seconds)

    async def _read(self, stream: ReplyStream, assembly: Assembly, order: Order) -> None:
        looked = 0
        async with aclosing(stream.events()) as events:  # type: ignore[type-var]
            async for event in events:
                if not assembly.feed(event) or len(assembly.text) < looked + LOOK_EVERY_CHARACTERS:
                    continue
                looked = len(assembly.text)
                failing = order.job.subject.failing(assembly.text) if order.job.is_watched else None
                if failing is not None and order.may_cut():
                    raise CutShort(saving_of(order.planned, failing, assembly.text))


def _watches(order: Order) -> bool:
    """Is it worth seeing the answer grow: may it be given up, or be needed before it is finished?"""
    return order.job.is_watched and (not order.is_last_hope or order.job.deadline is not None)


def as_stream(body: bytes) -> bytes:
    """The same body, answered as a stream: one field more at its end."""
    return body.rstrip()[:-1] + b',"stream":true}'


def usage_of(estimate: Estimate) -> Usage:
    """Tokens to hold money for: the input as counted, the output at its 0.9 quantile."""
    return Usage(input_tokens=round(estimate.input_tokens), output_tokens=round(estimate.output_tokens_high))


def candidate_of(reply: Reply, replies: list[Reply], order: Order) -> Candidate:
    """A candidate from the reply of the last step; usage and cost are those of all steps."""
    place = order.place
    texts = texts_of(reply.body)
    return Candidate(
        id=place.id,
        action=replace(order.planned.action, model=reply.model.id),
        completion=reply.body,
        text=texts[0] if texts else "",
        has_tool_calls=bool(tool_calls_of(reply.body)),
        parents=tuple(parent.id for parent in place.parents),
        wave=place.wave,
        usage=sum((one.usage for one in replies), Usage()),
        nanodollars=sum(one.model.price.nanodollars(one.usage, one.seconds) for one in replies),
        repair_count=repair_count(order),
    )


def repair_count(order: Order) -> int:
    """How often the answer was repaired: once more than the parent it repairs."""
    if order.planned.action.technique != "fix":
        return 0
    return max((parent.repair_count for parent in order.place.parents), default=0) + 1


def saving_of(planned: PlannedAction, requirement: str, text: str) -> Saving:
    """What is not written of an answer that has failed `requirement`: what was expected, less what is there."""
    written = count_tokens(text)
    saved = max(round(planned.estimate.output_tokens) - written, 0)
    return Saving(planned.action.name, requirement, written, saved)


def partial_of(assembly: Assembly, model: Model, order: Order) -> Candidate:
    """What came of an answer that was not finished: "length" says to the client that it is cut."""
    action = replace(order.planned.action, model=model.id)
    body = assembly.completion("length")
    return Candidate(f"{order.place.id}.partial", action, body, assembly.text, wave=order.place.wave)
