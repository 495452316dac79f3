"""Which variants of a plain sample are offered, for whom, and what they cost."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from action_model.actions import Action
from action_model.facts import Facts
from action_model.prices import Price
from router.client_tools import kept_names
from router.facts import facts_of
from router.task import Payload, Requirement, Task
from router.upstreams.tokens import count_tokens
from router.upstreams.upstream import Model
from router.variants import PromptVariant, Shelf, Variants, fits, is_own_word, sample_of, tokens_of

SMALL, BIG = Model("a", "small", "small", Price(1.0, 2.0)), Model("a", "big", "big", Price(1.0, 2.0))
PROMPTS = {"plain": "", "careful": "Mind the requirements.", "tuned": "Use the abacus."}
VARIANTS = Variants({"tuned": PromptVariant(PROMPTS["tuned"], ("small",))}, (2,))
MUST = Requirement("short", "Be short")
NAMES = ("get_weather", "send_mail", "book_flight", "read_file")


def tool(name: str) -> Any:
    return {"type": "function", "function": {"name": name, "description": "what " * len(name)}}


def task(*requirements: Requirement, **fields: Any) -> Task:
    said = {"messages": [{"role": "user", "content": "Say it."}], **fields}
    return Task("maestro", Payload({k: msgspec.Raw(json.dumps(v).encode()) for k, v in said.items()}), requirements)


def offered(model: Model, made: Task, shelf: Shelf) -> set[str]:
    return {action.variant for action in shelf.actions(model, made, facts_of(made, ()))}


def test_what_is_set_is_offered_where_requirements_tell_and_what_is_learnt_everywhere() -> None:
    shelf = Shelf(VARIANTS, lambda family: ["careful", "fix:r1", "nobody:t0.5", "t0.7"], PROMPTS)
    tools = [tool(name) for name in NAMES]
    assert offered(SMALL, task(MUST, tools=tools), shelf) == {"careful", "t0.7", "tuned", "tools2"}
    assert offered(BIG, task(MUST), shelf) == {"careful", "t0.7"}, "tuned is the small one's; there are no tools"
    assert offered(SMALL, task(tools=tools), shelf) == {"careful", "t0.7"}
    assert offered(SMALL, task(MUST, temperature=0.2), shelf) == {"careful", "tuned"}, "the client's own stays"


def test_a_conversation_that_holds_a_variant_is_offered_nothing_else() -> None:
    shelf = Shelf(VARIANTS, lambda family: ["careful"], PROMPTS, held="tuned")
    assert shelf.first(SMALL) == Action("a/small", prompt="tuned")
    assert offered(SMALL, task(MUST), shelf) == set()
    assert Shelf(prompts=PROMPTS, held="gone").first(SMALL) == Action("a/small")


@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        ({"tool_choice": "auto"}, set()),
        ({"tool_choice": {"type": "function", "function": {"name": "send_mail"}}}, {"send_mail"}),
        ({"tool_choice": {"type": "function", "name": "send_mail"}}, {"send_mail"}),
        (
            {
                "tool_choice": {
                    "type": "allowed_tools",
                    "allowed_tools": {"mode": "auto", "tools": [tool("read_file"), tool("book_flight")]},
                }
            },
            {"read_file", "book_flight"},
        ),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"id": "1", **tool("get_weather")}]}]},
            {"get_weather"},
        ),
        ({"messages": [{"role": "user", "content": 'say "tool_calls"'}], "tool_choice": 7}, set()),
    ],
)
def test_forced_and_called_functions_may_not_be_left_out(fields: Any, kept: set[str]) -> None:
    assert kept_names(task(**fields).payload.fields) == kept


def test_a_limit_fits_only_where_tools_can_be_left_out() -> None:
    limit = Action("a/small", tool_limit=2)

    def holds(**fields: Any) -> bool:
        made = task(**fields)
        return fits(limit, made, facts_of(made, ()))

    assert holds(tools=[tool(name) for name in NAMES])
    assert not holds(tools=[tool(name) for name in NAMES[:2]]), "there are no more than that"
    assert not holds(tools=[tool("same")] * 4), "names that are not told apart"
    forced = {"type": "allowed_tools", "allowed_tools": {"tools": [tool(name) for name in NAMES[:3]]}}
    assert not holds(tools=[tool(name) for name in NAMES], tool_choice=forced), "three must stay"


@given(st.lists(st.integers(1, 500), max_size=12), st.integers(1, 14), st.sampled_from(list(PROMPTS)))
def test_what_is_left_out_is_never_overrated(sizes: list[int], limit: int, prompt: str) -> None:
    """Whichever tools stay, they are no larger than what is held for them."""
    facts = Facts("", 1000, tool_tokens=tuple(sizes))
    found = tokens_of(Action("m", prompt=prompt, tool_limit=limit), facts, PROMPTS, count_tokens)
    largest = sum(sorted(sizes, reverse=True)[:limit])
    assert sum(sizes) + found - count_tokens(PROMPTS[prompt]) == (sum(sizes) if limit >= len(sizes) else largest)


@given(
    st.sampled_from(["plain", "careful", "tuned"]),
    st.none() | st.sampled_from([0.0, 0.7, 1.0]),
    st.none() | st.integers(0, 9),
)
def test_a_sample_is_found_again_by_its_variant(prompt: str, temperature: float | None, limit: int | None) -> None:
    action = Action("up/m:7b", prompt=prompt, temperature=temperature, tool_limit=limit)
    assert (sample_of("up/m:7b", action.variant, PROMPTS) if action.variant else action) == action


@pytest.mark.parametrize(
    ("word", "free"),
    [
        ("tuned", True),
        ("for_mail", True),
        ("plain", False),
        ("fix", False),
        ("t1", False),
        ("tools", True),
        ("A", False),
    ],
)
def test_a_prompt_has_a_name_that_says_nothing_else(word: str, free: bool) -> None:
    assert is_own_word(word) is free
