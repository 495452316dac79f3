"""From stored runs: what was expected of each action that was begun, and what came of it, repairs beside samples."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

Trace = Mapping[str, Any]


def actions_of(trace: Trace) -> list[dict[str, Any]]:
    """Every answer of a run whose requirements were validated: what was expected of it, did it pass, what it gained."""
    found = {candidate["id"]: candidate for candidate in trace["candidates"]}
    rows = []
    for candidate in found.values():
        if candidate["score"] is None or not candidate["verdicts"]:
            continue
        parents = [found[name] for name in candidate["parents"] if name in found]
        rows.append(
            {
                "technique": candidate["technique"],
                "repairs": candidate["repair_count"],
                "expected": expected_of(trace, candidate),
                "passed": candidate["score"] >= 1.0,
                "gain": candidate["score"] - max((p["score"] or 0.0 for p in parents), default=0.0),
                "usd": candidate["usd"],
            }
        )
    return rows


def expected_of(trace: Trace, candidate: Mapping[str, Any]) -> float | None:
    """The chance that the planner gave this action from these parents, as its wave tells it; None if it does not."""
    if candidate["wave"] >= len(trace["waves"]):
        return None
    wave, parents = trace["waves"][candidate["wave"]], list(candidate["parents"])
    for option in wave["alternatives"]:
        if option["action"] == candidate["action"] and list(option["parents"]) == parents:
            return float(option["success"])
    if parents:
        return None
    same = (planned for planned in wave["actions"] if planned["action"] == candidate["action"])
    return next((float(planned["predicted"]["success"]) for planned in same), None)


def repairs(traces: Sequence[Trace]) -> list[dict[str, Any]]:
    """By technique and number of repairs: how many, expected and actual share that passed, gain in score, dollars."""
    rows = [row for trace in traces for row in actions_of(trace)]
    groups = sorted({(row["technique"], row["repairs"]) for row in rows})
    return [
        told(name, count, [r for r in rows if (r["technique"], r["repairs"]) == (name, count)])
        for name, count in groups
    ]


def told(technique: str, count: int, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Means of one group; expected and actual over those of which something was expected."""
    known = [row for row in rows if row["expected"] is not None]
    return {
        "technique": technique,
        "repairs": count,
        "count": len(rows),
        "with_expectation": len(known),
        "expected": _mean(known, "expected"),
        "actual": _mean(known, "passed"),
        "passed": _mean(rows, "passed"),
        "gain": _mean(rows, "gain"),
        "usd": _mean(rows, "usd"),
    }


def endings(traces: Sequence[Trace]) -> dict[str, Any]:
    """How runs ended, and what was spent after the answer that was chosen: money of a stop that came too late."""
    chosen = [trace for trace in traces if trace.get("chosen")]
    late, runs_late = 0.0, 0
    for trace in chosen:
        (best,) = [c for c in trace["candidates"] if c["id"] == trace["chosen"]["candidate"]] or [None]
        after = [c["usd"] for c in trace["candidates"] if best and c["started_seconds"] >= best["ended_seconds"]]
        late, runs_late = late + sum(after), runs_late + bool(after)
    spent = sum(float(trace["usd"]) for trace in traces)
    reasons = [str(trace["finish_reason"]) for trace in traces]
    return {
        "runs": len(traces),
        "reasons": {name: reasons.count(name) for name in sorted(set(reasons))},
        "runs_with_answers_after_the_chosen": runs_late,
        "usd_after_the_chosen_share": late / spent if spent else 0.0,
    }


def _mean(rows: Sequence[Mapping[str, Any]], name: str) -> float | None:
    return float(np.mean([row[name] for row in rows])) if rows else None
