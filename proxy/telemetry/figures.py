"""What is worth counting of a run that is over. Pure."""

from collections.abc import Iterable, Mapping

from router.task import Attempt, Run


def overhead_seconds(run: Run) -> float:
    """Of the run's seconds, those in which no upstream was working: planning, checking, waiting for a slot."""
    busy, until = 0.0, 0.0
    for attempt in sorted(run.attempts, key=lambda a: a.started_seconds):
        busy += max(0.0, attempt.ended_seconds - max(until, attempt.started_seconds))
        until = max(until, attempt.ended_seconds)
    return max(0.0, run.seconds - busy)


def waste_usd(run: Run) -> Mapping[str, float]:
    """Money that brought nothing of the answer: by `cancelled`, `error`, and `not_chosen` (and not an ancestor)."""
    waste = {"cancelled": 0.0, "error": 0.0, "not_chosen": 0.0}
    for attempt in run.attempts:
        if attempt.outcome != "ok":
            waste[attempt.outcome] += attempt.nanodollars / 1e9
    used = _lineage(run)
    waste["not_chosen"] = sum(c.nanodollars for c in run.candidates if c.id not in used) / 1e9
    return {reason: usd for reason, usd in waste.items() if usd > 0}


def succeeded(run: Run) -> float | None:
    """1 if everything that could be validated is satisfied, 0 if not; None where nothing was validated."""
    return None if run.score is None else float(run.score >= 1.0)


def requirement_scores(run: Run, kinds: Mapping[str, str]) -> Iterable[tuple[str, float]]:
    """(kind, score) of each validated requirement of the chosen answer; `kinds` by the requirement's name."""
    for verdict in run.chosen.verdicts if run.chosen else ():
        if verdict.score is not None:
            yield kinds.get(verdict.requirement, "other"), verdict.score


def provider_of(model: str) -> str:
    """The upstream of "upstream/model"."""
    return model.split("/", 1)[0]


def by_purpose(attempts: Iterable[Attempt]) -> Iterable[tuple[str, str, str]]:
    """(model, purpose, outcome) of each attempt."""
    return ((attempt.model, attempt.purpose, attempt.outcome) for attempt in attempts)


def _lineage(run: Run) -> set[str]:
    parents = {candidate.id: candidate.parents for candidate in run.candidates}
    waiting, used = [run.chosen.id] if run.chosen else [], set[str]()
    while waiting:
        name = waiting.pop()
        if name not in used:
            used.add(name)
            waiting.extend(parents.get(name, ()))
    return used
