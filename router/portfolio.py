"""Which actions are on offer for a task: every eligible model, with every technique that makes sense for it."""

from collections.abc import Iterable, Sequence

from action_model.actions import Action, Offer, Portfolio
from action_model.facts import Facts
from router.task import Caller, Task
from router.upstreams.upstream import Model

LIVELY_TEMPERATURE = 0.9
"""For repeats where the client's own temperature would give the same answer again."""


def allowed_models(models: Iterable[Model], caller: Caller) -> tuple[Model, ...]:
    """Those this key may use, by id, bare name, or `upstream/*`."""
    if not caller.models:
        return tuple(models)
    names = set(caller.models)
    return tuple(m for m in models if m.id in names or m.name in names or f"{m.upstream}/*" in names)


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


def offers_for(models: Sequence[Model], task: Task) -> Portfolio:
    """Sample and fix with every model; a livelier sample where the client's temperature is near 0."""
    temperature = task.payload.read("temperature")
    is_cold = isinstance(temperature, int | float) and temperature < 0.3
    offers: list[Offer] = []
    for model in models:
        actions = [Action(model.id)]
        if task.requirements:
            actions.append(Action(model.id, "fix"))
        if is_cold:
            actions.append(Action(model.id, temperature=LIVELY_TEMPERATURE))
        offers += [
            Offer(a, model.price, model.context_tokens, model.supports, model.family or model.name) for a in actions
        ]
    return Portfolio(tuple(offers))


def _fits(model: Model, facts: Facts) -> bool:
    if model.context_tokens is None:
        return True
    return facts.input_tokens + min(facts.max_output_tokens or 0, model.context_tokens // 2) <= model.context_tokens
