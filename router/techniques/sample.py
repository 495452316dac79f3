"""One fresh answer."""

from collections.abc import Sequence

from action_model.actions import Action
from router.task import Candidate, Task
from router.techniques.prompts import PROMPT_VARIANTS
from router.techniques.technique import encode, messages_of, requirement_note, with_system_text


class Sample:
    """Asks the model as the client did, told of the requirements."""

    name = "sample"

    def body(self, task: Task, action: Action, parents: Sequence[Candidate]) -> bytes:
        """The client's messages, with requirements and prompt variant in the system message."""
        note = requirement_note(task.requirements, task.response_language)
        text = "\n\n".join(part for part in (note, PROMPT_VARIANTS.get(action.prompt, "")) if part)
        return encode(task, action, with_system_text(messages_of(task), text))
