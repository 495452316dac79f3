"""Our tasks as GEPA sees them (reflective prompt evolution: Agrawal et al. 2025, arXiv 2507.19457; extra
`optimize`)."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from gepa.core.adapter import EvaluationBatch

from action_model.actions import Action
from action_model.prices import Usage
from router.candidates import texts_of
from router.errors import MaestroError, RunLimitReached
from router.ledger.purse import RunPurse
from router.upstreams.tokens import count_tokens
from router.upstreams.upstream import Call, Model
from scripts.offline.asking import Asker
from scripts.offline.journal import Finding
from scripts.offline.tasks import OfflineTask

T = TypeVar("T")
COMPONENT = "system_prompt"
CANDIDATE = "candidate"
SUCCESS_SHARE = 0.7
"""Of a score: the rest is how nearly the requirements are met, so that small steps show."""
WRITER_TOKENS = 1024


@dataclass(frozen=True, slots=True)
class Tried:
    """One answer with what the checks said."""

    task: OfflineTask
    answer: str
    score: float
    success: float
    feedback: str


@dataclass
class Bench:
    """Scores a prompt on tasks by asking a model, and asks another to write prompts; both are paid from one purse.

    Used from GEPA's thread: `loop` is where the calls are made.
    """

    asker: Asker
    model: Model
    writer: Model
    purse: RunPurse
    loop: asyncio.AbstractEventLoop
    parallel: int = 8
    is_spent: bool = False
    known: dict[tuple[str, str], Tried] = field(default_factory=dict)
    propose_new_texts: None = None

    def evaluate(
        self, batch: Sequence[OfflineTask], candidate: Mapping[str, str], capture_traces: bool = False
    ) -> EvaluationBatch[Tried, str]:
        """Every task asked with this prompt; one that was asked with it before is not asked again."""
        tried = self._wait(lambda: self.try_all(batch, candidate[COMPONENT]))
        return EvaluationBatch(
            [one.answer for one in tried], [one.score for one in tried], list(tried) if capture_traces else None
        )

    def make_reflective_dataset(
        self, candidate: Mapping[str, str], found: EvaluationBatch[Tried, str], components: Sequence[str]
    ) -> dict[str, list[dict[str, str]]]:
        """What was asked, answered, and found wanting."""
        rows = [
            {"Inputs": one.task.text, "Generated Outputs": one.answer, "Feedback": one.feedback}
            for one in found.trajectories or []
        ]
        return dict.fromkeys(components, rows)

    def write(self, prompt: str | list[dict[str, Any]]) -> str:
        """The writer's answer; "" once the money is spent."""
        messages = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
        return self._wait(lambda: self._write(messages))

    async def try_all(self, tasks: Sequence[OfflineTask], prompt: str) -> list[Tried]:
        """All tasks with one prompt, so many at a time."""
        gate = asyncio.Semaphore(self.parallel)

        async def one(task: OfflineTask) -> Tried:
            async with gate:
                return await self._try(task, prompt)

        return list(await asyncio.gather(*(one(task) for task in tasks)))

    async def _try(self, task: OfflineTask, prompt: str) -> Tried:
        if (task.id, prompt) in self.known:
            return self.known[task.id, prompt]
        asker = replace(self.asker, prompts={CANDIDATE: prompt})
        action = Action(self.model.id, prompt=CANDIDATE)
        try:
            chain = await asker.ask(task, action, self.purse)
            finding = (await asker.check(task, action, chain, self.purse))[-1]
        except RunLimitReached as error:
            self.is_spent = True
            return Tried(task, "", 0.0, 0.0, error.message)
        except MaestroError as error:
            return Tried(task, "", 0.0, 0.0, error.message)
        found = self.known[task.id, prompt] = tried(task, chain[-1].text, finding)
        return found

    async def _write(self, messages: list[dict[str, Any]]) -> str:
        import msgspec

        body = {"model": self.writer.served_as, "messages": messages, "max_tokens": WRITER_TOKENS}
        expected = Usage(sum(count_tokens(str(m["content"])) + 8 for m in messages), WRITER_TOKENS)
        call = Call(self.writer, "/chat/completions", msgspec.json.encode(body), self.purse, expected)
        try:
            reply = await self.asker.upstreams.send(call)
        except RunLimitReached:
            self.is_spent = True
            return ""
        return (texts_of(reply.body) or [""])[0]

    def _wait(self, work: Callable[[], Awaitable[T]]) -> T:
        async def run() -> T:
            return await work()

        return asyncio.run_coroutine_threadsafe(run(), self.loop).result()


def tried(task: OfflineTask, answer: str, finding: Finding) -> Tried:
    """The score GEPA climbs, and the words it learns from."""
    success = finding.success or 0.0
    graded = finding.score or 0.0
    wrong = [
        f"{name}: {reason}" for name, (score, reason) in finding.detail.items() if score is not None and score < 1.0
    ]
    feedback = f"Failed: {'; '.join(wrong)}" if wrong else "Everything that was required holds."
    return Tried(task, answer, SUCCESS_SHARE * success + (1.0 - SUCCESS_SHARE) * graded, success, feedback)
