"""The loop of one run: plan a wave, carry it out, update the belief, until the planner stops."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from action_model.actions import Portfolio
from action_model.belief import Belief, Evidence, Repair
from action_model.estimator import Estimator
from router.answering import usage_of
from router.candidates import is_settled
from router.errors import MaestroError
from router.events import WaveStarted
from router.executor import Executor, Next
from router.exploration import NONE, Exploration, explored
from router.holding import hold_wave
from router.job import Harvest, Job, Timing
from router.judging.agreement import agreement, answer_of, resemblance
from router.learning import both, refreshed, revised, without_models
from router.named import PARALLEL, NamedPlan
from router.outlook import predicted
from router.overlap import early_fix
from router.planner import Situation, Stop, Verification, plan_wave
from router.planning.moves import repair_of
from router.planning.opinions import count_opinions
from router.planning.second import confirming_wave
from router.planning.standing import standings
from router.repairs import Repairs
from router.task import Candidate, FinishReason, PlannedAction, Saving, Wave
from router.upstreams.upstream import Upstreams
from router.verify import Verifier

MOST_WAVES = 16
UNTOLD = Evidence(1.0, 1.0)
GOOD = (FinishReason.ALL_SATISFIED, FinishReason.QUALITY_REACHED)


@dataclass
class Campaign:
    """One run between its waves. `belief` speaks of `portfolio`'s actions; a fixed `plan` replaces the planner."""

    job: Job
    portfolio: Portfolio
    belief: Belief
    estimator: Estimator
    verifier: Verifier
    upstreams: Upstreams
    max_parallel: int
    now: Callable[[], float]
    plan: NamedPlan | None = None
    exploration: Exploration = NONE
    candidates: list[Candidate] = field(default_factory=list)
    partials: list[Candidate] = field(default_factory=list)
    waves: list[Wave] = field(default_factory=list)
    savings: list[Saving] = field(default_factory=list)
    errors: list[MaestroError] = field(default_factory=list)
    timings: list[Timing] = field(default_factory=list)
    evidence: dict[str, Evidence] = field(default_factory=dict)
    confirmed: set[str] = field(default_factory=set)
    predicted: Mapping[str, float] = field(default_factory=dict)
    repairs: Repairs = field(default_factory=Repairs)

    @property
    def is_late(self) -> bool:
        """Has the deadline passed?"""
        return self.job.deadline is not None and self.now() >= self.job.deadline

    @property
    def has_answer(self) -> bool:
        """Is there anything to return?"""
        return bool(self.candidates or self.partials)

    @property
    def is_poll(self) -> bool:
        """Is nothing required, so that agreement is the only evidence?"""
        return not self.job.subject.requirements

    def support(self) -> Mapping[str, float]:
        """How well each candidate is supported by the others, where nothing else tells them apart."""
        if self.plan is not None:
            return agreement(self.candidates) if self.plan.named.technique == "majority" else {}
        if not self.is_poll or len(self.candidates) < 2:
            return {}
        if not any(map(answer_of, self.candidates)):
            return resemblance(self.candidates)
        counted = count_opinions(self.situation()).support
        return {candidate.id: share for candidate, share in zip(self.candidates, counted, strict=True)}

    def situation(self) -> Situation:
        """What the planner looks at now."""
        job = self.job
        return Situation(
            belief=self.belief,
            portfolio=self.portfolio,
            tradeoff=job.tradeoff,
            candidates=tuple(self.candidates),
            requirements=job.subject.requirements,
            kinds=job.subject.kinds,
            nanodollars_left=job.purse.nanodollars_left,
            seconds_left=None if job.deadline is None else max(job.deadline - self.now(), 0.0),
            calls_left=job.purse.calls_left,
            quality_threshold=job.task.quality_threshold,
            fix_chance=self._fix_chance,
            wave=len(self.waves),
            max_parallel=self.max_parallel,
            verification=self.verifier.verification(job.subject),
            confirmation=self.verifier.confirmation(job.subject),
            evidence=dict(self.evidence),
            confirmed=frozenset(self.confirmed),
            answers=tuple(map(answer_of, self.candidates)) if self.is_poll else (),
            compares=self.is_poll,
        )

    def _fix_chance(self, index: int, repair: Repair) -> float:
        corrected = self.repairs.factor(self.portfolio.actions[index].model)
        return min(corrected * self.estimator.fix_success(self.belief, index, repair), 1.0)

    def _see_repair(self, fixed: Candidate) -> None:
        """Counts a checked fix beside what was expected of it."""
        parents = [one for one in self.candidates if one.id in fixed.parents and fixed.action.technique == "fix"]
        index = _index(self.portfolio, fixed) if parents else None
        if index is not None:
            repair = repair_of(self.situation(), parents[0])
            self.repairs.learn(fixed, self.estimator.fix_success(self.belief, index, repair))

    def decide(self) -> Wave | Stop:
        """The next wave, or why to stop. Before a stop on a judge's word alone, an independent one where it pays."""
        if self.plan is not None:
            return self.plan.next(self.candidates, len(self.waves))
        if self._stays_unvalidated():
            return Stop(FinishReason.UNVALIDATED, "nothing is known against the answer, and no judge gives verdicts")
        situation = self.situation()
        decision = plan_wave(situation)
        if isinstance(decision, Stop) and not situation.candidates:
            decision = plan_wave(replace(situation, verification=Verification()))  # better unchecked than no answer
        if isinstance(decision, Stop) and decision.reason in GOOD:
            return confirming_wave(situation, standings(situation), 0.0) or decision
        return decision

    def explored(self, wave: Wave) -> Wave:
        """The first wave of a task that is checked may be another one, where the operator wants a share explored."""
        if self.plan is not None or self.waves or self.is_poll or not self.exploration.share:
            return wave
        return explored(wave, self.belief, self.exploration.share, self.exploration.draw())

    def _stays_unvalidated(self) -> bool:
        """Is there an answer that nothing is known against, and would another one be no better known?"""
        if self.verifier.can_validate(self.job.subject):
            return False
        return any(all(v.passed or v.score is None for v in one.verdicts) for one in self.candidates)

    def take(self, candidate: Candidate) -> None:
        """Takes in a checked candidate, new or seen again by an independent judge: what its verdicts say of all."""
        place = next((place for place, known in enumerate(self.candidates) if known.id == candidate.id), None)
        if place is None:
            self._see_repair(candidate)
            self.candidates.append(candidate)
            self._learn(candidate)
        elif self.candidates[place] != candidate:
            self.candidates[place] = candidate
            if candidate.id not in self.evidence:
                self._learn(candidate)

    def _learn(self, candidate: Candidate) -> None:
        if not candidate.verdicts:
            return
        if candidate.has_tool_calls:
            # Valid arguments say nothing of what was asked for; wrong ones are a failure.
            failed = not all(verdict.passed for verdict in candidate.verdicts)
            self.belief = refreshed(self.belief, self.portfolio, [candidate.action] if failed else ())
            return
        found = self.verifier.evidence(candidate.verdicts)
        self.evidence[candidate.id] = found
        index = _index(self.portfolio, candidate)
        if index is not None:
            self.belief = self.belief.after(index, found)

    def second(self, candidate: Candidate, harvest: Harvest) -> None:
        """Takes in an independent judge's word on a candidate: more evidence on the same try, not another try."""
        opinions = harvest.opinions.get(candidate.id)
        if opinions is None or candidate.id in self.confirmed:
            return
        self.confirmed.add(candidate.id)
        found = self.verifier.evidence([verdict for verdict in opinions if verdict.source == "judge"])
        first = self.evidence.get(candidate.id, UNTOLD)
        self.evidence[candidate.id] = both(first, found)
        index = _index(self.portfolio, candidate)
        if index is not None:
            self.belief = revised(self.belief, index, first, found)

    async def follow(self, candidate: Candidate, harvest: Harvest, running: Sequence[PlannedAction]) -> Next:
        """What to do about a checked candidate in the middle of a wave: end it, ask again, repair, or nothing."""
        self.take(candidate)
        self.second(candidate, harvest)
        if self.plan is not None:
            return Next(is_over=self.plan.named.technique not in PARALLEL and is_settled(candidate))
        if self.accepts(candidate):
            return Next(is_over=True)
        if not running:
            return Next()
        planned = self._meanwhile(candidate, running)
        if planned is None or not await self._afford(planned):
            return Next()
        wave = self.waves[-1]
        self.waves[-1] = replace(wave, actions=(*wave.actions, planned))
        return Next((planned,))

    def accepts(self, candidate: Candidate) -> bool:
        """May the rest be cancelled? Tool calls with valid arguments, or all satisfied, surely or surely enough."""
        if candidate.has_tool_calls:
            return all(verdict.passed for verdict in candidate.verdicts)
        if is_settled(candidate):
            return True
        if not candidate.verdicts or not all(verdict.passed for verdict in candidate.verdicts):
            return False
        decision = self.decide()
        return isinstance(decision, Stop) and decision.reason in GOOD

    def _meanwhile(self, candidate: Candidate, running: Sequence[PlannedAction]) -> PlannedAction | None:
        situation = self.situation()
        if candidate.verdicts and all(verdict.passed for verdict in candidate.verdicts):
            wave = confirming_wave(situation, standings(situation), 0.0)
            return wave.actions[0] if wave is not None else None
        return early_fix(situation, candidate, running)

    async def _afford(self, planned: PlannedAction) -> bool:
        """Holds the money of one more action; a second opinion holds its own when it begins."""
        if planned.action.technique == "confirm":
            return True
        try:
            await self.job.purse.hold([(self.upstreams.find(planned.action.model), usage_of(planned.estimate))])
        except MaestroError:
            return False
        return True

    def reap(self, harvest: Harvest) -> None:
        """Takes in all that a wave brought."""
        for candidate in harvest.candidates.values():
            self.take(candidate)
        self.belief = refreshed(self.belief, self.portfolio, harvest.cut)
        self.partials += harvest.partials
        self.savings += harvest.savings
        self.errors += harvest.errors
        self.timings += harvest.timings

    def forget(self, wave: Wave) -> None:
        """Takes the models that did not answer out of the portfolio."""
        silent = {planned.action.model for planned in wave.actions}
        self.portfolio, self.belief = without_models(self.portfolio, self.belief, silent)


