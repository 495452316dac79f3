"""One fresh answer."""

from collections.abc import Sequence

from action_model.actions import Action
from router.task import Candidate, Task
from router.techniques.prompts import PROMPT_VARIANTS
from router.techniques.technique import Step, Steps, encode, noted_messages


class Sample:
    """Asks the model as the client did, told of the requirements."""

    name = "sample"

    def steps(self, task: Task, action: Action, parents: Sequence[Candidate]) -> Steps:
        """One call: the client's messages, with requirements and prompt variant in the system message."""
        yield Step((encode(task, action, noted_messages(task, PROMPT_VARIANTS.get(action.prompt, ""))),))
