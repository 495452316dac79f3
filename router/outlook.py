"""What is expected of each action now: the estimator's belief, corrected by what upstreams do and by prompt caches."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from action_model.actions import Action, Portfolio
from action_model.belief import Belief, Estimate
from action_model.estimator import Estimator
from action_model.facts import Facts
from action_model.prices import Usage
from action_model.prior import PriorConfig, output_tokens
from action_model.speed import Speed
from router.efforts import tradeoff_of
from router.pins import Pin, cache_saving_usd, with_saving
from router.portfolio import offers_for, with_true_costs
from router.task import Task
from router.upstreams.upstream import Model


@dataclass
class Outlook:
    """The estimator, and how fast each model was lately."""

    estimator: Estimator
    clock: Callable[[], float]
    speeds: dict[str, Speed] = field(default_factory=dict)

    def believe(self, task: Task, facts: Facts, models: Sequence[Model], pin: Pin | None = None) -> "Prospect":
        """The portfolio of these models for this task, and the belief over it."""
        return self.over(offers_for(models, task, facts), facts, models, pin)

    def over(self, portfolio: Portfolio, facts: Facts, models: Sequence[Model], pin: Pin | None = None) -> "Prospect":
        """The same for a given portfolio."""
        belief = with_true_costs(self.estimator.believe(facts, portfolio, self.speeds), portfolio)
        if pin is not None:
            for model in models:
                belief = with_saving(belief, model, cache_saving_usd(pin, model, self.clock()))
        return Prospect(portfolio, belief)

    def output_tokens_high(self, model: Model, facts: Facts) -> int:
        """The 0.9 quantile of one answer's output, for holds of calls that nothing else is predicted of."""
        return round(output_tokens(facts, PriorConfig(), self.speeds.get(model.id))[1])

    def observe(self, model: str, seconds: float, usage: Usage, first_token_seconds: float | None = None) -> None:
        """How long a call really took."""
        if usage.output_tokens:
            known = self.speeds.get(model, Speed())
            self.speeds[model] = known.after(seconds, usage.output_tokens, first_token_seconds)


@dataclass(frozen=True)
class Prospect:
    """A portfolio and the belief over it, in the same order."""

    portfolio: Portfolio
    belief: Belief

    def plain(self) -> list[Estimate]:
        """The estimate of one ordinary answer of each model."""
        return [estimate for estimate in self.belief.estimates if estimate.action == Action(estimate.action.model)]

    def first_choice(self, task: Task) -> Estimate:
        """The one ordinary answer worth most for its money and time; within the deadline if any is."""
        tradeoff, seconds = tradeoff_of(task), task.budget.seconds
        in_time = [e for e in self.plain() if seconds is None or e.seconds_high <= seconds]
        return max(
            in_time or self.plain(),
            key=lambda e: e.success - tradeoff.usd * e.usd - tradeoff.seconds * e.seconds,
        )
