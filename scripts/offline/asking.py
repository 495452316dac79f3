"""Asks one cell: the answers of one action on one task, through the configured upstreams, metered by the ledger."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from msgspec.structs import replace

from action_model.actions import Action
from action_model.prices import Usage
from router.candidates import texts_of, tool_calls_of
from router.ids import new_id
from router.judging.judge import Terms
from router.ledger.ledger import Account, Ledger
from router.ledger.purse import RunLimits, RunPurse
from router.task import Candidate
from router.techniques.prompts import PROMPT_VARIANTS
from router.techniques.registry import prompted
from router.techniques.technique import Technique, requirement_note
from router.upstreams.tokens import count_tokens
from router.upstreams.upstream import Call, Model, Purse, Reply, Upstreams
from router.verify import Verifier
from scripts.offline.journal import Finding, Spell
from scripts.offline.references import judge_by
from scripts.offline.tasks import OfflineTask

REPAIR_TOKENS = 300
"""What a repair message takes beside the answer it quotes."""
FRAME_TOKENS = 40


@dataclass(frozen=True)
class Asker:
    """What asking needs. `prompts` are the prompt variants by name."""

    upstreams: Upstreams
    ledger: Ledger
    verifier: Verifier
    techniques: Mapping[str, Technique]
    account: Account
    clock: Callable[[], float]
    prompts: Mapping[str, str]

    def purse(self) -> RunPurse:
        """A purse of its own for each cell: what it spends is the cell's."""
        return RunPurse(self.ledger, new_id(), self.account, RunLimits(), self.clock)

    def expected(self, task: OfflineTask, action: Action) -> list[Usage]:
        """The most tokens that each call of a cell may take."""
        note = requirement_note(task.task.requirements, task.task.response_language)
        said = f"{note}\n{self.prompts.get(action.prompt, '')}"
        first = task.input_tokens + count_tokens(said) + FRAME_TOKENS
        limit = output_limit(task)
        more = limit + REPAIR_TOKENS
        return [Usage(first + (more if depth else 0), limit) for depth in range(action.repairs + 1)]

    def held(self, task: OfflineTask, action: Action) -> int:
        """The most that a cell may cost, in nanodollars, checking by a judge included."""
        model = self.upstreams.find(action.model)
        judged = self.verifier.verification(task.subject).usd_high * 1e9 * (action.repairs + 1)
        return sum(model.price.nanodollars(usage) for usage in self.expected(task, action)) + round(judged)

    async def ask(self, task: OfflineTask, action: Action, purse: Purse) -> list[Spell]:
        """The first answer, and its repairs as long as requirements fail. Raises MaestroError."""
        model, expected = self.upstreams.find(action.model), self.expected(task, action)
        reply = await self._step("sample", task, action, (), Sent(model, purse, expected[0]))
        chain, last = [spell_of(reply)], candidate_of(reply, action)
        for usage in expected[1:]:
            last = replace(last, verdicts=await self.verifier.verify(last, task.subject, Terms(purse)))
            if all(verdict.passed for verdict in last.verdicts):
                break
            reply = await self._step("fix", task, action, (last,), Sent(model, purse, usage))
            chain.append(spell_of(reply))
            last = candidate_of(reply, action)
        return chain

    async def check(self, task: OfflineTask, action: Action, chain: list[Spell], purse: Purse) -> list[Finding]:
        """What requirements and reference say of every answer of a chain."""
        found = []
        for depth, spell in enumerate(chain):
            candidate = Candidate(f"{task.id}.{depth}", action, b"", spell.text)
            verdicts = await self.verifier.verify(candidate, task.subject, Terms(purse))
            if task.reference is not None:
                verdicts = (*verdicts, judge_by(task.reference, spell.text))
            scores = [verdict.score for verdict in verdicts]
            known = [score for score in scores if score is not None]
            success = 0.0 if any(score < 1.0 for score in known) else (1.0 if len(known) == len(scores) else None)
            detail = {verdict.requirement: [verdict.score, verdict.reason] for verdict in verdicts}
            found.append(Finding(depth, success, sum(known) / len(known) if known else None, detail))
        return found

    async def _step(
        self, technique: str, task: OfflineTask, action: Action, parents: tuple[Candidate, ...], sent: "Sent"
    ) -> Reply:
        known = prompted(self.techniques, lambda: self.prompts)[technique]
        step = next(known.steps(task.task, action, parents))
        return await self.upstreams.send(
            Call(
                dataclasses.replace(sent.model, fallbacks=()),
                "/chat/completions",
                step.bodies[0],
                sent.purse,
                sent.expected,
            )
        )


@dataclass(frozen=True, slots=True)
class Sent:
    """Where one call goes, who pays, and what is held for it."""

    model: Model
    purse: Purse
    expected: Usage


def output_limit(task: OfflineTask) -> int:
    """The task's own limit on output tokens: every task that was read has one."""
    for name in ("max_completion_tokens", "max_tokens"):
        value = task.task.payload.read(name)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
    return 1024


def candidate_of(reply: Reply, action: Action) -> Candidate:
    """An answer as the checks and the repair see it."""
    return Candidate(new_id(), action, reply.body, text_of(reply))


def text_of(reply: Reply) -> str:
    """The text; for an answer that calls tools, its calls as JSON."""
    texts, calls = texts_of(reply.body), tool_calls_of(reply.body)
    return texts[0] if (texts and texts[0]) or not calls else str(calls)


def spell_of(reply: Reply) -> Spell:
    """One answer with what it took."""
    usage = reply.usage
    nanodollars = reply.model.price.nanodollars(usage, reply.seconds)
    return Spell(text_of(reply), nanodollars, usage.input_tokens, usage.output_tokens, reply.seconds)


def prompts_with(files: Mapping[str, str]) -> Mapping[str, str]:
    """The built-in prompt variants and others by name."""
    return {**PROMPT_VARIANTS, **files}
