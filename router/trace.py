"""A run's tree as JSON: waves, attempts, candidates, verdicts, predictions, money and times."""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import asdict

from action_model.prices import to_usd
from router.task import Attempt, Candidate, PlannedAction, Run, Verdict, Wave


def trace_of(run: Run, with_texts: bool) -> dict[str, Any]:
    """The tree that is stored and served; answers' texts only if the operator stores texts."""
    chosen = run.chosen
    return {
        "id": run.id,
        "status": "completed" if chosen else "failed",
        "finish_reason": str(run.finish_reason),
        "score": run.score,
        "chosen": {"candidate": chosen.id, "model": chosen.action.model, "technique": chosen.action.technique}
        if chosen
        else None,
        "waves": [wave_of(wave, i) for i, wave in enumerate(run.waves)],
        "candidates": [_candidate(candidate, with_texts) for candidate in run.candidates],
        "attempts": [_attempt(attempt) for attempt in run.attempts],
        "predicted": dict(run.predicted),
        "nanodollars": run.spent,
        "usd": to_usd(run.spent),
        "seconds": run.seconds,
        "problems": list(run.problems),
        "cut": [asdict(saving) for saving in run.savings],
        "saved_output_tokens": sum(saving.saved_tokens for saving in run.savings),
    }


def wave_of(wave: Wave, number: int) -> dict[str, Any]:
    """One wave with what it was chosen by."""
    return {
        "wave": number,
        "reason": wave.reason,
        "value": wave.value,
        "actions": [_planned(planned) for planned in wave.actions],
        "alternatives": [dict(alternative) for alternative in wave.alternatives[:16]],
    }


def _planned(planned: PlannedAction) -> dict[str, Any]:
    estimate = planned.estimate
    return {
        "action": planned.action.name,
        "model": planned.action.model,
        "technique": planned.action.technique,
        "parents": list(planned.parents),
        "propensity": planned.propensity,
        "predicted": {
            "success": estimate.success,
            "score": estimate.score,
            "output_tokens": estimate.output_tokens,
            "usd": estimate.usd,
            "seconds": estimate.seconds,
            "seconds_high": estimate.seconds_high,
        },
    }


def _candidate(candidate: Candidate, with_texts: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": candidate.id,
        "action": candidate.action.name,
        "model": candidate.action.model,
        "technique": candidate.action.technique,
        "wave": candidate.wave,
        "parents": list(candidate.parents),
        "score": candidate.score,
        "verdicts": [verdict_of(verdict) for verdict in candidate.verdicts],
        "usd": to_usd(candidate.nanodollars),
        "usage": usage_of(candidate),
        "started_seconds": candidate.started_seconds,
        "ended_seconds": candidate.ended_seconds,
        "repair_count": candidate.repair_count,
    }
    return {**shown, "text": candidate.text} if with_texts else shown


def usage_of(candidate: Candidate) -> Mapping[str, int]:
    """A candidate's own tokens."""
    return {"input_tokens": candidate.usage.input_tokens, "output_tokens": candidate.usage.output_tokens}


def verdict_of(verdict: Verdict) -> dict[str, Any]:
    """One verdict."""
    return {
        "requirement": verdict.requirement,
        "score": verdict.score,
        "passed": verdict.passed,
        "reason": verdict.reason,
        "source": verdict.source,
        "confidence": verdict.confidence,
        **_word(verdict),
    }


def _word(verdict: Verdict) -> dict[str, Any]:
    word = verdict.word
    return {} if word is None else {"judge": {"model": word.judge, "kind": word.kind, "claimed": word.claimed}}


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "id": attempt.id,
        "model": attempt.model,
        "purpose": attempt.purpose,
        "started_seconds": attempt.started_seconds,
        "ended_seconds": attempt.ended_seconds,
        "outcome": attempt.outcome,
        "input_tokens": attempt.usage.input_tokens,
        "output_tokens": attempt.usage.output_tokens,
        "usd": to_usd(attempt.nanodollars),
        "is_estimated": attempt.is_estimated,
        "error": attempt.error,
    }
