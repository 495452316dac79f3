"""Efforts as the operator set them: in a dry run's frontier; a call that may not be hedged is waited for."""

from typing import Any

import pytest

from router.efforts import EFFORTS, efforts_with
from router.planning.situation import Tradeoff
from router.task import Budget, Caller
from scripts.simulation import JumpingLoop, Play
from scripts.stage import stage, task

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return "asyncio", {"loop_factory": JumpingLoop}


async def test_a_dry_runs_frontier_is_at_the_efforts_that_the_operator_set() -> None:
    it = stage(lambda model, body, number: Play("fine"), efforts=efforts_with({"low": Tradeoff(1234.0, 0.5)}))
    shown = await it.dispatcher.explain(task(), Caller())
    points = {point["effort"]: (point["usd_value"], point["seconds_value"]) for point in shown["frontier"]}
    assert list(points) == ["low", "medium", "high"]
    assert points["low"] == (1234.0, 0.5)
    assert points["high"] == (EFFORTS["high"].usd, EFFORTS["high"].seconds)


@pytest.mark.parametrize("hedging", [True, False])
async def test_a_slow_call_is_hedged_unless_the_operator_forbids_it(hedging: bool) -> None:
    it = stage(lambda model, body, number: Play("fine", 1.0 if number else 60.0), max_parallel=1, hedging=hedging)
    run = await it.run(task(budget=Budget(effort="low")))
    assert (len(it.upstreams.heard) > 1, run.seconds < 60.0) == (hedging, hedging)
