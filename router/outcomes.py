"""The rows that a run leaves to learn from."""

from collections.abc import Mapping, Sequence
from typing import Any

from action_model.estimator import Estimator
from action_model.prices import to_usd
from router.task import Candidate, PlannedAction, Run


def outcomes_of(run: Run, kinds: tuple[str, ...]) -> list[dict[str, Any]]:
    """One row a candidate. `propensity` is the chance that its action was in the first wave, 1 where nothing is
    explored; what later waves hold follows from what came before. `predicted` is of the first wave alone."""
    first = {planned.action: planned for wave in run.waves[:1] for planned in wave.actions}
    return [
        _row(run.id, candidate, kinds) | _chosen_by(None if candidate.wave else first.get(candidate.action))
        for candidate in run.candidates
    ]


def _chosen_by(planned: PlannedAction | None) -> dict[str, Any]:
    if planned is None:
        return {"predicted": None, "propensity": 1.0}
    return {"predicted": planned.estimate.success, "propensity": planned.propensity}


def teach(estimator: Estimator, text: str, rows: Sequence[Mapping[str, Any]], run: Run) -> None:
    """Tells the estimator what came of each first try that was checked.

    Later tries follow failures: what was predicted of them before those does not speak of them.
    """
    for row, candidate in zip(rows, run.candidates, strict=True):
        if row["predicted"] is not None and row["success"] is not None and not candidate.has_tool_calls:
            estimator.learn(text, candidate.action, row["predicted"], row["success"])


def _row(run_id: str, candidate: Candidate, kinds: tuple[str, ...]) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "action": candidate.action.name,
        "model": candidate.action.model,
        "technique": candidate.action.technique,
        "wave": candidate.wave,
        "has_parents": bool(candidate.parents),
        "has_tool_calls": candidate.has_tool_calls,
        "success": float(all(v.passed for v in candidate.verdicts)) if candidate.verdicts else None,
        "score": candidate.score,
        "kinds": list(kinds),
        "verdicts": {verdict.requirement: verdict.score for verdict in candidate.verdicts},
        "input_tokens": candidate.usage.input_tokens,
        "output_tokens": candidate.usage.output_tokens,
        "usd": to_usd(candidate.nanodollars),
        "seconds": candidate.ended_seconds - candidate.started_seconds,
    }
