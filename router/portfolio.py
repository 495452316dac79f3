"""Which actions are on offer for a task: every eligible model, with every technique that makes sense for it."""

from collections.abc import Callable, Iterable, Sequence

from msgspec.structs import replace

from action_model.actions import Action, Offer, Portfolio
from action_model.belief import Belief, Estimate
from action_model.facts import Facts
from router.task import Caller, Task
from router.upstreams.upstream import Model
from router.variants import Shelf

LIVELY_TEMPERATURE = 0.9
"""For repeats where the client's own temperature would give the same answer again."""
COLD_TEMPERATURE = 0.3
LONG_TASK_TOKENS = 3000
"""From this input on, splitting a task may pay."""
MOST_ACTIONS = 64
"""The planner decides among so many in about a millisecond; of more, the last models keep only their plain sample."""

DECOMPOSE_CALLS = 5.0
DECOMPOSE_SECONDS = 2.5
"""What decomposing takes next to one plain call: the parts' answers are short and run at the same time."""


def allowed_models(models: Iterable[Model], caller: Caller) -> tuple[Model, ...]:
    """Those this key may use, by id, bare name, or `upstream/*`."""
    allowed = tuple(models)
    for listed in (caller.models, caller.team_models):
        if listed:
            names = set(listed)
            allowed = tuple(m for m in allowed if m.id in names or m.name in names or f"{m.upstream}/*" in names)
    return allowed


def eligible_models(models: Iterable[Model], task: Task, caller: Caller, facts: Facts) -> tuple[Model, ...]:
    """Those that may serve this task: allowed, wanted, able, and long enough."""
    wanted = set(task.models)
    chosen = [
        model
        for model in allowed_models(models, caller)
        if (model.id in wanted or model.name in wanted if wanted else model.routable)
        and facts.needs <= model.supports | {"audio"}
        and _fits(model, facts)
    ]
    return tuple(chosen)


def offers_for(models: Sequence[Model], task: Task, facts: Facts, shelf: Shelf = Shelf()) -> Portfolio:
    """Every model with every action that makes sense for the task, models in their order, at most `MOST_ACTIONS`."""
    per_model = [list(dict.fromkeys(_actions(model, task, facts, shelf))) for model in models]
    count = sum(map(len, per_model))
    offers: list[Offer] = []
    for model, actions in zip(reversed(models), reversed(per_model), strict=True):
        kept = actions
        if count > MOST_ACTIONS and len(actions) > 1:
            kept, count = actions[:1], count - len(actions) + 1
        offers[:0] = [offer_of(model, action) for action in kept]
    return Portfolio(tuple(offers))


def offer_of(model: Model, action: Action) -> Offer:
    """An action of a model, with what is known of the model before any call."""
    family = model.family or model.name
    return Offer(action, model.price, model.context_tokens, model.supports, family, model.parameters_billions)


def _actions(model: Model, task: Task, facts: Facts, shelf: Shelf) -> list[Action]:
    """Plain sample and the variants that are learnt or set; fix and a careful one where something must hold; a livelier
    one where the client asks for a cold one; fuse and decompose where effort is high."""
    actions = [shelf.first(model), *shelf.actions(model, task, facts)]
    if task.requirements:
        actions.append(Action(model.id, "fix"))
    if len(task.requirements) > 1 and shelf.held is None:
        actions.append(Action(model.id, prompt="careful"))
    if is_cold(task):
        actions.append(Action(model.id, temperature=LIVELY_TEMPERATURE))
    if task.budget.effort != "low" and facts.source_count:
        actions += [Action(model.id, "research", rounds=1, breadth=3)]
        actions += [Action(model.id, "research", rounds=2, breadth=3)] if task.budget.effort == "high" else []
    if task.budget.effort == "high" and "tools" not in facts.needs:
        actions.append(Action(model.id, "fuse"))
        if facts.input_tokens >= LONG_TASK_TOKENS:
            actions.append(Action(model.id, "decompose"))
    return actions


def with_more_input(belief: Belief, portfolio: Portfolio, more: Callable[[Action], int]) -> Belief:
    """The belief with the input tokens that each action takes more (or less) than the client's own request."""
    tokens = [more(estimate.action) for estimate in belief.estimates]
    if not any(tokens):
        return belief
    found = zip(belief.estimates, portfolio.offers, tokens, strict=True)
    changed = (_with_input(estimate, offer, count) if count else estimate for estimate, offer, count in found)
    return replace(belief, estimates=tuple(changed))


def _with_input(estimate: Estimate, offer: Offer, more: int) -> Estimate:
    usd, tokens = offer.price.input_usd_per_mtok * more / 1e6, max(estimate.input_tokens + more, 0.0)
    return replace(
        estimate, input_tokens=tokens, usd=max(estimate.usd + usd, 0.0), usd_high=max(estimate.usd_high + usd, 0.0)
    )


def with_true_costs(belief: Belief, portfolio: Portfolio) -> Belief:
    """The belief with what techniques of several calls or longer prompts really take: estimators predict one call."""
    techniques = {offer.action.technique for offer in portfolio.offers}
    if not techniques & {"fuse", "decompose", "fix", "research"}:
        return belief
    found = zip(belief.estimates, portfolio.offers, strict=True)
    return replace(belief, estimates=tuple(_true_cost(estimate, offer) for estimate, offer in found))


def _true_cost(estimate: Estimate, offer: Offer) -> Estimate:
    drafts = {"fix": 1.0, "fuse": 4.0}.get(estimate.action.technique, 0.0)
    if drafts:
        more = drafts * estimate.output_tokens + 150.0
        usd = offer.price.input_usd_per_mtok * more / 1e6
        tokens = estimate.input_tokens + more
        return replace(estimate, input_tokens=tokens, usd=estimate.usd + usd, usd_high=estimate.usd_high + usd)
    if estimate.action.technique == "research":
        return _with_rounds(estimate, estimate.action.rounds)
    if estimate.action.technique == "decompose":
        return replace(
            estimate,
            usd=estimate.usd * DECOMPOSE_CALLS,
            usd_high=estimate.usd_high * DECOMPOSE_CALLS,
            seconds=estimate.seconds * DECOMPOSE_SECONDS,
            seconds_high=estimate.seconds_high * DECOMPOSE_SECONDS,
        )
    return estimate


def _with_rounds(estimate: Estimate, rounds: int) -> Estimate:
    """Each round asks once more for a few short queries, over all that was read."""
    usd, seconds = 1.0 + rounds, 1.0 + 0.5 * rounds
    return replace(
        estimate,
        usd=estimate.usd * usd,
        usd_high=estimate.usd_high * usd,
        seconds=estimate.seconds * seconds,
        seconds_high=estimate.seconds_high * seconds,
    )


def is_cold(task: Task) -> bool:
    """Would the client's temperature give about the same answer again?"""
    temperature = task.payload.read("temperature")
    return isinstance(temperature, int | float) and temperature < COLD_TEMPERATURE


def _fits(model: Model, facts: Facts) -> bool:
    if model.context_tokens is None:
        return True
    return facts.input_tokens + min(facts.max_output_tokens or 0, model.context_tokens // 2) <= model.context_tokens
