"""Is what is expected after failures what comes? Models asked in random order, not as a planner would choose them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from action_model.belief import Belief, Evidence
from scripts.replay.tables import Table

FAILURES = 4
ORDERS = 3
FAILED = Evidence(0.0, 1.0)


def after_failures(table: Table, beliefs: Sequence[Belief], failures: int = FAILURES) -> list[dict[str, Any]]:
    """For 0, 1, … failures so far: how often that happened, the mean chance of the next random model, and how often it
    was right, with its standard error. The orders are drawn with a fixed seed."""
    dice = np.random.default_rng(0)
    told: list[list[tuple[float, bool]]] = [[] for _ in range(failures + 1)]
    for row, first in enumerate(beliefs):
        for _ in range(ORDERS):
            belief, order = first, dice.permutation(len(table.models))[: failures + 1]
            for tries, column in enumerate(order.tolist()):
                is_right = bool(table.passed[row, column] > 0)
                told[tries].append((float(belief.means()[column]), is_right))
                if is_right:
                    break
                belief = belief.after(column, FAILED)
    return [_row(failed, seen) for failed, seen in enumerate(told) if seen]


def _row(failed: int, seen: Sequence[tuple[float, bool]]) -> dict[str, Any]:
    came = np.array([is_right for _, is_right in seen], dtype=float)
    return {
        "failures": failed,
        "count": len(seen),
        "expected": float(np.mean([chance for chance, _ in seen])),
        "actual": float(came.mean()),
        "error": float(came.std() / len(seen) ** 0.5),
    }
