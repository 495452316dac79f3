"""Candidate × requirements → verdicts: checks at once, validators beside them, the judge for the rest."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from action_model.actions import Action
from action_model.belief import Evidence
from router.checks.check import Answer, Compiled, Finding, Validator
from router.checks.compiler import compile_requirement
from router.facts import last_user_text, read_messages, text_of
from router.judging.judge import Exhibit, Judge, Question, expected_usage
from router.judging.reading import Opinion
from router.planning.situation import Confirmation, Verification
from router.task import Candidate, Requirement, Task, Verdict, VerdictSource
from router.upstreams.upstream import Model, Purse

JUDGE_SECONDS = 2.0
REQUEST_CHARACTERS = 8000


@dataclass(frozen=True, slots=True)
class JudgeErrors:
    """How often a judge passes what is right, and what is wrong: the prior until labelled outcomes say better."""

    true_pass: float = 0.9
    false_pass: float = 0.2


@dataclass(frozen=True)
class Subject:
    """What a candidate is checked against: the requirements, compiled, and the text of the request."""

    requirements: tuple[Requirement, ...]
    compiled: tuple[Compiled, ...]
    prompt: str = ""
    request: str = ""

    @classmethod
    def of(cls, task: Task, validators: Mapping[str, Validator]) -> "Subject":
        """Raises BadRequest for a bad explicit check."""
        messages = read_messages(task)
        request = "\n\n".join(f"[{m.role}] {text_of(m.content)}" for m in messages)
        compiled = tuple(compile_requirement(requirement, validators) for requirement in task.requirements)
        return cls(task.requirements, compiled, last_user_text(messages), request[-REQUEST_CHARACTERS:])

    @property
    def kinds(self) -> tuple[str, ...]:
        """Each requirement's kind, for facts and statistics."""
        return tuple(compiled.kind for compiled in self.compiled)

    @property
    def is_judged(self) -> bool:
        """Is there anything that only a judge can decide?"""
        return any(compiled.judged for compiled in self.compiled)

    def questions(self) -> list[Question]:
        """What goes to the judge."""
        pairs = zip(self.requirements, self.compiled, strict=True)
        return [Question(requirement.name, compiled.judged) for requirement, compiled in pairs if compiled.judged]

    def already_failed(self, partial: str) -> bool:
        """Has a growing answer failed a requirement for good?"""
        return any(check.already_failed(partial) for compiled in self.compiled for check in compiled.checks)


