"""Carries out one wave: its actions run at the same time, each answer is checked the moment it is there.

The first acceptable answer cancels the rest, the deadline cancels all, and nothing outlives the wave.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import anyio
import msgspec

from action_model.prices import Usage
from router.errors import MaestroError, UpstreamError
from router.events import CandidateChecked, CandidateFinished, Watch
from router.judging.reading import reply_text
from router.ledger.purse import RunPurse
from router.task import Candidate, PlannedAction, Task, Verdict, Wave, overall_score
from router.techniques.technique import Technique
from router.upstreams.upstream import Call, Reply, Upstreams
from router.verify import Subject, Verifier


@dataclass(frozen=True)
class Job:
    """What all waves of a run share. `deadline` in event-loop time; `accepts` says when the rest may be cancelled."""

    task: Task
    subject: Subject
    purse: RunPurse
    deadline: float | None
    accepts: Callable[[Candidate], bool]
    watch: Watch
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Harvest:
    """What a wave brought: candidates by id, verified or not, and the errors of actions that brought none."""

    candidates: dict[str, Candidate] = field(default_factory=dict)
    errors: list[MaestroError] = field(default_factory=list)


class Executor:
    """Runs waves over the upstreams."""

    def __init__(self, upstreams: Upstreams, verifier: Verifier, techniques: Mapping[str, Technique]) -> None:
        self._upstreams = upstreams
        self._verifier = verifier
        self._techniques = techniques

    async def carry_out(self, wave: Wave, number: int, job: Job, earlier: Sequence[Candidate]) -> Harvest:
        """All actions of the wave, until each has its verdicts, one is accepted, or the deadline."""
        harvest = Harvest()
        known = {candidate.id: candidate for candidate in earlier}
        with anyio.CancelScope(deadline=anyio.current_time() + _left(job)):
            async with anyio.create_task_group() as group:
                for position, planned in enumerate(wave.actions):
                    parents = [known[name] for name in planned.parents if name in known]
                    name = f"c{number}.{position}"
                    group.start_soon(self._act, planned, parents, (name, number), job, harvest, group)
        return harvest

    async def _act(
        self,
        planned: PlannedAction,
        parents: Sequence[Candidate],
        place: tuple[str, int],
        job: Job,
        harvest: Harvest,
        group: anyio.abc.TaskGroup,
    ) -> None:
        try:
            if planned.action.technique == "confirm":
                candidate = parents[0]
            else:
                candidate = await self._answer(planned, parents, place, job)
                harvest.candidates[candidate.id] = candidate
            checked = await self._check(candidate, planned.action.technique == "confirm", job)
        except MaestroError as error:
            harvest.errors.append(error)
            return
        harvest.candidates[checked.id] = checked
        if job.accepts(checked):
            group.cancel_scope.cancel()

    async def _answer(
        self, planned: PlannedAction, parents: Sequence[Candidate], place: tuple[str, int], job: Job
    ) -> Candidate:
        model = self._upstreams.find(planned.action.model)
        body = self._techniques[planned.action.technique].body(job.task, planned.action, parents)
        expected = expected_usage(planned)
        call = Call(model, "/chat/completions", body, job.purse, expected, deadline=job.deadline, headers=job.headers)
        started = job.purse.elapsed()
        reply = await self._upstreams.send(call)
        candidate = candidate_of(reply, planned, place, parents)
        candidate = replace(candidate, started_seconds=started, ended_seconds=job.purse.elapsed())
        job.watch(CandidateFinished(candidate.id, planned.action.name, reply.seconds))
        return candidate

    async def _check(self, candidate: Candidate, is_confirmation: bool, job: Job) -> Candidate:
        """The candidate with its verdicts; an answer that calls tools is not text to be judged."""
        if candidate.has_tool_calls or not job.subject.requirements:
            return candidate
        ask = self._verifier.confirm if is_confirmation else self._verifier.verify
        verdicts = await ask(candidate, job.subject, job.purse, job.deadline)
        if is_confirmation:
            verdicts = merge_verdicts(candidate.verdicts, verdicts)
        score = overall_score(job.subject.requirements, verdicts)
        failed = tuple(verdict.requirement for verdict in verdicts if not verdict.passed)
        job.watch(CandidateChecked(candidate.id, score, failed))
        return replace(candidate, verdicts=verdicts, score=score)


def merge_verdicts(first: Sequence[Verdict], second: Sequence[Verdict]) -> tuple[Verdict, ...]:
    """Two judges' words on one candidate: the lower score counts, unless one could not say."""
    later = {verdict.requirement: verdict for verdict in second}
    return tuple(_lower(verdict, later.get(verdict.requirement)) for verdict in first)


def _lower(first: Verdict, second: Verdict | None) -> Verdict:
    if second is None or second.score is None:
        return first
    if first.score is None:
        return second
    return second if second.score < first.score else replace(first, confidence=max(first.confidence, second.confidence))


def expected_usage(planned: PlannedAction) -> Usage:
    """Tokens to hold money for: the input as counted, the output at its 0.9 quantile."""
    estimate = planned.estimate
    return Usage(input_tokens=round(estimate.input_tokens), output_tokens=round(estimate.output_tokens_high))


def candidate_of(
    reply: Reply, planned: PlannedAction, place: tuple[str, int], parents: Sequence[Candidate]
) -> Candidate:
    """A candidate from an upstream's whole answer."""
    name, number = place
    return Candidate(
        id=name,
        action=replace(planned.action, model=reply.model.id),
        completion=reply.body,
        text=reply_text(reply.body),
        has_tool_calls=calls_tools(reply.body),
        parents=tuple(parent.id for parent in parents),
        wave=number,
        usage=reply.usage,
        nanodollars=reply.model.price.nanodollars(reply.usage, reply.seconds),
        repair_count=max((parent.repair_count for parent in parents), default=-1) + 1 if parents else 0,
    )


def calls_tools(completion: bytes) -> bool:
    """Does the first choice call a tool?"""
    try:
        message = msgspec.json.decode(completion)["choices"][0]["message"]
        return bool(message.get("tool_calls") or message.get("function_call"))
    except (msgspec.DecodeError, KeyError, IndexError, TypeError, AttributeError):
        return False


def most_telling(errors: Sequence[MaestroError]) -> MaestroError:
    """Of several reasons why there is no answer, the one a client can act on."""
    upstream = [error for error in errors if isinstance(error, UpstreamError)]
    answered = [error for error in upstream if error.answer is not None]
    return [*answered, *upstream, *errors][0]


def _left(job: Job) -> float:
    return float("inf") if job.deadline is None else job.deadline - anyio.current_time()
