"""Carries out one wave as a graph: each answer is checked the moment it is there, and may start what follows from it.

The first acceptable answer cancels the rest, the deadline cancels all, and nothing outlives the wave.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import anyio
import anyio.abc
import msgspec

from router.answering import Answerer, Order
from router.checking import check, confirm
from router.errors import MaestroError, UpstreamError
from router.events import CandidateFinished
from router.job import CutShort, Harvest, Job, Place, Warmth
from router.task import Candidate, PlannedAction, Wave
from router.verify import Verifier

MOST_FOLLOW_UPS = 8
"""How many actions one wave may start by itself."""
LONGEST_LEAD_SECONDS = 3.0
"""How long samples wait for the first of them to be read into the upstream's prompt cache."""
LEAST_SHARED_TOKENS = 1024
"""Shorter prompts are not cached."""


class Next(msgspec.Struct, frozen=True):
    """What follows from a checked candidate: actions to start now, or that the wave is over."""

    actions: tuple[PlannedAction, ...] = ()
    is_over: bool = False


Follow = Callable[[Candidate, Harvest, Sequence[PlannedAction]], Awaitable[Next]]
"""Asked once per checked candidate, with what the wave brought so far and the actions still running (none:
nothing may be started beside)."""


@dataclass
class _Running:
    """One wave in progress, in which at most `most` actions may be started.

    `active` by position: the actions that have not yet brought their answer.
    """

    number: int
    job: Job
    follow: Follow
    known: dict[str, Candidate]
    group: anyio.abc.TaskGroup | None
    most: int
    harvest: Harvest = field(default_factory=Harvest)
    active: dict[int, PlannedAction] = field(default_factory=dict)
    started: int = 0
    warmth: Warmth = field(default_factory=Warmth)


class Executor:
    """Runs waves over the upstreams."""

    def __init__(self, answerer: Answerer, verifier: Verifier) -> None:
        self._answerer = answerer
        self._verifier = verifier

    async def carry_out(
        self, wave: Wave, number: int, job: Job, earlier: Sequence[Candidate], follow: Follow
    ) -> Harvest:
        """All actions of the wave and what follows from them, until one is accepted, or the deadline."""
        known = {candidate.id: candidate for candidate in earlier}
        running = _Running(number, job, follow, known, None, len(wave.actions) + MOST_FOLLOW_UPS)
        left = job.seconds_left
        if left is None:
            await self._carry_out(wave, running)
        else:
            with anyio.CancelScope(deadline=anyio.current_time() + left):
                await self._carry_out(wave, running)
        return running.harvest

    async def _carry_out(self, wave: Wave, running: _Running) -> None:
        """One action needs no task of its own: nothing runs beside it, so nothing may be started or cancelled."""
        if len(wave.actions) == 1:
            running.active[0], running.started = wave.actions[0], 1
            await self._act(wave.actions[0], 0, running)
            return
        async with anyio.create_task_group() as running.group:
            for planned in cache_order(wave.actions):
                self._start(planned, running)

    def _start(self, planned: PlannedAction, running: _Running) -> None:
        position, running.started = running.started, running.started + 1
        running.active[position] = planned
        if running.group is None:
            raise AssertionError("an action beside none")
        running.group.start_soon(self._act, planned, position, running)

    async def _act(self, planned: PlannedAction, position: int, running: _Running) -> None:
        harvest = running.harvest
        try:
            checked = await self._make(planned, position, running)
        except CutShort as cut:
            harvest.cut.append(planned.action)
            harvest.savings.append(cut.saving)
            return
        except MaestroError as error:
            harvest.errors.append(error)
            return
        finally:
            running.active.pop(position, None)
        harvest.candidates[checked.id] = running.known[checked.id] = checked
        beside = tuple(running.active.values()) if running.started < running.most else ()
        following = await running.follow(checked, harvest, beside)
        if following.is_over and running.group is not None:
            running.group.cancel_scope.cancel()
        for action in following.actions:
            self._start(action, running)

    async def _make(self, planned: PlannedAction, position: int, running: _Running) -> Candidate:
        """A new candidate with its verdicts, or an earlier one with an independent judge's."""
        parents = tuple(running.known[name] for name in planned.parents if name in running.known)
        job, harvest = running.job, running.harvest
        if planned.action.technique == "confirm":
            checked, harvest.opinions[parents[0].id] = await confirm(parents[0], job, self._verifier)
            return checked
        place = Place(f"c{running.number}.{position}", running.number, parents)
        candidate = await self._answer(planned, place, position, running)
        harvest.candidates[candidate.id] = candidate
        seconds = candidate.ended_seconds - candidate.started_seconds
        job.watch(CandidateFinished(candidate.id, planned.action.name, seconds))
        return await check(candidate, job, self._verifier)

    async def _answer(self, planned: PlannedAction, place: Place, position: int, running: _Running) -> Candidate:
        """Waits its turn where samples share a cacheable prompt, then answers."""
        key, warmth = shared_prompt(planned), running.warmth
        leads = key is not None and warmth.leads(key)

        def started() -> None:
            if leads and key is not None:
                warmth.done(key)

        if key is not None and not leads and self._answerer.caches(planned.action.model):
            await warmth.wait(key, min(LONGEST_LEAD_SECONDS, planned.estimate.seconds / 2))
        order = Order(
            planned,
            place,
            running.job,
            running.harvest,
            is_last_hope=running.started == 1 and not running.known,
            may_cut=lambda: _gives_up(running, position),
            started=started,
            may_hedge=lambda: not running.known,
        )
        try:
            return await self._answerer.answer(order)
        finally:
            started()


def _gives_up(running: _Running, position: int) -> bool:
    """May this answer be given up? Never the last hope: there is a candidate, or another action still runs."""
    if not running.known and all(other == position for other in running.active):
        return False
    running.active.pop(position, None)
    return True


def cache_order(actions: Sequence[PlannedAction]) -> list[PlannedAction]:
    """The same actions, those that share a prompt prefix next to each other, else in their order."""
    first: dict[tuple[str, str], int] = {}
    for place, planned in enumerate(actions):
        first.setdefault((planned.action.model, planned.action.prompt), place)
    return sorted(actions, key=lambda planned: first[planned.action.model, planned.action.prompt])


def shared_prompt(planned: PlannedAction) -> str | None:
    """What names the prompt an upstream may cache; None where it is too short, or made from candidates."""
    if planned.parents or planned.estimate.input_tokens < LEAST_SHARED_TOKENS:
        return None
    return f"{planned.action.model}:{planned.action.prompt}"


def most_telling(errors: Sequence[MaestroError]) -> MaestroError:
    """Of several reasons why there is no answer, the one a client can act on."""
    upstream = [error for error in errors if isinstance(error, UpstreamError)]
    answered = [error for error in upstream if error.answer is not None]
    return [*answered, *upstream, *errors][0]
