"""The steps of a request, in order, and nothing else."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from action_model.belief import Estimate
from action_model.estimator import Estimator
from action_model.prices import Usage, to_nanodollars
from action_model.speed import Speed
from router.answering import CHAT, Answerer, usage_of
from router.campaign import Campaign, run_waves
from router.efforts import tradeoff_of
from router.ended import Ended, Observer
from router.ending import failed_run, finished_run, nothing_found, relayed_run, too_small
from router.equipping import equip
from router.errors import RunLimitReached
from router.events import Watch
from router.executor import Executor
from router.facts import choice_count
from router.fairness import FairGates
from router.grounding import grounded_job
from router.job import Job, Timing
from router.ledger.ledger import Account, Till
from router.ledger.purse import RunLimits, RunPurse
from router.named import named_plan, named_portfolio
from router.options import DispatcherOptions
from router.outcomes import outcomes_of, teach
from router.outlook import Outlook, Prospect
from router.pins import Pins
from router.planner import frontier
from router.planning.situation import Tradeoff
from router.portfolio import allowed_models
from router.punctuality import Punctuality
from router.replanning import request_of
from router.roads import Road, Roads
from router.task import Caller, Effort, Run, Task, Wave
from router.techniques.registry import prompted
from router.techniques.sample import changes_of
from router.tools.bench import Bench
from router.tools.search.engine import SearchTerms
from router.trace import trace_of, wave_of
from router.upstreams.upstream import Call, Model, Reply, ReplyStream, Upstreams
from router.verify import Verifier

__all__ = ["Dispatcher", "DispatcherOptions", "Road"]


@dataclass(frozen=True)
class Prediction:
    """Estimates of all actions on offer, and {usd_value, seconds_value, success, usd, seconds} of the plans."""

    estimates: Sequence[Estimate]
    plans: Sequence[Mapping[str, float]]


class Dispatcher:
    """Serves tasks: chooses the road, runs waves or relays, settles, records."""

    def __init__(
        self,
        upstreams: Upstreams,
        ledger: Till,
        estimator: Estimator,
        verifier: Verifier,
        options: DispatcherOptions,
    ) -> None:
        self._upstreams = upstreams
        self._ledger = ledger
        self._verifier = verifier
        self._options = options
        self.observers: list[Observer] = [options.steering.observe]
        self._outlook = Outlook(estimator, options.clock, variants=options.variants)
        self._punctuality = Punctuality()
        self._roads = Roads(upstreams, self._outlook, Pins(options.clock), options.validators)
        self._gates = FairGates(options.most_calls, options.slots)
        techniques = prompted(options.techniques, lambda: self._outlook.prompts)
        self._executor = Executor(Answerer(upstreams, techniques, self._gates), verifier)

    def models_for(self, caller: Caller) -> Sequence[Model]:
        """Models this key may use."""
        return allowed_models(self._upstreams.models.values(), caller)

    @property
    def efforts(self) -> Mapping[Effort, Tradeoff]:
        """What money and time are worth at each effort, as the operator set it."""
        return self._options.efforts

    @property
    def speeds(self) -> Mapping[str, Speed]:
        """How fast each model was lately, as this process saw it."""
        return self._outlook.speeds

    def choose(self, task: Task, caller: Caller) -> Road:
        """The road. Raises BadRequest (a bad check), UnknownModel (none may serve this)."""
        return self._roads.choose(self._options.steering.steered(task), caller)

    async def relay(self, task: Task, caller: Caller, road: Road, path: str = CHAT) -> Reply:
        """One model's whole answer, metered."""
        purse = self._purse(task, caller, road.run_id)
        call = self._call(task, road, purse, path)
        try:
            async with self._gates.slot(call.model.upstream, caller.team):
                reply = await self._upstreams.send(call)
        except RunLimitReached as error:
            raise too_small(error) from None
        finally:
            await purse.close()
        await self._relayed(task, caller, road, purse, reply)
        return reply

    @asynccontextmanager
    async def open_relay(self, task: Task, caller: Caller, road: Road, path: str = CHAT) -> AsyncIterator[ReplyStream]:
        """One model's stream, metered; leaving the context cancels and settles."""
        purse = self._purse(task, caller, road.run_id)
        call = self._call(task, road, purse, path, True)
        began, stream = self._options.clock(), None
        try:
            async with self._gates.slot(call.model.upstream, caller.team), self._upstreams.open(call) as stream:
                yield stream
        except RunLimitReached as error:
            raise too_small(error) from None
        finally:
            await purse.close()
        seconds = self._options.clock() - began
        await self._relayed(task, caller, road, purse, Reply(200, {}, b"", stream.model, stream.usage, seconds))

    async def run(self, task: Task, caller: Caller, road: Road, watch: Watch = lambda _: None) -> Run:
        """Waves until it is good enough, not worth more, or the budget ends. Raises only without any candidate."""
        purse, bench = self._purse(task, caller, road.run_id), None
        if task.tools:
            task, road, bench = await self._equip(task, caller, road, purse)
        campaign = self._campaign(task, caller, road, purse, watch)
        if bench is not None:
            campaign.job = grounded_job(replace(campaign.job, bench=bench), self._verifier)
        try:
            stop = await run_waves(campaign, self._executor)
        except RunLimitReached as error:
            raise too_small(error) from None
        finally:
            await purse.close()
        self._look_back(campaign)
        if not campaign.candidates and not campaign.partials:
            await self._record(failed_run(campaign, stop, road.run_id), task, caller, road)
            raise nothing_found(campaign, stop)
        run = finished_run(campaign, stop, road.run_id)
        if bench is not None:
            run = replace(run, sources=tuple(bench.passages), tool_calls=tuple(bench.calls))
        self._outlook.observe_all(campaign.timings, campaign.belief)
        if run.chosen is not None:
            self._roads.keep(caller, road, run.chosen.action)
        await self._record(run, task, caller, road)
        return run

    async def _equip(self, task: Task, caller: Caller, road: Road, purse: RunPurse) -> tuple[Task, Road, Bench]:
        """What Maestro's own tools find before any model is asked. Raises what they raise, and gives back the money."""
        seconds = task.budget.seconds
        terms = SearchTerms(purse, None if seconds is None else self._options.clock() + seconds)
        try:
            return await equip(task, road, self._options.tools, caller.team, terms)
        except RunLimitReached as error:
            await purse.close()
            raise too_small(error) from None
        except BaseException:
            await purse.close()
            raise

    async def explain(self, task: Task, caller: Caller) -> Mapping[str, Any]:
        """The plan and the predicted frontier; nothing is called."""
        road = self.choose(task, caller)
        campaign = self._campaign(task, caller, road, self._purse(task, caller, road.run_id), lambda _: None)
        decision = campaign.decide()
        points = frontier(campaign.situation(), list(self.efforts.values()))
        plan = wave_of(decision, 0) if isinstance(decision, Wave) else {"reason": decision.why, "actions": []}
        named = [{"effort": effort, **point} for effort, point in zip(self.efforts, points, strict=True)]
        return {"road": road.kind, "plan": plan, "frontier": named}

    def predict(self, task: Task, caller: Caller, tradeoffs: Sequence[Tradeoff]) -> Prediction:
        """What every action is expected to do for a task, and the best plan at each tradeoff; nothing is called."""
        road = self.choose(task, caller)
        campaign = self._campaign(task, caller, road, self._purse(task, caller, road.run_id), lambda _: None)
        return Prediction(campaign.belief.estimates, frontier(campaign.situation(), tradeoffs))

    def _campaign(self, task: Task, caller: Caller, road: Road, purse: RunPurse, watch: Watch) -> Campaign:
        task, named = self._options.steering.steered(task), task.named_action
        if named is None:
            prospect = self._outlook.believe(task, road.facts, road.models, road.pin, road.is_bound)
            plan = None
        else:
            prospect = self._named(task, road)
            plan = named_plan(named, prospect.belief, self._options.techniques)
        job = Job(
            task=task,
            subject=road.subject,
            purse=purse,
            deadline=self._deadline(task),
            watch=watch,
            tradeoff=tradeoff_of(task),
            team=caller.team,
            streamed=self._options.streamed,
            hedges=prospect.plain() if named is None and self._options.hedging else (),
            is_bound=road.is_bound,
            headers=task.client_headers,
            gate=lambda upstream: self._gates.slot(upstream, caller.team),
        )
        return Campaign(
            job=job,
            portfolio=prospect.portfolio,
            belief=prospect.belief,
            estimator=self._outlook.estimator,
            verifier=self._verifier,
            upstreams=self._upstreams,
            max_parallel=self._options.max_parallel,
            now=self._options.clock,
            plan=plan,
            exploration=self._options.exploration,
            repairs=self._outlook.repairs,
        )

    def _deadline(self, task: Task) -> float | None:
        """When calls end, so that the answer is there in time."""
        seconds = task.budget.seconds
        return None if seconds is None else self._options.clock() + seconds - self._punctuality.kept_back(seconds)

    def _look_back(self, campaign: Campaign) -> None:
        """How late was it, if the deadline ended it?"""
        deadline = campaign.job.deadline
        if deadline is not None and campaign.is_late:
            self._punctuality.observe(self._options.clock() - deadline)

    def _named(self, task: Task, road: Road) -> Prospect:
        """The policy's actions on the model that was named, else on the first choice."""
        assert task.named_action is not None
        best = self._outlook.believe(task, road.facts, road.models, road.pin).first_choice(task)
        model, prompts = self._upstreams.find(best.action.model), self._outlook.prompts
        portfolio = named_portfolio(task, task.named_action, model, self._options.techniques, prompts)
        return self._outlook.over(portfolio, road.facts, (model,))

    def _purse(self, task: Task, caller: Caller, run_id: str) -> RunPurse:
        limits = [usd for usd in (task.budget.usd, caller.max_usd) if usd is not None]
        nanodollars = to_nanodollars(min(limits)) if limits else None
        account = Account(caller.team, caller.key_id)
        return RunPurse(self._ledger, run_id, account, RunLimits(nanodollars, task.budget.calls), self._options.clock)

    def _call(self, task: Task, road: Road, purse: RunPurse, path: str, stream: bool = False) -> Call:
        """A relay's call: the client's body, byte for byte but for a language or the chosen action's variant."""
        assert road.model is not None
        seconds = task.budget.seconds
        changes = changes_of(task, road.action_by(road.model.id), self._outlook.prompts) if path == CHAT else {}
        return Call(
            model=road.model,
            path=path,
            body=task.payload.encode(**changes),
            purse=purse,
            expected=self._expected(task, road),
            stream=stream,
            deadline=None if seconds is None else self._options.clock() + seconds,
            headers=task.client_headers,
        )

    def _expected(self, task: Task, road: Road) -> Usage:
        """What to hold for one relayed call: its input, and its output's limit or predicted 0.9 quantile."""
        if road.estimate is not None:
            one = usage_of(road.estimate)
        else:
            one = Usage(road.facts.input_tokens, self._outlook.output_tokens_high(road.models[0], road.facts))
        choices = choice_count(task)
        return one if choices == 1 else replace(one, output_tokens=one.output_tokens * choices)

    async def _relayed(self, task: Task, caller: Caller, road: Road, purse: RunPurse, reply: Reply) -> None:
        """Learns from a relay; one that Maestro chose is kept as a run."""
        self._outlook.observe(Timing(reply.model.id, reply.seconds, reply.usage), road.estimate)
        if not task.is_virtual:
            self._tell(Ended(task, caller, road, None, purse.attempts, purse.spent))
            return
        self._roads.keep(caller, road, road.action_by(reply.model.id))
        await self._record(relayed_run(road, purse, reply), task, caller, road)

    def _tell(self, ended: Ended) -> None:
        for observe in self.observers:
            observe(ended)

    async def _record(self, run: Run, task: Task, caller: Caller, road: Road) -> None:
        self._tell(Ended(task, caller, road, run, run.attempts, run.spent))
        account = Account(caller.team, caller.key_id)
        asked = request_of(road.facts, road.subject.requirements, tradeoff_of(task), self._options.store_texts)
        asked |= {**self._outlook.estimator.reading(road.facts.text), **self._options.steering.told(task)}
        await self._ledger.record_run(run.id, account, trace_of(run, self._options.store_texts) | {"request": asked})
        rows = outcomes_of(run, road.subject.kinds)
        teach(self._outlook.estimator, road.facts.text, rows, run)
        await self._ledger.record_outcomes(rows)
