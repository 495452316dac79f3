"""What is on offer, remembered: requests of one shape are offered the same actions of the same models."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from cachetools import LRUCache

from action_model.actions import Action, Portfolio
from action_model.facts import Facts
from router.portfolio import LONG_TASK_TOKENS, is_cold, offers_for
from router.task import Task
from router.upstreams.upstream import Model
from router.variants import Shelf

REMEMBERED = 32
"""Shapes, each with its portfolio: most servers see a few."""


class Offered(NamedTuple):
    """A portfolio, and which of its actions may be an answer by themselves, unchecked."""

    portfolio: Portfolio
    single: frozenset[Action]


class Shape(NamedTuple):
    """All of a request that which actions are on offer hangs on, besides the models and what is on the shelf."""

    requirements: int
    is_cold: bool
    effort: str
    has_sources: bool
    has_tools: bool
    is_long: bool
    has_messages: bool
    has_temperature: bool
    tools: tuple[int, int]


class _Entry(NamedTuple):
    """What was offered, and what it was offered of: as long as they are held, none other has their `id`."""

    offered: Offered
    models: tuple[Model, ...]
    prompts: Mapping[str, str]


class Offering:
    """Builds portfolios, and keeps those of the shapes seen last.

    A shelf is known by its prompts: another checkpoint's, or other settings', are another object.
    """

    def __init__(self) -> None:
        self._kept: LRUCache[tuple[object, ...], _Entry] = LRUCache(REMEMBERED)

    def of(self, models: Sequence[Model], task: Task, facts: Facts, shelf: Shelf) -> Offered:
        """The actions on offer for a task. One that holds a variant is bound to a model made for it: not kept."""
        if shelf.held is not None:
            return offered(models, task, facts, shelf)
        key = (*map(id, models), id(shelf.prompts), shape_of(task, facts))
        entry = self._kept.get(key)
        if entry is None:
            entry = self._kept[key] = _Entry(offered(models, task, facts, shelf), tuple(models), shelf.prompts)
        return entry.offered


def offered(models: Sequence[Model], task: Task, facts: Facts, shelf: Shelf) -> Offered:
    """The actions on offer, built anew."""
    single = (a for model in models for a in (shelf.first(model), *shelf.learnt_actions(model, task, facts)))
    return Offered(offers_for(models, task, facts, shelf), frozenset(single))


def shape_of(task: Task, facts: Facts) -> Shape:
    """The shape of a request."""
    fields = task.payload.fields
    return Shape(
        min(len(task.requirements), 2),
        is_cold(task),
        task.budget.effort,
        bool(facts.source_count),
        "tools" in facts.needs,
        facts.input_tokens >= LONG_TASK_TOKENS,
        "messages" in fields,
        "temperature" in fields,
        (facts.kept_tools, len(facts.tool_tokens)),
    )
