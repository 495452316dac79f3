"""What an answer tells besides the completion: `requirements_result`, the `maestro` block, and our headers."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from action_model.belief import Estimate
from action_model.prices import Usage, to_usd
from router.ledger.ledger import Standing
from router.roads import Road
from router.task import Candidate, FinishReason, Requirement, Run, Task, Verdict, Wave
from router.upstreams.upstream import Model


class Relayed(msgspec.Struct, frozen=True):
    """One relayed call, as it went: what the `maestro` block of a relay tells."""

    run_id: str
    model: str
    usage: Usage
    nanodollars: int
    seconds: float
    predicted: Mapping[str, float]
    prompt: str = "plain"
    tool_limit: int | None = None

    @classmethod
    def by(cls, road: Road, model: Model, usage: Usage, seconds: float) -> "Relayed":
        """What `model` brought on this road, at its price."""
        action, cost = road.action_by(model.id), model.price.nanodollars(usage, seconds)
        told = predicted_by(road.estimate)
        return cls(road.run_id, model.id, usage, cost, seconds, told, action.prompt, action.tool_limit)


def predicted_by(estimate: Estimate | None) -> dict[str, float]:
    """What was predicted of a relay; empty where nothing was."""
    if estimate is None:
        return {}
    return {"success": estimate.success, "usd": estimate.usd, "seconds": estimate.seconds}


def usage_object(usage: Usage) -> dict[str, Any]:
    """Tokens in OpenAI's shape."""
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": {
            "cached_tokens": usage.cached_input_tokens,
            "audio_tokens": usage.audio_input_tokens,
        },
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning_tokens,
            "audio_tokens": usage.audio_output_tokens,
        },
    }


def requirements_result(task: Task, run: Run) -> dict[str, Any]:
    """AI21's shape; a score of null was not validated."""
    verdicts = run.chosen.verdicts if run.chosen else ()
    by_name = {verdict.requirement: verdict for verdict in verdicts}
    return {
        "score": run.score,
        "finish_reason": str(run.finish_reason),
        "requirements": [_judged(requirement, by_name.get(requirement.name)) for requirement in task.requirements],
    }


def unvalidated() -> dict[str, Any]:
    """The result where nothing was asked to hold."""
    return {"score": None, "finish_reason": str(FinishReason.UNVALIDATED), "requirements": []}


def run_block(task: Task, run: Run, standings: Sequence[Standing]) -> dict[str, Any]:
    """The `maestro` block of a run of waves."""
    chosen = run.chosen
    return {
        "run_id": run.id,
        "score": run.score,
        "finish_reason": str(run.finish_reason),
        "chosen": None if chosen is None else _chosen(chosen),
        "waves": [_wave(wave, index, run.candidates) for index, wave in enumerate(run.waves)],
        "candidates": len(run.candidates),
        "predicted": dict(run.predicted),
        "actual": {"success": _succeeded(task, run), "usd": to_usd(run.spent), "seconds": round(run.seconds, 4)},
        "usd": to_usd(run.spent),
        "seconds": round(run.seconds, 4),
        "budget": budget_object(task),
        "team": team_object(standings),
        "problems": list(run.problems),
    }


def relay_block(task: Task, relayed: Relayed, standings: Sequence[Standing]) -> dict[str, Any]:
    """The `maestro` block of one relayed call."""
    usd, seconds = to_usd(relayed.nanodollars), round(relayed.seconds, 4)
    return {
        "run_id": relayed.run_id,
        "score": None,
        "finish_reason": str(FinishReason.UNVALIDATED),
        "chosen": {
            "model": relayed.model,
            "technique": "sample",
            "prompt": relayed.prompt,
            "tool_limit": relayed.tool_limit,
            "usage": usage_object(relayed.usage),
        },
        "waves": [],
        "candidates": 1,
        "predicted": dict(relayed.predicted),
        "actual": {"success": None, "usd": usd, "seconds": seconds},
        "usd": usd,
        "seconds": seconds,
        "budget": budget_object(task),
        "team": team_object(standings),
        "problems": [],
    }


def budget_object(task: Task) -> dict[str, Any]:
    """The run's limits as they held."""
    budget = task.budget
    return {"usd": budget.usd, "seconds": budget.seconds, "calls": budget.calls, "effort": budget.effort}


def team_object(standings: Sequence[Standing]) -> dict[str, Any] | None:
    """The team's money now; None without a team."""
    team = next((standing for standing in standings if standing.scope == "team" and standing.id), None)
    if team is None:
        return None
    return {
        "id": team.id,
        "window": team.window,
        "limit_usd": None if team.limit is None else to_usd(team.limit),
        "spent_usd": to_usd(team.spent),
        "reserved_usd": to_usd(team.reserved),
        "remaining_usd": None if team.limit is None else to_usd(_remaining(team)),
        "resets_at": team.resets_at,
    }


