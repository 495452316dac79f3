"""Requirements on the sources, checked together with the tools that found them: words first, then the judge."""

import dataclasses
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from router.checks.check import Answer, Compiled, Finding
from router.checks.grounding import SUPPORTED, UNSUPPORTED, Claim, Grounding, claims_of, grounding_of, support
from router.job import Job
from router.judging.judge import Exhibit, Question
from router.tools.passages import Passage
from router.verify import Verifier

MOST_ASKED = 10
SHOWN_CLAIMS = 5
LONGEST_SHOWN = 160
MOST_SOURCE_CHARACTERS = 12_000
Ask = Callable[[Sequence[Claim], Sequence[Passage]], Awaitable[Sequence[bool | None]]]
"""A judge's word on each claim: supported, not, or nothing said."""


@dataclass(frozen=True)
class SourcesCheck:
    """A validator: are all claims supported (`grounded`), and does each cite what supports it (`cited`)?"""

    kinds: tuple[Grounding, ...]
    passages: Callable[[], Sequence[Passage]]
    ask: Ask

    async def __call__(self, answer: Answer) -> Finding:
        """The share of claims that hold; the others are named, so that a repair can mend them."""
        passages = tuple(self.passages())
        claims = claims_of(answer.text, passages)
        if not claims:
            return Finding(1.0, "no claims to support")
        by_number = {passage.number: passage for passage in passages}
        uncited = [claim for claim in claims if "cited" in self.kinds and not claim.cites]
        told = [claim for claim in claims if claim not in uncited]
        verdicts = await self._supported(told, by_number)
        bad = [claim for claim, fine in zip(told, verdicts, strict=True) if fine is False]
        unknown = [claim for claim, fine in zip(told, verdicts, strict=True) if fine is None]
        if not uncited and not bad and unknown:
            return Finding(None, f"{len(unknown)} of {len(claims)} claims could not be checked against the sources")
        return Finding(1.0 - len(uncited + bad) / len(claims), reason(len(claims), uncited, bad))

    async def _supported(self, claims: Sequence[Claim], by_number: dict[int, Passage]) -> list[bool | None]:
        found: list[bool | None] = []
        for claim in claims:
            cited = [by_number[number] for number in claim.cites]
            within = cited if "cited" in self.kinds and cited else list(by_number.values())
            share = support(claim.text, within)
            found.append(True if share >= SUPPORTED else False if share < UNSUPPORTED else None)
        open_claims = [i for i, fine in enumerate(found) if fine is None][:MOST_ASKED]
        if open_claims:
            answers = await self.ask([claims[i] for i in open_claims], tuple(by_number.values()))
            for i, word in zip(open_claims, answers, strict=True):
                found[i] = word
        return found


def reason(total: int, uncited: Sequence[Claim], bad: Sequence[Claim]) -> str:
    """Which claims do not hold, in numbers and words."""
    parts = []
    for claims, what in ((bad, "not supported by the sources"), (uncited, "without a citation")):
        if claims:
            shown = "; ".join(f'"{claim.text[:LONGEST_SHOWN]}"' for claim in claims[:SHOWN_CLAIMS])
            parts.append(f"{len(claims)} of {total} claims {what}: {shown}")
    return "; ".join(parts) or f"all {total} claims are supported by the sources"


def grounded_job(job: Job, verifier: Verifier) -> Job:
    """The job whose requirements on the sources are checked against what its tools find, now and later."""
    bench, subject = job.bench, job.subject
    kinds = [grounding_of(requirement) for requirement in subject.requirements]
    if bench is None or not bench.can_search or not any(kinds):
        return job

    async def ask(claims: Sequence[Claim], passages: Sequence[Passage]) -> Sequence[bool | None]:
        text = "\n\n".join(f"[{p.number}] {p.title}\n{p.text}" for p in passages)[:MOST_SOURCE_CHARACTERS]
        asked = [f'The sources in the request say or imply: "{claim.text}"' for claim in claims]
        questions = [Question(str(place), text) for place, text in enumerate(asked)]
        exhibit = Exhibit("grounding", f"Sources:\n{text}", "\n".join(claim.text for claim in claims))
        opinions = await verifier.ask(questions, exhibit, job.judge_terms)
        heard = [opinions.get(question.name) for question in questions]
        return [None if one is None or one.score is None else one.score >= 1.0 for one in heard]

    compiled = tuple(
        _grounded(one, SourcesCheck(kind, lambda: bench.passages, ask)) if kind else one
        for one, kind in zip(subject.compiled, kinds, strict=True)
    )
    return replace(job, subject=replace(subject, compiled=compiled))


def _grounded(compiled: Compiled, check: SourcesCheck) -> Compiled:
    return dataclasses.replace(compiled, validators=(*compiled.validators, check), judged="", kind=check.kinds[0])
