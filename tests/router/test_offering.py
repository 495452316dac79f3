"""What is remembered on offer is what would be offered anew."""

import json
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from action_model.facts import Facts
from action_model.prices import Price
from router.offering import REMEMBERED, Offering, offered
from router.portfolio import LONG_TASK_TOKENS
from router.task import Budget, Effort, Payload, Requirement, Task
from router.techniques.prompts import PROMPT_VARIANTS
from router.upstreams.upstream import Model
from router.variants import PromptVariant, Shelf, Variants

MODELS = tuple(Model("u", name, name, Price(1.0, 2.0), family=name) for name in ("small", "big"))
LEARNT = {"small": ("careful", "t0.5", "tools3"), "big": ()}
SHELVES = tuple(
    Shelf(variants, LEARNT.__getitem__, dict(PROMPT_VARIANTS) | {"own": "Be brief."}, held)
    for variants in (Variants(), Variants({"own": PromptVariant("Be brief.", ("big",))}, (2, 5)))
    for held in (None, "", "careful")
)


@st.composite
def requests(draw: st.DrawFn) -> tuple[Task, Facts]:
    fields: dict[str, Any] = draw(
        st.fixed_dictionaries({}, optional={"messages": st.just([]), "temperature": st.sampled_from([0, 0.2, 1, "x"])})
    )
    count = draw(st.integers(0, 3))
    facts = Facts(
        draw(st.sampled_from(["", "one", "two"])),
        draw(st.sampled_from([1, LONG_TASK_TOKENS - 1, LONG_TASK_TOKENS])),
        needs=draw(st.sampled_from([frozenset[str](), frozenset({"tools"}), frozenset({"images"})])),
        source_count=draw(st.integers(0, 2)),
        tool_tokens=(7,) * draw(st.integers(0, 6)),
        kept_tools=draw(st.integers(0, 4)),
    )
    effort: Effort = draw(st.sampled_from(["low", "medium", "high"]))
    payload = Payload({name: msgspec.Raw(json.dumps(value).encode()) for name, value in fields.items()})
    required = tuple(Requirement(f"r{i}", "") for i in range(count))
    return Task("maestro", payload, required, Budget(effort=effort)), facts


@given(
    asked=st.lists(
        st.tuples(requests(), st.sampled_from(SHELVES), st.sampled_from([MODELS, MODELS[:1], MODELS[::-1]])),
        max_size=REMEMBERED + 8,
    )
)
def test_what_is_remembered_is_what_would_be_offered_anew(
    asked: list[tuple[tuple[Task, Facts], Shelf, tuple[Model, ...]]],
) -> None:
    offering = Offering()
    for (task, facts), shelf, models in asked:
        assert offering.of(models, task, facts, shelf) == offered(models, task, facts, shelf)


def test_a_model_that_was_changed_is_offered_as_it_is_now() -> None:
    offering, task, shelf = Offering(), Task("maestro", Payload({})), SHELVES[0]
    for usd in (1.0, 2.0, 1.0):
        models = (Model("u", "m", "m", Price(usd, usd), family="small"),)
        assert offering.of(models, task, Facts("", 1), shelf).portfolio.offers[0].price.input_usd_per_mtok == usd
    kept = offering.of(MODELS, task, Facts("", 1), shelf).portfolio
    assert offering.of(list(MODELS), task, Facts("another", 2), shelf).portfolio is kept
