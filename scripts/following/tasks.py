"""The tasks of the set: templates over sources, and those written by hand; in the order of their hashes."""

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from scripts.following.demands import Demand, demands
from scripts.following.handmade import HANDMADE
from scripts.following.sources import Source, read_sources
from scripts.following.templates import TEMPLATES, Template
from scripts.ifeval.prompts import Half, Mode, half_of

PER_TEMPLATE = 9
FRAME = "{instruction}\n\nText:\n{quote}\n{text}\n{quote}\n\nRequirements:\n{listed}"


@dataclass(frozen=True)
class FollowingPrompt:
    """One task: what is asked, of which text, under which demands."""

    instruction: str
    source: Source
    demands: tuple[Demand, ...]

    @property
    def text(self) -> str:
        """All that a model is told: the demands too, so that a single call is not at a disadvantage."""
        listed = "\n".join(f"- {demand.text}" for demand in self.demands)
        return FRAME.format(instruction=self.instruction, quote='"""', text=self.source.text, listed=listed)

    @property
    def key(self) -> str:
        """By its whole text: it also orders and splits the tasks."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:16]

    @property
    def kinds(self) -> tuple[str, ...]:
        """Content, format, tone or grounding: of each demand."""
        return tuple(demand.kind for demand in self.demands)

    def requirements(self, mode: Mode, is_told: bool) -> list[dict[str, Any]]:
        """As a client would send them: words only. By code where they can be compiled, or all left to the judge."""
        judged = {"check": {"type": "judge"}} if mode == "judge" else {}
        return [
            {"name": f"{i}_{one.kind}", "description": one.text, "check_only": not is_told, **judged}
            for i, one in enumerate(self.demands, 1)
        ]

    def grade(self, answer: str) -> list[bool]:
        """Demand by demand, by the set's own graders."""
        return [demand.is_met(answer, self.source.text) for demand in self.demands]

    def told(self) -> dict[str, Any]:
        """As JSON, to be read by people."""
        listed = [{"kind": d.kind, "text": d.text, "grader": d.grader, "args": dict(d.args)} for d in self.demands]
        return {"key": self.key, "half": half_of(self.key), "source": self.source.name, "prompt": self.text} | {
            "requirements": listed
        }


def read_tasks(half: Half = "all") -> list[FollowingPrompt]:
    """The same tasks in the same order wherever Python's documentation has the same words."""
    sources = read_sources()
    made = [*by_template(sources), *by_hand(sources)]
    return sorted((task for task in made if half in ("all", half_of(task.key))), key=lambda task: task.key)


def by_template(sources: dict[str, Source]) -> list[FollowingPrompt]:
    """Each template on some sources; every source is used about as often."""
    names = sorted(name for name in sources if name != "zen")
    random.Random(7).shuffle(names)
    return [
        _of_template(template, sources[names[(place * PER_TEMPLATE + step) % len(names)]])
        for place, template in enumerate(TEMPLATES)
        for step in range(PER_TEMPLATE)
    ]


def _of_template(template: Template, source: Source) -> FollowingPrompt:
    dice = random.Random(f"{template.name}/{source.name}")
    asked = demands(template.makings, dice, source)
    return FollowingPrompt(template.instruction.format(title=source.title), source, asked)


def by_hand(sources: dict[str, Source]) -> Sequence[FollowingPrompt]:
    """Those written one by one."""
    return [FollowingPrompt(one.instruction, sources[one.source], one.demands) for one in HANDMADE]
