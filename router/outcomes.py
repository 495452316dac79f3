"""The rows that a run leaves to learn from."""

from typing import Any

from action_model.prices import to_usd
from router.task import Candidate, Run


def outcomes_of(run: Run, kinds: tuple[str, ...]) -> list[dict[str, Any]]:
    """One row a candidate. `propensity` is 1: the planner is deterministic."""
    return [_row(run.id, candidate, kinds) for candidate in run.candidates]


def _row(run_id: str, candidate: Candidate, kinds: tuple[str, ...]) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "action": candidate.action.name,
        "model": candidate.action.model,
        "technique": candidate.action.technique,
        "propensity": 1.0,
        "success": float(all(v.passed for v in candidate.verdicts)) if candidate.verdicts else None,
        "score": candidate.score,
        "kinds": list(kinds),
        "verdicts": {verdict.requirement: verdict.score for verdict in candidate.verdicts},
        "input_tokens": candidate.usage.input_tokens,
        "output_tokens": candidate.usage.output_tokens,
        "usd": to_usd(candidate.nanodollars),
        "seconds": candidate.ended_seconds - candidate.started_seconds,
    }
