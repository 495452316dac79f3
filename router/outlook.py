"""What is expected of each action now: the estimator's belief, corrected by what upstreams do and by prompt caches."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from action_model.actions import Action, Portfolio
from action_model.belief import Belief, Estimate
from action_model.estimator import Estimator
from action_model.facts import Facts
from action_model.prior import PriorConfig, output_tokens
from action_model.speed import Speed
from router.efforts import tradeoff_of
from router.job import Timing
from router.offering import Offering
from router.pins import Pin, cache_saving_usd, with_saving
from router.portfolio import with_more_input, with_true_costs
from router.repairs import Repairs
from router.task import Task, Wave
from router.techniques.prompts import PROMPT_VARIANTS
from router.upstreams.tokens import count_tokens
from router.upstreams.upstream import Model
from router.variants import NO_VARIANTS, Shelf, Variants, tokens_of

PRIOR = PriorConfig()


@dataclass
class Outlook:
    """The estimator, how fast each model was lately, and how well it repairs."""

    estimator: Estimator
    clock: Callable[[], float]
    speeds: dict[str, Speed] = field(default_factory=dict)
    repairs: Repairs = field(default_factory=Repairs)
    variants: Variants = NO_VARIANTS
    _prompts: tuple[Mapping[str, str], Mapping[str, str]] | None = None
    _offering: Offering = field(default_factory=Offering)

    def believe(
        self, task: Task, facts: Facts, models: Sequence[Model], pin: Pin | None = None, is_bound: bool = False
    ) -> "Prospect":
        """The portfolio of these models for this task, and the belief over it. A conversation that is bound to the
        model of its pin keeps that model's variant too."""
        held = pin.variant if is_bound and pin is not None else None
        shelf = Shelf(self.variants, self.estimator.variants, self.prompts, held)
        portfolio, single = self._offering.of(models, task, facts, shelf)
        return self.over(portfolio, facts, models, pin, single)

    @property
    def prompts(self) -> Mapping[str, str]:
        """The texts of all prompt variants: built in, of the checkpoint, and of the settings, which are the
        strongest."""
        learnt = self.estimator.prompts
        if self._prompts is None or self._prompts[0] is not learnt:  # another checkpoint may have been swapped in
            own = {name: prompt.text for name, prompt in self.variants.prompts.items()}
            self._prompts = (learnt, {**PROMPT_VARIANTS, **learnt, **own})
        return self._prompts[1]

    def over(
        self,
        portfolio: Portfolio,
        facts: Facts,
        models: Sequence[Model],
        pin: Pin | None = None,
        single: frozenset[Action] = frozenset(),
    ) -> "Prospect":
        """The same for a given portfolio."""
        belief = with_true_costs(self.estimator.believe(facts, portfolio, self.speeds), portfolio)
        prompts = self.prompts
        if any(prompts.get(offer.action.prompt) or offer.action.tool_limit for offer in portfolio.offers):
            belief = with_more_input(belief, portfolio, lambda action: tokens_of(action, facts, prompts, count_tokens))
        if pin is not None:
            for model in models:
                belief = with_saving(belief, model, cache_saving_usd(pin, model, self.clock()))
        return Prospect(portfolio, belief, single)

    def output_tokens_high(self, model: Model, facts: Facts) -> int:
        """The 0.9 quantile of one answer's output, for holds of calls that nothing else is predicted of."""
        return round(output_tokens(facts, PRIOR, self.speeds.get(model.id))[1])

    def observe_all(self, timings: Sequence[Timing], belief: Belief) -> None:
        """How long the calls of a run took, beside what its belief expected of each model's sample."""
        samples = [one for one in belief.estimates if one.action.technique == "sample"]
        expected = {one.action.model: one for one in reversed(samples)}  # a model's plain sample comes first
        for timing in timings:
            self.observe(timing, expected.get(timing.model))

    def observe(self, timing: Timing, expected: Estimate | None = None) -> None:
        """How long a call really took, beside what was `expected` of it."""
        if timing.usage.output_tokens:
            known, tokens = self.speeds.get(timing.model, Speed()), timing.usage.output_tokens
            self.speeds[timing.model] = known.after(timing.seconds, tokens, timing.first_token_seconds, expected)


class Prospect(msgspec.Struct, frozen=True):
    """A portfolio and the belief over it, in the same order. `single` are the actions that may be an answer by
    themselves, unchecked: plain samples, and the variants whose success was learnt."""

    portfolio: Portfolio
    belief: Belief
    single: frozenset[Action] = frozenset()

    def plain(self) -> list[Estimate]:
        """The estimate of one ordinary answer of each model."""
        return [estimate for estimate in self.belief.estimates if estimate.action == Action(estimate.action.model)]

    def first_choice(self, task: Task) -> Estimate:
        """The one answer worth most for its money and time; within the deadline if any is."""
        tradeoff, seconds = tradeoff_of(task), task.budget.seconds
        single = [estimate for estimate in self.belief.estimates if estimate.action in self.single] or self.plain()
        in_time = [e for e in single if seconds is None or e.seconds_high <= seconds]
        return max(
            in_time or single,
            key=lambda e: e.success - tradeoff.usd * e.usd - tradeoff.seconds * e.seconds,
        )


def predicted(wave: Wave, belief: Belief, portfolio: Portfolio) -> Mapping[str, float]:
    """What the first wave was expected to do."""
    indices = [portfolio.actions.index(planned.action) for planned in wave.actions]
    estimates = [planned.estimate for planned in wave.actions]
    return {
        "success": belief.success_of_set(indices),
        "usd": sum(estimate.usd for estimate in estimates),
        "seconds": max(estimate.seconds for estimate in estimates),
    }
