"""Repairs a candidate: the answer goes back with what its verdicts say."""

from collections.abc import Sequence

from action_model.actions import Action
from router.judging.feedback import repair_message
from router.task import Candidate, Task
from router.techniques.technique import Step, Steps, encode, noted_messages, turn


class Fix:
    """Asks for the smallest change that satisfies what failed."""

    name = "fix"

    def steps(self, task: Task, action: Action, parents: Sequence[Candidate]) -> Steps:
        """One call: the conversation, the candidate as the assistant's turn, and the repair message.

        Its messages begin with those of a sample, byte for byte, so that an upstream can reuse what it has read.
        """
        candidate = parents[0]
        turns = [turn("assistant", candidate.text), turn("user", repair_message(candidate, task.requirements))]
        yield Step((encode(task, action, [*noted_messages(task), *turns]),))
