"""What is told of each request once it is over, to whoever counts, logs or traces: never before the client has it."""

from collections.abc import Callable

import msgspec

from router.roads import Road
from router.task import Attempt, Caller, Run, Task


class Ended(msgspec.Struct, frozen=True):
    """A request that is over. `run` is None where one named model was relayed: nothing was planned, nothing is kept."""

    task: Task
    caller: Caller
    road: Road
    run: Run | None
    attempts: tuple[Attempt, ...]
    nanodollars: int

    @property
    def model(self) -> str:
        """The model whose answer was given, or was last tried; "" if none was."""
        if self.run is not None and self.run.chosen is not None:
            return self.run.chosen.action.model
        return self.attempts[-1].model if self.attempts else ""


Observer = Callable[[Ended], None]
"""Returns at once and never raises."""
