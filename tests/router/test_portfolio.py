"""What is on offer for whom."""

import json
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from action_model.actions import Action, Offer, Portfolio
from action_model.facts import Facts
from action_model.prices import Price
from action_model.prior import PriorEstimator
from router.portfolio import (
    LIVELY_TEMPERATURE,
    LONG_TASK_TOKENS,
    MOST_ACTIONS,
    allowed_models,
    eligible_models,
    offers_for,
    with_true_costs,
)
from router.task import Budget, Caller, Payload, Requirement, Task
from router.upstreams.upstream import Model

PRICE = Price(1.0, 2.0)
SMALL = Model("a", "small", "small", PRICE, context_tokens=4000, supports=frozenset({"tools"}))
BIG = Model("b", "big", "big", PRICE, context_tokens=128_000)
HIDDEN = Model("b", "hidden", "hidden", PRICE, routable=False)
MODELS = (SMALL, BIG, HIDDEN)


def task(*requirements: Requirement, effort: Any = "low", models: tuple[str, ...] = (), **fields: Any) -> Task:
    raw = {name: msgspec.Raw(json.dumps(value).encode()) for name, value in fields.items()}
    return Task("maestro", Payload(raw), requirements, Budget(effort=effort), models=models)


def test_a_key_may_use_what_it_names_by_id_name_or_upstream() -> None:
    assert allowed_models(MODELS, Caller()) == MODELS
    assert allowed_models(MODELS, Caller(models=("a/small",))) == (SMALL,)
    assert allowed_models(MODELS, Caller(models=("big",))) == (BIG,)
    assert allowed_models(MODELS, Caller(models=("b/*",))) == (BIG, HIDDEN)
    assert allowed_models(MODELS, Caller(models=("other",))) == ()


def test_only_able_long_enough_routable_models_serve_unless_named() -> None:
    assert eligible_models(MODELS, task(), Caller(), Facts("", 100)) == (SMALL, BIG)
    assert eligible_models(MODELS, task(), Caller(), Facts("", 100, needs=frozenset({"images"}))) == (BIG,)
    assert eligible_models(MODELS, task(), Caller(), Facts("", 9000)) == (BIG,)
    assert eligible_models(MODELS, task(models=("hidden",)), Caller(), Facts("", 100)) == (HIDDEN,)
    assert eligible_models(MODELS, task(models=("hidden",)), Caller(models=("a/*",)), Facts("", 100)) == ()


def techniques(made: Task, facts: Facts) -> set[str]:
    return {action.technique for action in offers_for((BIG,), made, facts).actions}


def test_techniques_are_offered_where_they_make_sense() -> None:
    must = Requirement("r", "Be short")
    assert techniques(task(), Facts("", 10)) == {"sample"}
    assert techniques(task(must), Facts("", 10)) == {"sample", "fix"}
    assert techniques(task(must, effort="high"), Facts("", 10)) == {"sample", "fix", "fuse"}
    assert "decompose" in techniques(task(must, effort="high"), Facts("", LONG_TASK_TOKENS))
    assert "decompose" not in techniques(task(effort="high"), Facts("", LONG_TASK_TOKENS, needs=frozenset({"tools"})))


def test_a_cold_request_gets_a_livelier_repeat() -> None:
    assert (
        Action("b/big", temperature=LIVELY_TEMPERATURE) in offers_for((BIG,), task(temperature=0), Facts("", 1)).actions
    )
    assert {a.temperature for a in offers_for((BIG,), task(temperature=1), Facts("", 1)).actions} == {None}


@given(st.integers(1, 150))
def test_the_portfolio_stays_small_and_every_model_keeps_its_plain_sample(count: int) -> None:
    models = [Model("a", f"m{i}", f"m{i}", PRICE) for i in range(count)]
    made = task(Requirement("r", "x"), Requirement("s", "y"), effort="high", temperature=0)
    actions = offers_for(models, made, Facts("", LONG_TASK_TOKENS)).actions
    assert len(actions) <= max(MOST_ACTIONS, count)
    assert {Action(model.id) for model in models} <= set(actions)
    assert [a.model for a in actions] == sorted((a.model for a in actions), key=lambda m: int(m.removeprefix("a/m")))


def test_techniques_of_several_calls_are_never_planned_at_the_price_of_one() -> None:
    actions = [Action("a/m", name) for name in ("sample", "fix", "fuse", "decompose")]
    portfolio = Portfolio(tuple(Offer(action, PRICE) for action in actions))
    belief = with_true_costs(PriorEstimator().believe(Facts("x", 5000), portfolio), portfolio)
    usd = [estimate.usd for estimate in belief.estimates]
    assert usd[0] < usd[1] < usd[2] < usd[3]
    assert belief.estimates[3].seconds > belief.estimates[0].seconds
    assert all(estimate.usd <= estimate.usd_high for estimate in belief.estimates)
