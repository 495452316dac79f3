"""Candidate × requirements → verdicts: checks at once, validators beside them, the judge for the rest."""

import asyncio
import random
from collections.abc import Callable, Collection, Mapping, Sequence

import msgspec
from msgspec.structs import replace

from action_model.actions import Action
from action_model.belief import Evidence
from router.checks.check import Answer, Compiled, Finding, Validator
from router.checks.compiler import compile_requirement
from router.facts import last_user_text, read_messages, text_of
from router.judging.calibration import JudgeRates
from router.judging.choice import choose_judge, family_name
from router.judging.errors import channel_of, together
from router.judging.judge import MOST_PER_CALL, Exhibit, Judge, Question, Terms, expected_usage
from router.judging.kinds import kind_of_check, kind_of_text
from router.judging.reading import Opinion
from router.planning.situation import Confirmation, Verification
from router.task import Candidate, Requirement, Task, Verdict, VerdictSource, Word
from router.upstreams.upstream import Model

REQUEST_CHARACTERS = 8000
LONG_CHARACTERS = 4000
"""Answers longer than this are checked beside the event loop."""
SLOW = ("sql", "yaml", "language", "python")
"""Checks that may take longer than a millisecond."""
LEAST_ANSWERING = 0.25
"""A judge that gives fewer verdicts than this is expected to give none: more answers would only stay unchecked too."""
AUDIT = "\0audit:"


class Subject(msgspec.Struct, frozen=True):
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

    def audits(self) -> list[Question]:
        """What checks decide wholly, as questions to a judge whose error is to be learnt."""
        pairs = zip(self.requirements, self.compiled, strict=True)
        return [
            Question(AUDIT + r.name, r.description) for r, c in pairs if c.checks and not c.judged and r.description
        ]

    def failing(self, partial: str) -> str | None:
        """The requirement that a growing answer has failed for good; None while there is none."""
        for requirement, compiled in zip(self.requirements, self.compiled, strict=True):
            if any(check.already_failed(partial) for check in compiled.checks):
                return requirement.name
        return None

    def already_failed(self, partial: str) -> bool:
        """Has a growing answer failed a requirement for good?"""
        return self.failing(partial) is not None


class _Sitting(msgspec.Struct, frozen=True):
    """One candidate before one judge (None: there is none left)."""

    candidate: Candidate
    subject: Subject
    terms: Terms
    judge: Model | None
    round: int


