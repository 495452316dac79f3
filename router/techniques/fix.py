"""Repairs a candidate: the answer goes back with what its verdicts say."""

from collections.abc import Mapping, Sequence

from action_model.actions import Action
from router.judging.feedback import repair_message
from router.task import Candidate, Task
from router.techniques.prompts import PROMPT_VARIANTS
from router.techniques.technique import Step, Steps, encode, noted_messages, turn


class Fix:
    """Asks for the smallest change that satisfies what failed. `prompts` are the variants by name."""

    name = "fix"

    def __init__(self, prompts: Mapping[str, str] = PROMPT_VARIANTS) -> None:
        self._prompts = prompts

    def steps(self, task: Task, action: Action, parents: Sequence[Candidate]) -> Steps:
        """One call: the conversation, the candidate as the assistant's turn, and the repair message.

        Its messages begin with those of the sample it repairs, prompt variant included, byte for byte, so that an
        upstream can reuse what it has read.
        """
        candidate = parents[0]
        turns = [turn("assistant", candidate.text), turn("user", repair_message(candidate, task.requirements))]
        begun = noted_messages(task, self._prompts.get(candidate.action.prompt, ""))
        yield Step((encode(task, action, [*begun, *turns]),))