def money_headers(standings: Sequence[Standing]) -> dict[str, str]:
    """X-Maestro-Team and, where team or key has a limit, what is left, whether it grows short, and when it resets."""
    headers: dict[str, str] = {}
    for standing in standings:
        if standing.scope == "team":
            headers["x-maestro-team"] = standing.id
        if standing.limit is not None:
            headers |= _limit_headers(standing, standing.limit)
    return headers


def _limit_headers(standing: Standing, limit: int) -> dict[str, str]:
    """Dollars, and unix seconds; without a reset where the limit is for good."""
    name = f"x-maestro-{standing.scope}-budget"
    headers = {f"{name}-limit-usd": usd_text(limit), f"{name}-remaining-usd": usd_text(_remaining(standing))}
    if standing.soft_limit is not None and standing.spent >= standing.soft_limit * limit:
        headers[f"{name}-warning"] = f"more than {standing.soft_limit:.0%} is spent"
    if standing.resets_at is not None:
        headers[f"{name}-reset"] = str(math.ceil(standing.resets_at))
    return headers


def run_headers(run: Run) -> dict[str, str]:
    """The headers of a whole answer of a run."""
    headers = {
        "x-maestro-run-id": run.id,
        "x-maestro-cost-usd": usd_text(run.spent),
        "x-maestro-finish-reason": str(run.finish_reason),
    }
    if run.chosen is not None:
        headers["x-maestro-model"] = run.chosen.action.model
    if run.score is not None:
        headers["x-maestro-score"] = f"{run.score:.4f}"
    return headers


def usd_text(nanodollars: int) -> str:
    """Dollars to the nanodollar, without an exponent."""
    sign = "-" if nanodollars < 0 else ""
    whole, rest = divmod(abs(nanodollars), 1_000_000_000)
    return f"{sign}{whole}.{rest:09d}"


def _remaining(standing: Standing) -> int:
    return max(0, (standing.limit or 0) - standing.spent - standing.reserved)


def _judged(requirement: Requirement, verdict: Verdict | None) -> dict[str, Any]:
    return {
        "name": requirement.name,
        "description": requirement.description,
        "is_mandatory": requirement.is_mandatory,
        "score": None if verdict is None else verdict.score,
        "reason": "not validated" if verdict is None else verdict.reason,
    }


def _succeeded(task: Task, run: Run) -> bool | None:
    """Did every requirement hold? None where it is not known of all."""
    if run.chosen is None or not task.requirements:
        return None
    scores = [verdict.score for verdict in run.chosen.verdicts]
    if len(scores) < len(task.requirements) or None in scores:
        return None
    return all(score == 1.0 for score in scores)


def _chosen(candidate: Candidate) -> dict[str, Any]:
    return {
        "model": candidate.action.model,
        "technique": candidate.action.technique,
        "prompt": candidate.action.prompt,
        "tool_limit": candidate.action.tool_limit,
        "candidate": candidate.id,
        "usage": own_usage(candidate),
    }


def own_usage(candidate: Candidate) -> Any:
    """The winner's own usage, as its upstream told it."""
    told = msgspec.json.decode(candidate.completion, type=dict[str, msgspec.Raw]).get("usage")
    return usage_object(candidate.usage) if told is None or bytes(told) == b"null" else told


def _wave(wave: Wave, index: int, candidates: Sequence[Candidate]) -> dict[str, Any]:
    return {
        "reason": wave.reason,
        "value": wave.value,
        "actions": [
            {
                "model": planned.action.model,
                "technique": planned.action.technique,
                "prompt": planned.action.prompt,
                "tool_limit": planned.action.tool_limit,
                "parents": list(planned.parents),
                "predicted": {
                    "success": planned.estimate.success,
                    "usd": planned.estimate.usd,
                    "seconds": planned.estimate.seconds,
                },
            }
            for planned in wave.actions
        ],
        "candidates": [_candidate(candidate) for candidate in candidates if candidate.wave == index],
    }


def _candidate(candidate: Candidate) -> dict[str, Any]:
    return {
        "id": candidate.id,
        "model": candidate.action.model,
        "technique": candidate.action.technique,
        "parents": list(candidate.parents),
        "score": candidate.score,
        "scores": {verdict.requirement: verdict.score for verdict in candidate.verdicts},
        "usd": to_usd(candidate.nanodollars),
        "seconds": round(candidate.ended_seconds - candidate.started_seconds, 4),
    }