class Verifier:
    """Scores candidates. `judges` are models in order of preference; none: soft requirements stay not validated.

    With chance `audit_share` a judge that is asked anyway is also shown what checks decide, and its error learnt.
    """

    def __init__(
        self,
        judge: Judge,
        judges: Sequence[Model],
        rates: JudgeRates | None = None,
        audit_share: float = 0.0,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._judge = judge
        self.judges = tuple(judges)
        self.rates = rates or JudgeRates()
        self._audit_share = audit_share
        self._chance = chance

    async def verify(self, candidate: Candidate, subject: Subject, terms: Terms) -> tuple[Verdict, ...]:
        """A verdict for each requirement; score None where it could not be validated."""
        judge = self._choose(candidate.action.model, ()) if subject.is_judged else None
        return await self._decide(_Sitting(candidate, subject, terms, judge, 0))

    async def confirm(self, candidate: Candidate, subject: Subject, terms: Terms) -> tuple[Verdict, ...]:
        """The same by an independent judge where there is one: another model, of another family, in another order."""
        heard = {verdict.word.judge for verdict in candidate.verdicts if verdict.word is not None}
        judge = self._choose(candidate.action.model, heard)
        return await self._decide(_Sitting(candidate, subject, terms, judge, 1))

    async def ask(self, questions: Sequence[Question], exhibit: Exhibit, terms: Terms) -> dict[str, Opinion]:
        """The preferred judge's opinions on questions of another's making; none where there is no judge."""
        judge = self._choose("", ())
        return {} if judge is None else await self._judge.ask(judge, questions, exhibit, terms)

    def evidence(self, verdicts: Sequence[Verdict]) -> Evidence:
        """What the verdicts say of true success: exact sources are certain, a judge goes through its error rates."""
        if any(verdict.score is not None and not verdict.passed and verdict.source != "judge" for verdict in verdicts):
            return Evidence(0.0, 1.0)
        words = [_word_of(verdict) for verdict in verdicts if verdict.source == "judge" and verdict.score is not None]
        unknown = sum(verdict.score is None for verdict in verdicts)
        if not words and unknown == len(verdicts):
            return Evidence(1.0, 1.0)
        seen = [(self.rates.errors(word.judge, word.kind), word.claimed) for word in words]
        return together(seen, len(verdicts) - len(words) - unknown, unknown)

    def can_validate(self, subject: Subject) -> bool:
        """Can all that is required be validated: is nothing judged, or is there a judge that gives verdicts?"""
        if not subject.is_judged:
            return True
        model = self._choose("", ())
        return model is not None and self._judge.answering(model) >= LEAST_ANSWERING

    def verification(self, subject: Subject) -> Verification:
        """What checking one candidate costs, and how often it is right, for the planner."""
        return self._verification(subject, self._choose("", ())) if subject.is_judged else Verification()

    def confirmation(self, subject: Subject) -> Confirmation | None:
        """The second opinion on offer; None where nothing is judged, or there is only one judge."""
        first = self._choose("", ()) if subject.is_judged else None
        if first is None:
            return None
        second = self._choose("", {first.id})
        return (
            None if second is None else Confirmation(Action(second.id, "confirm"), self._verification(subject, second))
        )

    def _verification(self, subject: Subject, model: Model | None) -> Verification:
        if not subject.is_judged or model is None:
            return Verification()
        questions = subject.questions()
        usd = model.price.usd(expected_usage(questions, Exhibit("", subject.request, "x" * 1200)))
        errors = [self.rates.errors(model.id, kind_of_text(question.text)) for question in questions]
        passing = channel_of(errors, len(subject.requirements) - len(questions))
        seconds, answering = self._judge.seconds(model), self._judge.answering(model)
        calls = -(-len(questions) // MOST_PER_CALL)
        return Verification(
            answering * passing.given_success,
            answering * passing.given_failure,
            0.6 * usd,
            usd,
            seconds,
            3 * seconds,
            calls,
        )

    def _choose(self, author: str, heard: Collection[str]) -> Model | None:
        return choose_judge(self.judges, author, family_name(author) if author else "", heard)

    async def _decide(self, sitting: _Sitting) -> tuple[Verdict, ...]:
        subject = sitting.subject
        answer = Answer(sitting.candidate.text, subject.prompt)
        checked = await _check_all(subject.compiled, answer)
        validated: Sequence[list[Finding]] = [[] for _ in subject.compiled]
        opinions: dict[str, Opinion] = {}
        if subject.is_judged or any(compiled.validators for compiled in subject.compiled):
            validated, opinions = await asyncio.gather(
                asyncio.gather(*(_validate(compiled, answer) for compiled in subject.compiled)), self._opinions(sitting)
            )
            await self._audit(subject, checked, opinions)
        return tuple(
            self._combine(requirement, compiled, [*checked[i], *validated[i]], opinions.get(requirement.name))
            for i, (requirement, compiled) in enumerate(zip(subject.requirements, subject.compiled, strict=True))
        )

    async def _opinions(self, sitting: _Sitting) -> dict[str, Opinion]:
        questions, candidate = sitting.subject.questions(), sitting.candidate
        if sitting.judge is None or not questions:
            return {}
        await self.rates.refresh()
        if self._audit_share and self._chance() < self._audit_share:
            questions += sitting.subject.audits()[:MOST_PER_CALL]
        exhibit = Exhibit(candidate.id, sitting.subject.request, candidate.text, sitting.round)
        return await self._judge.ask(sitting.judge, questions, exhibit, sitting.terms)

    async def _audit(
        self, subject: Subject, checked: Sequence[Sequence[Finding]], opinions: Mapping[str, Opinion]
    ) -> None:
        """Learns from what a check knows for sure and a judge was asked as well."""
        for requirement, compiled, findings in zip(subject.requirements, subject.compiled, checked, strict=True):
            opinion = opinions.get(AUDIT + requirement.name)
            if opinion is None or any(finding.score is None for finding in findings):
                continue
            truth = all(finding.passed for finding in findings)
            await self.rates.learn(opinion.judge, kind_of_check(compiled.kind), opinion.probability, truth, "check")

    def _combine(
        self, requirement: Requirement, compiled: Compiled, findings: Sequence[Finding], opinion: Opinion | None
    ) -> Verdict:
        """The minimum over all parts; one that could not be validated leaves the requirement open unless one fails."""
        source: VerdictSource = "check" if compiled.checks else "validator"
        parts = [Verdict(requirement.name, finding.score, finding.reason, source) for finding in findings]
        if compiled.judged:
            parts.append(self._judged(requirement, kind_of_text(compiled.judged), opinion))
        failed = [part for part in parts if part.score is not None and part.score < 1.0]
        unknown = [part for part in parts if part.score is None]
        worst = min(failed, key=lambda part: part.score or 0.0) if failed else (unknown or parts)[-1]
        reason = "; ".join(dict.fromkeys(part.reason for part in (failed or unknown or parts) if part.reason))
        return replace(worst, reason=reason, word=parts[-1].word)

    def _judged(self, requirement: Requirement, kind: str, opinion: Opinion | None) -> Verdict:
        """A judge's word as a verdict: what passes, and how sure that is, its error rates say."""
        if opinion is None:
            return Verdict(requirement.name, None, "not validated: no judge gave a verdict", "judge", 0.0)
        errors = self.rates.errors(opinion.judge, kind)
        passed, claimed = errors.passes(opinion.probability), opinion.probability
        found = errors.evidence(claimed)
        sure = found.given_success / (found.given_success + found.given_failure)
        score, reason = opinion.score, opinion.reason
        if opinion.is_pass and not passed:
            score = min(claimed, 0.99)
            reason = f"judged satisfied with {claimed:.2f}, below what passes of this judge ({reason})"
        word = Word(opinion.judge, kind, claimed)
        return Verdict(requirement.name, score, reason, "judge", sure if passed else 1.0 - sure, word)


async def _check_all(compiled: Sequence[Compiled], answer: Answer) -> list[list[Finding]]:
    """All checks' findings; of a long answer on a thread, so that others are served meanwhile."""

    def look() -> list[list[Finding]]:
        return [[check.evaluate(answer) for check in one.checks] for one in compiled]

    is_slow = len(answer.text) > LONG_CHARACTERS or any(check.kind in SLOW for one in compiled for check in one.checks)
    return await asyncio.to_thread(look) if is_slow else look()


async def _validate(compiled: Compiled, answer: Answer) -> list[Finding]:
    return list(await asyncio.gather(*(validator(answer) for validator in compiled.validators)))


def _word_of(verdict: Verdict) -> Word:
    return verdict.word or Word("", "", verdict.confidence if verdict.passed else 1.0 - verdict.confidence)
