"""The steps of a request, in order, and nothing else."""

import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal

from action_model.actions import Action
from action_model.belief import Belief, Estimate
from action_model.estimator import Estimator
from action_model.facts import Facts
from action_model.prices import Usage, to_nanodollars
from action_model.speed import Speed
from router.campaign import Campaign, run_waves
from router.checks.check import Validator
from router.efforts import EFFORTS
from router.errors import BadRequest, RunLimitReached, UnknownModel
from router.events import Watch
from router.executor import Executor, Job, most_telling
from router.facts import choice_count, facts_of
from router.ledger.ledger import Account, Ledger
from router.ledger.purse import RunLimits, RunPurse
from router.outcomes import outcomes_of
from router.planner import Stop, frontier, plan_wave
from router.planning.situation import Tradeoff
from router.portfolio import allowed_models, eligible_models, offers_for
from router.task import Caller, Candidate, FinishReason, PlannedAction, Run, Task, Wave
from router.techniques.fix import Fix
from router.techniques.sample import Sample
from router.trace import trace_of, wave_of
from router.upstreams.upstream import Call, Model, Reply, ReplyStream, Upstreams
from router.verify import Subject, Verifier


@dataclass(frozen=True, slots=True)
class Road:
    """How a request is served: one model's bytes passed through, or waves. `estimate` is of the action chosen."""

    kind: Literal["relay", "waves"]
    run_id: str
    facts: Facts
    subject: Subject
    models: tuple[Model, ...]
    estimate: Estimate | None = None

    @property
    def model(self) -> Model | None:
        """The one model of a relay."""
        return self.models[0] if self.kind == "relay" else None


