"""What a worker counted is there again after a restart."""

from pathlib import Path
from typing import Any

import pytest

from action_model.learned import LearnedEstimator
from router.recounting import recalled
from scripts.fake_upstream import FakeUpstream, Scripted
from tests.proxy.served import Served, serving, settings_for

pytestmark = pytest.mark.anyio


async def ask(proxy: Served, count: int, first: int = 0) -> None:
    async with proxy.client() as client:
        for i in range(first, first + count):
            said: Any = [{"role": "user", "content": f"Say fact {i}."}]
            body = {"requirements": [{"name": "w", "description": "At most 2 words"}], "budget": {"calls": 1}}
            await client.chat.completions.create(model="maestro", messages=said, extra_body=body)


def counted(proxy: Served) -> dict[str, tuple[float, float]]:
    estimator = proxy.house.rooms.estimator
    assert isinstance(estimator, LearnedEstimator)
    online = estimator.online
    return {name: (offset.mean, online.gaps[name].count) for name, offset in online.overall.items()}


async def test_counts_survive_a_restart(tmp_path: Path) -> None:
    async with FakeUpstream(Scripted("far too many words")) as fake:
        settings = settings_for(fake, tmp_path)
        async with serving(settings) as proxy:
            assert counted(proxy) == {}
            await ask(proxy, 6)
            before = counted(proxy)
        assert before
        async with serving(settings) as proxy:
            again = counted(proxy)
        assert again.keys() == before.keys()
        assert all(again[name] == pytest.approx(before[name]) for name in before)


def test_what_was_not_checked_or_not_first_is_not_counted() -> None:
    kept = {"checkpoint": "c", "basis": "b", "demand": [0.1, -0.2, 0.3]}
    row = {"request": kept, "action": "a", "predicted": 0.5, "success": 1.0}
    others = [row | {"predicted": None}, row | {"success": None}, row | {"has_tool_calls": True}, row | {"request": {}}]
    assert [one.outcome for one in recalled([row, *others])] == [1.0]
