"""One fresh answer."""

from collections.abc import Mapping, Sequence
from typing import Any

from action_model.actions import Action
from router.task import Candidate, Task
from router.techniques.prompts import PROMPT_VARIANTS
from router.techniques.technique import Step, Steps, encode, noted_messages, settings_of


def changes_of(task: Task, action: Action, prompts: Mapping[str, str]) -> dict[str, Any]:
    """What a relay changes in the client's body: nothing for a plain sample, so that it stays byte for byte."""
    extra = prompts.get(action.prompt, "")
    messages = {"messages": noted_messages(task, extra)} if extra or task.response_language else {}
    return messages | settings_of(task, action)


class Sample:
    """Asks the model as the client did, told of the requirements. `prompts` are the variants by name."""

    name = "sample"

    def __init__(self, prompts: Mapping[str, str] = PROMPT_VARIANTS) -> None:
        self._prompts = prompts

    def steps(self, task: Task, action: Action, parents: Sequence[Candidate]) -> Steps:
        """One call: the client's messages, with requirements and prompt variant in the system message."""
        yield Step((encode(task, action, noted_messages(task, self._prompts.get(action.prompt, ""))),))
