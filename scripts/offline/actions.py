"""The action space to sample: models × prompt variants × temperatures × numbers of tools × repair depths."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from msgspec.structs import replace

from action_model.actions import Action
from router.techniques.prompts import PROMPT_VARIANTS
from router.upstreams.upstream import Model
from router.variants import with_word

MOST_REPAIRS = 8
_REPAIRS = re.compile(r"r(\d+)")


class ActionError(ValueError):
    """A word that names no action."""


@dataclass(frozen=True, slots=True)
class Space:
    """The dimensions. A temperature or a number of tools of None leaves the task's own."""

    prompts: Sequence[str] = ("plain",)
    temperatures: Sequence[float | None] = (None,)
    tool_limits: Sequence[int | None] = (None,)
    repairs: Sequence[int] = (0,)

    def actions(self, models: Sequence[Model]) -> list[Action]:
        """Every combination, models in their order, the plain one of each first."""
        dimensions = product(models, self.repairs, self.prompts, self.temperatures, self.tool_limits)
        found = [
            Action(
                model=model.id,
                technique="fix" if depth else "sample",
                prompt=prompt,
                temperature=temperature,
                tool_limit=tools,
                repairs=depth,
            )
            for model, depth, prompt, temperature, tools in dimensions
        ]
        return list(dict.fromkeys(found))


def parse_action(text: str, prompts: Sequence[str] = tuple(PROMPT_VARIANTS)) -> Action:
    """The reverse of `Action.name`: "a/small:sample:careful:t0.9". A lone model is its plain sample."""
    model, *words = text.split(":")
    if not model:
        raise ActionError(f"'{text}' names no model")
    action = Action(model, words[0]) if words else Action(model)
    if action.technique not in ("sample", "fix"):
        raise ActionError(f"'{text}': only sample and fix can be collected, not '{action.technique}'")
    for word in words[1:]:
        action = _with_word(action, word, text, prompts)
    if action.technique == "fix" and not action.repairs:
        return replace(action, repairs=1)
    return action


def _with_word(action: Action, word: str, text: str, prompts: Sequence[str]) -> Action:
    changed = with_word(action, word, prompts)
    if changed is not None:
        return changed
    if (found := _REPAIRS.fullmatch(word)) and 0 < int(found[1]) <= MOST_REPAIRS:
        return replace(action, repairs=int(found[1]))
    raise ActionError(f"'{text}': '{word}' is no prompt variant ({', '.join(prompts)}), tN, toolsN or rN")


def column_of(action: Action, family: str) -> str:
    """The `model` of an outcome table: the model's family, and what tells this action from its plain sample."""
    return f"{family}:{action.variant}" if action.variant else family