async def run_waves(campaign: Campaign, executor: Executor) -> Stop:
    """Waves until the planner stops, money or time ends, or nothing answers any more."""
    failures = 0
    while len(campaign.waves) < MOST_WAVES or campaign.plan is not None:
        decision = campaign.decide()
        if isinstance(decision, Stop):
            return decision
        held = await hold_wave(campaign.explored(decision), campaign.job, campaign.upstreams, campaign.has_answer)
        if isinstance(held, Stop):
            return held
        harvest = await _carry_out(held, campaign, executor)
        if not harvest.candidates and not harvest.cut and not campaign.is_late:
            campaign.forget(held)
            failures += 1
        end = _end(campaign, failures)
        if end is not None:
            return end
    return Stop(FinishReason.NO_IMPROVEMENT_EXPECTED, f"after {MOST_WAVES} waves")


async def _carry_out(wave: Wave, campaign: Campaign, executor: Executor) -> Harvest:
    number = len(campaign.waves)
    if not number:
        campaign.predicted = predicted(wave, campaign.belief, campaign.portfolio)
    campaign.waves.append(wave)
    campaign.job.watch(WaveStarted(number, tuple(planned.action.name for planned in wave.actions)))
    harvest = await executor.carry_out(wave, number, campaign.job, campaign.candidates, campaign.follow)
    campaign.reap(harvest)
    return harvest


def _end(campaign: Campaign, failures: int) -> Stop | None:
    """What ends a run whatever would be done next."""
    done = any(is_settled(candidate) for candidate in campaign.candidates)
    if done and (campaign.plan is None or campaign.plan.named.technique != "fuse"):
        return Stop(FinishReason.ALL_SATISFIED, "an answer satisfies everything")
    if campaign.plan is None and any(c.has_tool_calls and campaign.accepts(c) for c in campaign.candidates):
        return Stop(FinishReason.UNVALIDATED, "the answer calls tools")
    if campaign.is_late:
        return Stop(FinishReason.DEADLINE, "the time is up")
    if failures >= 3 or not campaign.portfolio.offers:
        return Stop(FinishReason.UPSTREAM_UNAVAILABLE, "no upstream answers")
    return None


def _index(portfolio: Portfolio, candidate: Candidate) -> int | None:
    actions = portfolio.actions
    return actions.index(candidate.action) if candidate.action in actions else None
