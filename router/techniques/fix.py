"""Repairs a candidate: the answer goes back with what its verdicts say."""

from collections.abc import Sequence

from action_model.actions import Action
from router.judging.feedback import repair_message
from router.task import Candidate, Task
from router.techniques.technique import encode, messages_of, raw, requirement_note, with_system_text


class Fix:
    """Asks for the smallest change that satisfies what failed."""

    name = "fix"

    def body(self, task: Task, action: Action, parents: Sequence[Candidate]) -> bytes:
        """The conversation, the candidate as the assistant's turn, and the repair message."""
        candidate = parents[0]
        note = requirement_note(task.requirements, task.response_language)
        turns = [
            raw({"role": "assistant", "content": candidate.text}),
            raw({"role": "user", "content": repair_message(candidate, task.requirements)}),
        ]
        return encode(task, action, [*with_system_text(messages_of(task), note), *turns])
