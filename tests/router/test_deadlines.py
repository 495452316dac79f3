"""Many runs with heavy-tailed upstreams on a clock that jumps: none outlives its deadline, each returns its best."""

import random
from typing import Any

import pytest

from router.errors import UpstreamTimeout
from router.task import Budget
from router.upstreams.upstream import Model
from scripts.simulation import JumpingLoop, Play
from scripts.stage import LONG, Stage, stage, task

pytestmark = pytest.mark.anyio
BUDGETS = (1.5, 3.0, 6.0)


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return "asyncio", {"loop_factory": JumpingLoop}


def tailed(seed: int) -> Stage:
    dice = random.Random(seed)

    def script(model: Model, body: Any, number: int) -> Play:
        return Play("fine" if dice.random() < 0.4 else LONG, 0.3 * dice.paretovariate(1.1))

    return stage(script)


@pytest.mark.parametrize("seconds", BUDGETS)
async def test_no_run_outlives_its_deadline_and_the_best_candidate_comes_back(seconds: float) -> None:
    timeouts = 0
    for seed in range(30):
        it = tailed(seed)
        try:
            run = await it.run(task(budget=Budget(seconds=seconds, effort="high")))
        except UpstreamTimeout:
            timeouts += 1
            assert all(heard.outcome != "ok" for heard in it.upstreams.heard)
            continue
        assert run.seconds <= seconds + 1e-6
        assert run.chosen is not None
        assert (run.chosen.score or 0.0) == max(candidate.score or 0.0 for candidate in run.candidates)
        answered = [heard for heard in it.upstreams.heard if heard.outcome == "ok"]
        assert len(run.candidates) >= min(1, len(answered))
    assert timeouts < 15