class Verifier:
    """Scores candidates. `judges` are models in order of preference; none: soft requirements stay not validated."""

    def __init__(self, judge: Judge, judges: Sequence[Model], errors: JudgeErrors | None = None) -> None:
        self._judge = judge
        self._judges = tuple(judges)
        self._errors = errors or JudgeErrors()

    async def verify(
        self, candidate: Candidate, subject: Subject, purse: Purse, deadline: float | None
    ) -> tuple[Verdict, ...]:
        """A verdict for each requirement; score None where it could not be validated."""
        return await self._decide(candidate, subject, purse, deadline, 0)

    async def confirm(
        self, candidate: Candidate, subject: Subject, purse: Purse, deadline: float | None
    ) -> tuple[Verdict, ...]:
        """The same by an independent judge where there is one: another model, another order."""
        return await self._decide(candidate, subject, purse, deadline, 1)

    def evidence(self, verdicts: Sequence[Verdict], requirements: Sequence[Requirement]) -> Evidence:
        """What the verdicts say of true success: exact sources are certain, a judge goes through its error rates."""
        given_success = given_failure = 1.0
        failed_surely = any(v.score is not None and not v.passed and v.source != "judge" for v in verdicts)
        if failed_surely:
            return Evidence(0.0, 1.0)
        judged = [v for v in verdicts if v.source == "judge" and v.score is not None]
        known = [v for v in verdicts if v.score is not None]
        if not known:
            return Evidence(1.0, 1.0)
        if not judged:
            return Evidence(1.0, 0.0) if len(known) == len(requirements) else Evidence(1.0, 0.5)
        if all(v.passed for v in judged):
            given_success, given_failure = self._errors.true_pass, self._errors.false_pass
        else:
            given_success, given_failure = 1.0 - self._errors.true_pass, 1.0 - self._errors.false_pass
        return Evidence(given_success, given_failure)

    def verification(self, subject: Subject) -> Verification:
        """What checking one candidate costs, for the planner."""
        model = self._choose(0, "")
        if not subject.is_judged or model is None:
            return Verification()
        usage = expected_usage(subject.questions(), Exhibit("", subject.request, "x" * 1200))
        usd = model.price.usd(usage)
        calls = -(-len(subject.questions()) // 5)
        errors = self._errors
        return Verification(
            errors.true_pass, errors.false_pass, 0.6 * usd, usd, JUDGE_SECONDS, 3 * JUDGE_SECONDS, calls
        )

    def confirmation(self, subject: Subject) -> Confirmation | None:
        """The second opinion on offer; None where nothing is judged, or there is only one judge."""
        if not subject.is_judged or len(self._judges) < 2:
            return None
        return Confirmation(Action(self._judges[1].id, "confirm"), self.verification(subject))

    def _choose(self, round_number: int, candidate_model: str) -> Model | None:
        """The preferred judge, the candidate's own model last; a second round takes the next one, never the same."""
        ordered = sorted(self._judges, key=lambda judge: judge.id == candidate_model)
        return ordered[round_number % len(ordered)] if ordered else None

    async def _decide(
        self, candidate: Candidate, subject: Subject, purse: Purse, deadline: float | None, round_number: int
    ) -> tuple[Verdict, ...]:
        answer = Answer(candidate.text, subject.prompt)
        checked = [[check.evaluate(answer) for check in compiled.checks] for compiled in subject.compiled]
        validated, opinions = await asyncio.gather(
            asyncio.gather(*(_validate(compiled, answer) for compiled in subject.compiled)),
            self._opinions(candidate, subject, purse, deadline, round_number),
        )
        return tuple(
            _combine(requirement, compiled, checked[i], validated[i], opinions.get(requirement.name))
            for i, (requirement, compiled) in enumerate(zip(subject.requirements, subject.compiled, strict=True))
        )

    async def _opinions(
        self, candidate: Candidate, subject: Subject, purse: Purse, deadline: float | None, round_number: int
    ) -> dict[str, Opinion]:
        model = self._choose(round_number, candidate.action.model)
        questions = subject.questions()
        if model is None or not questions:
            return {}
        exhibit = Exhibit(candidate.id, subject.request, candidate.text, round_number)
        return await self._judge.ask(model, questions, exhibit, purse, deadline)


async def _validate(compiled: Compiled, answer: Answer) -> list[Finding]:
    return list(await asyncio.gather(*(validator(answer) for validator in compiled.validators)))


def _combine(
    requirement: Requirement,
    compiled: Compiled,
    checked: Sequence[Finding],
    validated: Sequence[Finding],
    opinion: Opinion | None,
) -> Verdict:
    """The minimum over all parts; one that could not be validated leaves the requirement open unless another fails."""
    parts: list[tuple[float | None, str, VerdictSource, float]] = []
    parts += [(finding.score, finding.reason, "check", 1.0) for finding in checked]
    parts += [(finding.score, finding.reason, "validator", 1.0) for finding in validated]
    if compiled.judged:
        if opinion is None:
            parts.append((None, "not validated: no judge gave a verdict", "judge", 0.0))
        else:
            parts.append((opinion.score, opinion.reason, "judge", opinion.confidence))
    failed = [part for part in parts if part[0] is not None and part[0] < 1.0]
    unknown = [part for part in parts if part[0] is None]
    worst = min(failed, key=lambda part: part[0] or 0.0) if failed else (unknown or parts)[-1]
    reason = "; ".join(dict.fromkeys(part[1] for part in (failed or unknown or parts) if part[1]))
    return Verdict(requirement.name, worst[0], reason, worst[2], worst[3])
