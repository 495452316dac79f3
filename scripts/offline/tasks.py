"""Task files for building: one JSON object a line; a chat request with what is expected of its answer.

Native lines are bodies of `POST /v1/chat/completions` (`messages`, or `prompt` for one user message; `requirements`
as the
proxy reads them) with `id`, `category`, `split` and `reference`. Lines as IFEval's and question-answer lines are
read too.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from proxy.control.task import read_task
from proxy.settings import Settings
from router.checks.check import Validator
from router.errors import BadRequest
from router.facts import facts_of
from router.task import Caller, Task
from router.verify import Subject
from scripts.offline.foreign import native_line
from scripts.offline.references import Reference, read_reference

OWN_FIELDS = ("id", "category", "benchmark", "split", "reference", "match", "prompt")
SPLITS = 10_000
OPERATOR = Caller(is_operator=True)


class TaskFileError(Exception):
    """A line that cannot be read; the message says which, and what is wrong with it."""


@dataclass(frozen=True)
class OfflineTask:
    """A task to build with. `text` is what the action model reads; `digest` tells two bodies apart.

    `split` is "train" or what the line says; a part of the others is held out by a hash of the text, so that equal
    texts
    are on the same side.
    """

    id: str
    task: Task
    subject: Subject
    reference: Reference | None
    text: str
    input_tokens: int
    category: str
    split: str
    digest: str

    @property
    def is_scored(self) -> bool:
        """Does anything say whether an answer is right?"""
        return self.reference is not None or bool(self.task.requirements)


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """The share of tasks to hold out, the limit on output tokens of tasks without one, and the operator's
    validators."""

    settings: Settings
    validators: Mapping[str, Validator]
    held_out: float = 0.2
    max_tokens: int = 1024


def read_tasks(path: Path, options: ReadOptions) -> list[OfflineTask]:
    """All tasks of a file, in their order. Raises TaskFileError naming the line."""
    found: dict[str, OfflineTask] = {}
    for number, line in _lines(path):
        try:
            task = _task(json.loads(line), number, options)
        except (ValueError, BadRequest) as error:
            raise TaskFileError(f"{path}:{number}: {error}") from None
        if task.id in found:
            raise TaskFileError(f"{path}:{number}: the id '{task.id}' is taken by an earlier line")
        if not task.is_scored:
            raise TaskFileError(f"{path}:{number}: neither 'requirements' nor 'reference': no answer could be scored")
        found[task.id] = task
    if not found:
        raise TaskFileError(f"{path}: no tasks")
    return list(found.values())


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield number, line
    except (OSError, UnicodeDecodeError) as error:
        raise TaskFileError(f"{path}: {error}") from None


def _task(row: Any, number: int, options: ReadOptions) -> OfflineTask:
    if not isinstance(row, dict):
        raise ValueError("a line must be a JSON object")  # noqa: TRY004 - told like any other wrong line
    row = native_line(row)
    task = read_task({}, msgspec.json.encode(_body(row, options)), OPERATOR, options.settings)
    subject = Subject.of(task, options.validators)
    facts = facts_of(task, subject.kinds)
    digest = hashlib.sha256(msgspec.json.encode([_body(row, options), row.get("reference"), row.get("match")]))
    return OfflineTask(
        id=_word(row, "id", f"task-{number}"),
        task=task,
        subject=subject,
        reference=read_reference(row.get("reference"), row.get("match", "auto")),
        text=facts.text,
        input_tokens=facts.input_tokens,
        category=_word(row, "category", _word(row, "benchmark", "tasks")),
        split=_word(row, "split", split_of(facts.text, options.held_out)),
        digest=digest.hexdigest()[:16],
    )


def _body(row: Mapping[str, Any], options: ReadOptions) -> dict[str, Any]:
    """The request body: the client's fields, whole, with a limit on its output."""
    body = {name: value for name, value in row.items() if name not in (*OWN_FIELDS, "stream", "stream_options")}
    if "messages" not in body:
        prompt = row.get("prompt")
        if not isinstance(prompt, str) or not prompt.strip():
            raise ValueError("needs 'messages' or 'prompt'")
        body["messages"] = [{"role": "user", "content": prompt}]
    body.setdefault("model", "maestro")
    if not any(name in body for name in ("max_tokens", "max_completion_tokens")):
        body["max_tokens"] = options.max_tokens
    return body


def _word(row: Mapping[str, Any], name: str, otherwise: str) -> str:
    value = row.get(name)
    if value is None or value == "":
        return otherwise
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError(f"'{name}' must be a string")  # noqa: TRY004 - told like any other wrong line
    return str(value)


def split_of(text: str, held_out: float) -> str:
    """ "dev" for about this share of texts, else "train"; always the same for the same text."""
    place = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") % SPLITS
    return "dev" if place < held_out * SPLITS else "train"