class Dispatcher:
    """Serves tasks: chooses the road, runs waves or relays, settles, records."""

    def __init__(
        self,
        upstreams: Upstreams,
        ledger: Ledger,
        estimator: Estimator,
        verifier: Verifier,
        options: "DispatcherOptions",
    ) -> None:
        self._upstreams = upstreams
        self._ledger = ledger
        self._estimator = estimator
        self._verifier = verifier
        self._options = options
        self._executor = Executor(upstreams, verifier, {"sample": Sample(), "fix": Fix()})
        self._speeds: dict[str, Speed] = {}

    def models_for(self, caller: Caller) -> Sequence[Model]:
        """Models this key may use."""
        return allowed_models(self._upstreams.models.values(), caller)

    def choose(self, task: Task, caller: Caller) -> Road:
        """The road. Raises BadRequest (a bad check), UnknownModel (none may serve this)."""
        subject = Subject.of(task, self._options.validators)
        facts = facts_of(task, subject.kinds)
        run_id = f"run-{uuid.uuid4().hex}"
        if task.is_virtual:
            models = eligible_models(self._upstreams.models.values(), task, caller, facts)
        else:
            models = (self._permitted(task.model, caller),)
        if not models:
            raise UnknownModel(task.model)
        if self._needs_waves(task, subject, models):
            return Road("waves", run_id, facts, subject, models)
        if len(models) == 1 and not task.is_virtual:
            return Road("relay", run_id, facts, subject, models)
        planned = self._first_choice(task, facts, models)
        return Road("relay", run_id, facts, subject, (self._upstreams.find(planned.action.model),), planned.estimate)

    async def relay(self, task: Task, caller: Caller, road: Road, path: str = "/chat/completions") -> Reply:
        """One model's whole answer, metered."""
        assert road.model is not None
        purse = self._purse(task, caller, road.run_id)
        try:
            reply = await self._upstreams.send(self._call(task, road, purse, path))
        except RunLimitReached as error:
            raise _too_small(error) from None
        finally:
            await purse.close()
        self._observe(reply.model.id, reply.seconds, reply.usage)
        return reply

    @asynccontextmanager
    async def open_relay(
        self, task: Task, caller: Caller, road: Road, path: str = "/chat/completions"
    ) -> AsyncIterator[ReplyStream]:
        """One model's stream, metered; leaving the context cancels and settles."""
        assert road.model is not None
        purse = self._purse(task, caller, road.run_id)
        try:
            async with self._upstreams.open(self._call(task, road, purse, path, True)) as stream:
                yield stream
        except RunLimitReached as error:
            raise _too_small(error) from None
        finally:
            await purse.close()

    async def run(self, task: Task, caller: Caller, road: Road, watch: Watch = lambda _: None) -> Run:
        """Waves until it is good enough, not worth more, or the budget ends. Raises only without any candidate."""
        purse = self._purse(task, caller, road.run_id)
        campaign = self._campaign(task, road, purse, watch)
        try:
            stop = await run_waves(campaign, self._executor, self._verifier, self._upstreams)
        except RunLimitReached as error:
            raise _too_small(error) from None
        finally:
            await purse.close()
        if not campaign.candidates:
            raise most_telling(campaign.errors) if campaign.errors else _nothing(stop)
        run = self._finished(campaign, stop, road.run_id)
        await self._record(run, caller, road)
        return run

    async def explain(self, task: Task, caller: Caller) -> Mapping[str, Any]:
        """The plan and the predicted frontier; nothing is called."""
        road = self.choose(task, caller)
        campaign = self._campaign(task, road, self._purse(task, caller, road.run_id), lambda _: None)
        situation = campaign.situation(self._verifier)
        decision = plan_wave(situation)
        points = frontier(situation, list(EFFORTS.values()))
        plan = wave_of(decision, 0) if isinstance(decision, Wave) else {"reason": decision.why, "actions": []}
        named = [{"effort": effort, **point} for effort, point in zip(EFFORTS, points, strict=True)]
        return {"road": road.kind, "plan": plan, "frontier": named}

    def _permitted(self, name: str, caller: Caller) -> Model:
        model = self._upstreams.find(name)
        if not allowed_models([model], caller):
            raise UnknownModel(name)
        return model

    def _needs_waves(self, task: Task, subject: Subject, models: Sequence[Model]) -> bool:
        return bool(subject.requirements) or task.named_action is not None

    def _first_choice(self, task: Task, facts: Facts, models: Sequence[Model]) -> PlannedAction:
        """The one action worth most for its money and time."""
        belief = self._believe(task, facts, models)
        tradeoff = self._tradeoff(task)
        best = max(
            (e for e in belief.estimates if e.action == Action(e.action.model)),
            key=lambda e: e.success - tradeoff.usd * e.usd - tradeoff.seconds * e.seconds,
        )
        return PlannedAction(best.action, best)

    def _believe(self, task: Task, facts: Facts, models: Sequence[Model]) -> Belief:
        return self._estimator.believe(facts, offers_for(models, task), self._speeds)

    def _tradeoff(self, task: Task) -> Tradeoff:
        return EFFORTS[task.budget.effort]

    def _campaign(self, task: Task, road: Road, purse: RunPurse, watch: Watch) -> Campaign:
        portfolio = offers_for(road.models, task)
        belief = self._estimator.believe(road.facts, portfolio, self._speeds)
        seconds = task.budget.seconds
        deadline = None if seconds is None else self._options.clock() + seconds

        job = Job(task, road.subject, purse, deadline, is_acceptable, watch, task.client_headers)
        return Campaign(
            job,
            portfolio,
            belief,
            self._estimator,
            self._tradeoff(task),
            self._options.max_parallel,
            self._options.clock,
        )

    def _purse(self, task: Task, caller: Caller, run_id: str) -> RunPurse:
        limits = [usd for usd in (task.budget.usd, caller.max_usd) if usd is not None]
        nanodollars = to_nanodollars(min(limits)) if limits else None
        account = Account(caller.team, caller.key_id)
        return RunPurse(self._ledger, run_id, account, RunLimits(nanodollars, task.budget.calls), self._options.clock)

    def _call(self, task: Task, road: Road, purse: RunPurse, path: str, stream: bool = False) -> Call:
        assert road.model is not None
        seconds = task.budget.seconds
        return Call(
            model=road.model,
            path=path,
            body=task.payload.encode(),
            purse=purse,
            expected=self._expected(task, road),
            stream=stream,
            deadline=None if seconds is None else self._options.clock() + seconds,
            headers=task.client_headers,
        )

    def _expected(self, task: Task, road: Road) -> Usage:
        """What to hold for one relayed call: its input, and its output's limit or predicted 0.9 quantile."""
        estimate = road.estimate
        if estimate is None:
            estimate = self._believe(task, road.facts, road.models).estimates[0]
        return Usage(road.facts.input_tokens, round(estimate.output_tokens_high) * choice_count(task))

    def _observe(self, model: str, seconds: float, usage: Usage) -> None:
        if usage.output_tokens:
            self._speeds[model] = self._speeds.get(model, Speed()).after(seconds, usage.output_tokens)

    def _finished(self, campaign: Campaign, stop: Stop, run_id: str) -> Run:
        purse = campaign.job.purse
        chosen = best_of(campaign.candidates)
        for candidate in campaign.candidates:
            self._observe(candidate.action.model, candidate.ended_seconds - candidate.started_seconds, candidate.usage)
        reason = stop.reason
        if chosen.has_tool_calls or chosen.score is None:
            reason = FinishReason.UNVALIDATED if reason != FinishReason.DEADLINE else reason
        return Run(
            id=run_id,
            finish_reason=reason,
            chosen=chosen,
            score=chosen.score,
            candidates=tuple(campaign.candidates),
            waves=tuple(campaign.waves),
            attempts=purse.attempts,
            usage=purse.usage,
            spent=purse.spent,
            seconds=purse.elapsed(),
            predicted=campaign.predicted,
        )

    async def _record(self, run: Run, caller: Caller, road: Road) -> None:
        account = Account(caller.team, caller.key_id)
        await self._ledger.record_run(run.id, account, trace_of(run, self._options.store_texts))
        await self._ledger.record_outcomes(outcomes_of(run, road.subject.kinds))


@dataclass(frozen=True)
class DispatcherOptions:
    """What the operator chose, and the clock (event-loop time)."""

    clock: Callable[[], float]
    validators: Mapping[str, Validator]
    max_parallel: int = 8
    store_texts: bool = False


def is_acceptable(candidate: Candidate) -> bool:
    """Satisfies everything, or calls a tool: that answer goes to the client as it is."""
    if candidate.has_tool_calls:
        return True
    return bool(candidate.verdicts) and all(verdict.passed for verdict in candidate.verdicts)


def best_of(candidates: Sequence[Candidate]) -> Candidate:
    """The highest score, then the fewest failed, then the cheapest; an unvalidated answer ranks like half a score."""
    return max(
        candidates,
        key=lambda c: (
            0.5 if c.score is None else c.score,
            -sum(not verdict.passed for verdict in c.verdicts),
            sum(verdict.score or 0.0 for verdict in c.verdicts),
            -c.nanodollars,
        ),
    )


def _too_small(error: RunLimitReached) -> BadRequest:
    return BadRequest(f"The budget of this request is too small: {error.message}.", "budget", "budget_too_small")


def _nothing(stop: Stop) -> BadRequest:
    return BadRequest(f"No answer fits the budget of this request: {stop.why}.", "budget", "budget_too_small")
