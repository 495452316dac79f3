"""Candidate → candidate with verdicts: text, every choice of it, or tool calls."""

import anyio
from msgspec.structs import replace

from router.candidates import merge_verdicts, texts_of, tool_calls_of, worst_verdicts
from router.events import CandidateChecked
from router.job import Job
from router.task import Candidate, Verdict, overall_score
from router.tool_calls import check_tool_calls
from router.verify import Verifier


async def check(candidate: Candidate, job: Job, verifier: Verifier) -> Candidate:
    """With its verdicts and score. An answer that calls tools is not text to be judged: its arguments are checked."""
    if candidate.has_tool_calls:
        verdict = check_tool_calls(job.task, tool_calls_of(candidate.completion))
        verdicts: tuple[Verdict, ...] = () if verdict is None else (verdict,)
        failed = any(not verdict.passed for verdict in verdicts)
        return _told(replace(candidate, verdicts=verdicts, score=0.0 if failed else None), job)
    if not job.subject.requirements:
        return candidate
    texts = texts_of(candidate.completion)
    if len(texts) > 1:
        return _told(_scored(candidate, await _check_choices(candidate, texts, job, verifier), job), job)
    verdicts = await verifier.verify(candidate, job.subject, job.judge_terms)
    return _told(_scored(candidate, verdicts, job), job)


async def confirm(candidate: Candidate, job: Job, verifier: Verifier) -> tuple[Candidate, tuple[Verdict, ...]]:
    """With the word of an independent judge taken in, and that word by itself."""
    opinions = await verifier.confirm(candidate, job.subject, job.judge_terms)
    merged = merge_verdicts(candidate.verdicts, opinions)
    return _told(_scored(candidate, merged, job), job), opinions


async def _check_choices(candidate: Candidate, texts: list[str], job: Job, verifier: Verifier) -> tuple[Verdict, ...]:
    """Of several choices the worst counts: the client gets them all."""
    found: dict[int, tuple[Verdict, ...]] = {}

    async def one(position: int, text: str) -> None:
        shown = replace(candidate, id=f"{candidate.id}#{position}", text=text)
        found[position] = await verifier.verify(shown, job.subject, job.judge_terms)

    async with anyio.create_task_group() as group:
        for position, text in enumerate(texts):
            group.start_soon(one, position, text)
    return worst_verdicts([found[position] for position in sorted(found)])


def _scored(candidate: Candidate, verdicts: tuple[Verdict, ...], job: Job) -> Candidate:
    return replace(candidate, verdicts=verdicts, score=overall_score(job.subject.requirements, verdicts))


def _told(candidate: Candidate, job: Job) -> Candidate:
    failed = tuple(verdict.requirement for verdict in candidate.verdicts if not verdict.passed)
    job.watch(CandidateChecked(candidate.id, candidate.score, failed))
    return candidate
