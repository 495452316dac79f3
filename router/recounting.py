"""At the start of a worker: the counts that a restart would lose, rebuilt from the ledger's latest outcomes."""

import asyncio
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from action_model.estimator import Estimator
from action_model.online import Recalled
from router.errors import Unavailable
from router.ledger.ledger import Ledger, OutcomeQuery

logger = logging.getLogger("maestro.learning")
MOST_OUTCOMES = 4000
"""The counts fade: of each action about five hundred outcomes matter."""
MOST_SECONDS = 10.0


async def recount(ledger: Ledger, estimator: Estimator) -> int:
    """How many outcomes were taken in. A ledger that does not answer in time costs the counts, not the start."""
    if not estimator.reading(""):
        return 0
    try:
        async with asyncio.timeout(MOST_SECONDS):
            rows = await ledger.outcomes(OutcomeQuery(limit=MOST_OUTCOMES, newest=True))
    except (Unavailable, TimeoutError) as error:
        logger.warning("the counts begin anew: the ledger's outcomes cannot be read: %r", error)
        return 0
    taken = await asyncio.to_thread(_take, estimator, rows)
    logger.info("counts rebuilt from %d of the latest %d outcomes", taken, len(rows))
    return taken


def _take(estimator: Estimator, rows: Sequence[Mapping[str, Any]]) -> int:
    return sum(estimator.recall(outcome) for outcome in recalled(rows))


def recalled(rows: Sequence[Mapping[str, Any]]) -> Iterator[Recalled]:
    """Those that `teach` took in when they came: checked first tries, whose text's demand was kept."""
    for row in rows:
        request, predicted, success = row["request"], row.get("predicted"), row.get("success")
        if predicted is None or success is None or row.get("has_tool_calls") or not request.get("demand"):
            continue
        demand = np.array(request["demand"], dtype=np.float64)
        yield Recalled(str(request["checkpoint"]), demand, str(row["action"]), float(predicted), float(success))
