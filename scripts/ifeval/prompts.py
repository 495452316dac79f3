"""The IFEval prompts with their graders, split in two halves by a hash of the prompt."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from scripts.check_grader import Instruction, read_instructions

Half = Literal["dev", "kept", "all"]
Mode = Literal["code", "judge"]


class Prompt(Protocol):
    """What is asked of every arm: a text, requirements beside it, and a grader of its own."""

    @property
    def key(self) -> str:
        """A hash of the text."""

    @property
    def text(self) -> str:
        """What the user says."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kind of each requirement."""

    def requirements(self, mode: Mode, is_told: bool) -> list[dict[str, Any]]:
        """As a client would send them."""

    def grade(self, answer: str) -> list[bool]:
        """Requirement by requirement, by a grader that shares nothing with Maestro's checks."""


@dataclass(frozen=True)
class IFEvalPrompt:
    """One prompt and what it instructs. `key` is the hash that also orders and splits the prompts."""

    key: str
    text: str
    instructions: tuple[Instruction, ...]

    @property
    def kinds(self) -> tuple[str, ...]:
        """The families of the instructions."""
        return tuple(one.family.partition(":")[0] for one in self.instructions)

    def requirements(self, mode: Mode, is_told: bool) -> list[dict[str, Any]]:
        """As a client would send them; by code where a check can be compiled, or all left to the judge.

        The prompt says them already: `is_told` repeats them to the generator.
        """
        judged = {"check": {"type": "judge"}} if mode == "judge" else {}
        return [
            {"name": f"{i}_{one.family}", "description": one.text, "check_only": not is_told, **judged}
            for i, one in enumerate(self.instructions, 1)
        ]

    def grade(self, answer: str) -> list[bool]:
        """Strictly, instruction by instruction, by the independent grader; never by our own checks."""
        return [one.follows(answer) for one in self.instructions]


def read_prompts(data: Path, half: Half) -> list[IFEvalPrompt]:
    """In the order of their hashes, so that any first part is a fair sample."""
    grouped: dict[str, list[Instruction]] = {}
    for instruction in read_instructions(data, "ifeval"):
        grouped.setdefault(instruction.prompt, []).append(instruction)
    prompts = [IFEvalPrompt(_key(text), text, tuple(found)) for text, found in grouped.items()]
    return sorted((p for p in prompts if half in ("all", half_of(p.key))), key=lambda prompt: prompt.key)


def half_of(key: str) -> Half:
    """Which half a prompt is in: by the first digit of its hash."""
    return "dev" if int(key[0], 16) % 2 == 0 else "kept"


def common_key(prompts: Sequence[Prompt]) -> str:
    """One word for a set of prompts."""
    return hashlib.sha256("".join(prompt.key for prompt in prompts).encode()).hexdigest()[:12]


def _key(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
