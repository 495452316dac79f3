"""For long tasks: split into parts, answer each, then write the whole."""

import re
from collections.abc import Sequence

import msgspec

from action_model.actions import Action
from router.judging.reading import reply_text
from router.task import Candidate, Task
from router.techniques.technique import Step, Steps, encode, messages_of, noted_messages, turn

MOST_PARTS = 5

SPLIT = f"""Do not answer yet. Split the task above into at most {MOST_PARTS} parts that can be worked on one by one.
Write a JSON array of strings, each naming one part in one sentence, and nothing else."""

ANSWER_PART = "Work on this part of the task above, and only on it: {part}\nBe exact and short."

COMBINE = """These are notes on the parts of the task above:

{notes}

Now write the whole answer to the task. Only the answer: no word about notes or parts."""

FREE = {"response_format": None, "tools": None, "tool_choice": None, "functions": None, "function_call": None}
"""What only the final answer must obey."""

_ARRAY = re.compile(r"\[.*\]", re.DOTALL)


class Decompose:
    """Asks for the parts, for all their answers at the same time, and for the whole (after arXiv 2205.10625)."""

    name = "decompose"

    def steps(self, task: Task, action: Action, parents: Sequence[Candidate]) -> Steps:
        """Three steps, or one where the model finds no parts: then the task is answered as it is."""
        messages = messages_of(task)
        one = {**FREE, "n": None, "logprobs": None, "top_logprobs": None}
        split = yield Step((encode(task, action, [*messages, turn("user", SPLIT)], **one),), is_final=False)
        parts = read_parts(reply_text(split[0]))
        notes: tuple[bytes, ...] = ()
        if len(parts) > 1:
            asked = [[*messages, turn("user", ANSWER_PART.format(part=part))] for part in parts]
            notes = yield Step(tuple(encode(task, action, body, **one) for body in asked), is_final=False)
        yield Step((encode(task, action, [*noted_messages(task), *_combined(parts, notes)]),))


def read_parts(text: str) -> list[str]:
    """The parts that a model named; none where it wrote no array of strings."""
    found = _ARRAY.search(text)
    try:
        parts = msgspec.json.decode(found[0], type=list[str]) if found else []
    except msgspec.DecodeError:
        return []
    return [part.strip() for part in parts if part.strip()][:MOST_PARTS]


def _combined(parts: Sequence[str], notes: Sequence[bytes]) -> list[msgspec.Raw]:
    if not notes:
        return []
    told = [
        f"{number}. {part}\n{reply_text(note)}" for number, (part, note) in enumerate(zip(parts, notes, strict=True), 1)
    ]
    return [turn("user", COMBINE.format(notes="\n\n".join(told)))]
