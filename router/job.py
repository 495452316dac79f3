"""What all waves of a run share, and what a wave brings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import anyio
import msgspec

from action_model.actions import Action
from action_model.belief import Estimate
from action_model.prices import Usage
from router.checks.explicit import RuleCheck
from router.errors import MaestroError
from router.events import Watch
from router.judging.judge import Gate, Terms, open_gate
from router.ledger.purse import RunPurse
from router.planning.situation import Tradeoff
from router.task import Candidate, Saving, Task, Verdict
from router.tools.bench import Bench
from router.verify import Subject


class Job(msgspec.Struct, frozen=True):
    """One run as its waves see it. `deadline` in event-loop time; `streamed` are upstreams that only a stream can stop.

    `hedges` are the estimates of the actions that may stand in for a slow one; none: no hedging. `team` queues for
    slots together, judges' calls at `gate`; a conversation that `is_bound` to its model takes no fallbacks.
    """

    task: Task
    subject: Subject
    purse: RunPurse
    deadline: float | None
    watch: Watch
    tradeoff: Tradeoff = Tradeoff()
    team: str = ""
    streamed: frozenset[str] = frozenset()
    hedges: Sequence[Estimate] = ()
    is_bound: bool = False
    headers: Mapping[str, str] = {}
    gate: Gate = open_gate
    bench: Bench | None = None

    @property
    def seconds_left(self) -> float | None:
        """Until the deadline."""
        return None if self.deadline is None else max(self.deadline - anyio.current_time(), 0.0)

    @property
    def judge_terms(self) -> Terms:
        """What a judge's calls are paid from, timed by and queue at: the run's own."""
        return Terms(self.purse, self.deadline, self.gate)

    @property
    def is_watched(self) -> bool:
        """Are there checks that can fail an answer while it is still being written?"""
        checks = (check for compiled in self.subject.compiled for check in compiled.checks)
        return any(isinstance(check, RuleCheck) and check.definition.already_failed for check in checks)


class Timing(msgspec.Struct, frozen=True):
    """How long one call took, without any wait for a slot; `first_token_seconds` of a stream."""

    model: str
    seconds: float
    usage: Usage
    first_token_seconds: float | None = None


@dataclass
class Harvest:
    """What a wave brought.

    `candidates` by id, verified or not; `opinions` what an independent judge said of a candidate; `partials` answers
    that were cut or not finished in time; `cut` the actions whose answers failed while they were being written, and
    `savings` what was not written of each;
    `timings` of the calls that answered; `errors` of actions that brought nothing.
    """

    candidates: dict[str, Candidate] = field(default_factory=dict)
    opinions: dict[str, tuple[Verdict, ...]] = field(default_factory=dict)
    partials: list[Candidate] = field(default_factory=list)
    cut: list[Action] = field(default_factory=list)
    savings: list[Saving] = field(default_factory=list)
    timings: list[Timing] = field(default_factory=list)
    errors: list[MaestroError] = field(default_factory=list)


class Place(msgspec.Struct, frozen=True):
    """Where a candidate stands in the run's tree: its id, its wave, its parents."""

    id: str
    wave: int
    parents: tuple[Candidate, ...] = ()


class CutShort(Exception):
    """A watched stream has failed a requirement for good; nothing more of it is wanted."""

    def __init__(self, saving: Saving) -> None:
        super().__init__(saving.requirement)
        self.saving = saving


class Warmth:
    """Lets the samples that share a prompt wait until the first of them has been read into the upstream's cache."""

    def __init__(self) -> None:
        self._read: dict[str, anyio.Event] = {}

    def leads(self, key: str) -> bool:
        """True for the first to ask: it goes ahead and must call `done` whatever happens."""
        if key in self._read:
            return False
        self._read[key] = anyio.Event()
        return True

    def done(self, key: str) -> None:
        """The prompt has been read, or never will be."""
        self._read[key].set()

    async def wait(self, key: str, seconds: float) -> None:
        """Until it has been read, or for so long."""
        with anyio.move_on_after(seconds):
            await self._read[key].wait()
