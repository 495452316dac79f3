"""The loop of one run: plan a wave, carry it out, update the belief, until the planner stops."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from action_model.actions import Portfolio
from action_model.belief import Belief, Repair
from action_model.estimator import Estimator
from router.errors import BudgetExceeded, BudgetReserved, MaestroError, RunLimitReached
from router.events import WaveStarted
from router.executor import Executor, Harvest, Job, expected_usage
from router.planner import Situation, Stop, Tradeoff, plan_wave
from router.task import Candidate, FinishReason, PlannedAction, Wave
from router.upstreams.upstream import Upstreams
from router.verify import Verifier

MOST_WAVES = 16


@dataclass
class Campaign:
    """The state of one run between its waves. `belief` speaks of the actions of `portfolio`."""

    job: Job
    portfolio: Portfolio
    belief: Belief
    estimator: Estimator
    tradeoff: Tradeoff
    max_parallel: int
    now: Callable[[], float]
    candidates: list[Candidate] = field(default_factory=list)
    waves: list[Wave] = field(default_factory=list)
    errors: list[MaestroError] = field(default_factory=list)
    predicted: Mapping[str, float] = field(default_factory=dict)

    @property
    def is_late(self) -> bool:
        """Has the deadline passed?"""
        return self.job.deadline is not None and self.now() >= self.job.deadline

    def situation(self, verifier: Verifier) -> Situation:
        """What the planner looks at now."""
        job = self.job
        left = None if job.deadline is None else max(job.deadline - self.now(), 0.0)
        requirements = job.subject.requirements
        return Situation(
            belief=self.belief,
            portfolio=self.portfolio,
            tradeoff=self.tradeoff,
            candidates=tuple(self.candidates),
            requirements=requirements,
            kinds=job.subject.kinds,
            nanodollars_left=job.purse.nanodollars_left,
            seconds_left=left,
            calls_left=job.purse.calls_left,
            quality_threshold=job.task.quality_threshold,
            fix_chance=self._fix_chance,
            wave=len(self.waves),
            max_parallel=self.max_parallel,
            verification=verifier.verification(job.subject),
            evidence={c.id: verifier.evidence(c.verdicts, requirements) for c in self.candidates if c.verdicts},
        )

    def _fix_chance(self, index: int, repair: Repair) -> float:
        return self.estimator.fix_success(self.belief, index, repair)

    def learn(self, harvest: Harvest, verifier: Verifier) -> None:
        """Takes in what a wave brought: candidates, and what their verdicts say of all actions."""
        known = {candidate.id: i for i, candidate in enumerate(self.candidates)}
        actions = {action: i for i, action in enumerate(self.portfolio.actions)}
        for candidate in harvest.candidates.values():
            if candidate.id in known:
                self.candidates[known[candidate.id]] = candidate
                continue
            self.candidates.append(candidate)
            if candidate.verdicts and candidate.action in actions:
                evidence = verifier.evidence(candidate.verdicts, self.job.subject.requirements)
                self.belief = self.belief.after(actions[candidate.action], evidence)
        self.errors += harvest.errors


async def run_waves(campaign: Campaign, executor: Executor, verifier: Verifier, upstreams: Upstreams) -> Stop:
    """Waves until the planner stops, money or time ends, or nothing answers any more."""
    failures = 0
    while len(campaign.waves) < MOST_WAVES:
        decision = plan_wave(campaign.situation(verifier))
        if isinstance(decision, Stop):
            return decision
        held = await _hold(decision, campaign, upstreams)
        if isinstance(held, Stop):
            return held
        number = len(campaign.waves)
        if not number:
            campaign.predicted = predicted(held, campaign.belief, campaign.portfolio)
        campaign.waves.append(held)
        campaign.job.watch(WaveStarted(number, tuple(planned.action.name for planned in held.actions)))
        harvest = await executor.carry_out(held, number, campaign.job, campaign.candidates)
        campaign.learn(harvest, verifier)
        if not harvest.candidates and not campaign.is_late:
            _without(campaign, held)
            failures += 1
        end = _end(campaign, failures)
        if end is not None:
            return end
    return Stop(FinishReason.NO_IMPROVEMENT_EXPECTED, f"after {MOST_WAVES} waves")


def _end(campaign: Campaign, failures: int) -> Stop | None:
    """What ends a run whatever the planner would do next."""
    if any(campaign.job.accepts(candidate) for candidate in campaign.candidates):
        return Stop(FinishReason.ALL_SATISFIED, "an answer satisfies everything")
    if campaign.is_late:
        return Stop(FinishReason.DEADLINE, "the time is up")
    if failures >= 3 or not campaign.portfolio.offers:
        return Stop(FinishReason.UPSTREAM_UNAVAILABLE, "no upstream answers")
    return None


async def _hold(wave: Wave, campaign: Campaign, upstreams: Upstreams) -> Wave | Stop:
    """Holds money for the wave; if it does not pay for all, for the cheapest action. Raises without candidates."""
    for tried in (wave, replace(wave, actions=_cheapest(wave.actions))):
        try:
            await campaign.job.purse.hold([(upstreams.find(p.action.model), expected_usage(p)) for p in _calls(tried)])
        except (BudgetExceeded, BudgetReserved, RunLimitReached) as error:
            refusal: MaestroError = error
        else:
            return tried
    if campaign.candidates:
        return Stop(FinishReason.BUDGET_EXHAUSTED, refusal.message)
    raise refusal


def _calls(wave: Wave) -> list[PlannedAction]:
    return [planned for planned in wave.actions if planned.action.technique != "confirm"]


def _cheapest(actions: tuple[PlannedAction, ...]) -> tuple[PlannedAction, ...]:
    return (min(actions, key=lambda planned: planned.estimate.usd_high),)


def _without(campaign: Campaign, wave: Wave) -> None:
    """Takes the models that did not answer out of the portfolio."""
    silent = {planned.action.model for planned in wave.actions}
    kept = [i for i, action in enumerate(campaign.portfolio.actions) if action.model not in silent]
    campaign.portfolio = Portfolio(tuple(campaign.portfolio.offers[i] for i in kept))
    belief = campaign.belief
    campaign.belief = replace(
        belief,
        estimates=tuple(belief.estimates[i] for i in kept),
        success=belief.success[:, kept],
        concentration=belief.concentration[kept],
        passes=belief.passes[kept],
        failures=belief.failures[kept],
    )


def predicted(wave: Wave, belief: Belief, portfolio: Portfolio) -> Mapping[str, float]:
    """What the first wave was expected to do."""
    indices = [portfolio.actions.index(planned.action) for planned in wave.actions]
    estimates: list[Any] = [planned.estimate for planned in wave.actions]
    return {
        "success": belief.success_of_set(indices),
        "usd": sum(estimate.usd for estimate in estimates),
        "seconds": max(estimate.seconds for estimate in estimates),
    }
