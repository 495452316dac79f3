"""What is expected of a fix follows what came of fixes, model by model; and runs learn it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.repairs import MOST, Repairs
from router.task import Budget, NamedAction
from scripts.simulation import JumpingLoop, Play
from scripts.stage import LONG, SMALL, is_repair, stage, task

CHANCE = st.floats(0.01, 1.0)


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return "asyncio", {"loop_factory": JumpingLoop}


@given(st.lists(st.tuples(CHANCE, st.booleans()), max_size=100))
def test_a_factor_stays_between_nothing_and_its_bound(seen: list[tuple[float, bool]]) -> None:
    it = Repairs()
    for expected, passed in seen:
        it.observe("m", expected, passed)
    assert 0.0 < it.factor("m") <= MOST
    assert it.factor("other") == 1.0


@given(CHANCE, st.integers(1, 60))
def test_fixes_that_fail_lower_what_is_expected_and_fixes_that_pass_raise_it(expected: float, count: int) -> None:
    worse, better = Repairs(), Repairs()
    for _ in range(count):
        before, above = worse.factor("m"), better.factor("m")
        worse.observe("m", expected, False)
        better.observe("m", expected, True)
        assert worse.factor("m") <= before
        assert better.factor("m") >= above - 0.02
    assert worse.factor("m") < 1.0 <= better.factor("m") + 1e-9


@pytest.mark.anyio
async def test_a_model_whose_fixes_fail_is_expected_to_fix_less() -> None:
    it = stage(lambda model, body, number: Play(LONG, 1.0), SMALL, max_parallel=1)
    expected = []
    for _ in range(6):
        run = await it.run(task(budget=Budget(effort="high", calls=6)))
        fixes = [option for option in run.waves[1].alternatives if option["parents"]]
        expected.append(max(option["success"] for option in fixes))
    assert expected == sorted(expected, reverse=True)
    assert 0.0 < expected[-1] < 0.8 * expected[0]


@pytest.mark.anyio
async def test_fixes_that_pass_are_expected_to_pass_and_named_fixes_teach_too() -> None:
    it = stage(lambda model, body, number: Play("fine" if is_repair(body) else LONG, 1.0), SMALL, max_parallel=1)
    expected = []
    for _ in range(4):
        await it.run(task(named_action=NamedAction("fix", 4, "a/small")))
        run = await it.run(task(budget=Budget(effort="high", calls=6)))
        fixes = [option for wave in run.waves[1:2] for option in wave.alternatives if option["parents"]]
        expected += [max(option["success"] for option in fixes)] if fixes else []
    assert expected[-1] > expected[0]
