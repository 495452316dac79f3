"""What is offered of a model beside its plain sample: prompt variants, fewer tools, temperatures. Pure.

What a checkpoint has learnt is offered wherever it fits the request; what only the settings name, where requirements
tell whether it helped.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
from msgspec.structs import replace

from action_model.actions import Action
from action_model.facts import Facts
from router.task import Task
from router.techniques.prompts import PROMPT_VARIANTS
from router.upstreams.upstream import Model

_TEMPERATURE = re.compile(r"t(\d+(?:\.\d+)?)")
_TOOLS = re.compile(r"tools(\d+)")


@dataclass(frozen=True, slots=True)
class PromptVariant:
    """A prompt of the operator's own, for these models (ids or bare names; none: all)."""

    text: str
    models: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Variants:
    """What the settings offer beside the plain sample: prompts by name, and numbers of tools."""

    prompts: Mapping[str, PromptVariant] = field(default_factory=dict)
    tool_limits: tuple[int, ...] = ()


NO_VARIANTS = Variants()


def with_word(action: Action, word: str, prompts: Mapping[str, object] | Sequence[str]) -> Action | None:
    """The action changed by one word of a name: a prompt variant, tN or toolsN; None for any other word."""
    if word in prompts:
        return replace(action, prompt=word)
    if found := _TEMPERATURE.fullmatch(word):
        return replace(action, temperature=float(found[1]))
    if found := _TOOLS.fullmatch(word):
        return replace(action, tool_limit=int(found[1]))
    return None


def is_own_word(word: str) -> bool:
    """May a prompt variant have this name? Small letters and _, and no word that says something else in an action's
    name."""
    taken = (*PROMPT_VARIANTS, "sample", "fix", "fuse", "decompose", "research", "confirm")
    return re.fullmatch(r"[a-z_]+", word) is not None and word not in taken


def sample_of(model: str, variant: str, prompts: Mapping[str, object]) -> Action | None:
    """The sample that `Action.variant` names; None for a repair, another technique, or a prompt nobody knows."""
    action: Action | None = Action(model)
    for word in variant.split(":"):
        action = None if action is None else with_word(action, word, prompts)
    return action


class Shelf(msgspec.Struct, frozen=True):
    """Every variant there is: the settings' own, those learnt of a family, and the texts of all prompts.

    `held` names the one that a conversation must stay with ("": the plain sample).
    """

    variants: Variants = NO_VARIANTS
    learnt: Callable[[str], Sequence[str]] = lambda _family: ()
    prompts: Mapping[str, str] = msgspec.field(default_factory=lambda: PROMPT_VARIANTS)
    held: str | None = None

    def first(self, model: Model) -> Action:
        """What a model is asked in the first place: the plain sample, or the variant that the conversation holds."""
        held = sample_of(model.id, self.held, self.prompts) if self.held else None
        return held or Action(model.id)

    def learnt_actions(self, model: Model, task: Task, facts: Facts) -> list[Action]:
        """The samples that the checkpoint knows of this model, as far as they fit the request."""
        if self.held is not None:
            return []
        found = (sample_of(model.id, variant, self.prompts) for variant in self.learnt(model.family or model.name))
        return [action for action in found if action is not None and fits(action, task, facts)]

    def actions(self, model: Model, task: Task, facts: Facts) -> list[Action]:
        """These, and those that only the settings name where something must hold; each once."""
        named = list(self._named(model)) if task.requirements and self.held is None else []
        fitting = [action for action in named if fits(action, task, facts)]
        return list(dict.fromkeys([*self.learnt_actions(model, task, facts), *fitting]))

    def _named(self, model: Model) -> Iterator[Action]:
        for name, prompt in self.variants.prompts.items():
            if not prompt.models or model.id in prompt.models or model.name in prompt.models:
                yield Action(model.id, prompt=name)
        for limit in self.variants.tool_limits:
            yield Action(model.id, tool_limit=limit)


def fits(action: Action, task: Task, facts: Facts) -> bool:
    """Would it change the request, and nothing that the client decided? A temperature of its own stays; of few tools,
    or of tools that must all be there, none are left out."""
    if "messages" not in task.payload.fields:
        return False
    if action.temperature is not None and "temperature" in task.payload.fields:
        return False
    if action.tool_limit is None:
        return True
    return max(facts.kept_tools, 1) <= action.tool_limit < len(facts.tool_tokens)


def tokens_of(action: Action, facts: Facts, prompts: Mapping[str, str], count: Callable[[str], int]) -> int:
    """How many more input tokens the action takes than a plain sample; less than 0 where tools are left out, which are
    taken to be the smallest: what is held must be enough."""
    more = count(prompts.get(action.prompt, ""))
    if action.tool_limit is None or action.tool_limit >= len(facts.tool_tokens):
        return more
    return more - sum(sorted(facts.tool_tokens)[: len(facts.tool_tokens) - action.tool_limit])
