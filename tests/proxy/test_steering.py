"""What an effort states of its mean cost is kept over a restart."""

import math
from pathlib import Path
from typing import Any

import pytest

from proxy.assembly import stated_means
from proxy.settings import Settings, SettingsError
from proxy.terms import EffortSettings
from router.planning.situation import Tradeoff
from router.steering import GAIN
from scripts.fake_upstream import FakeUpstream, Scripted
from tests.proxy.served import Served, serving, settings_for


async def ask(proxy: Served, **wish: Any) -> dict[str, Any]:
    """What was kept of a run's request."""
    async with proxy.client() as client:
        said: Any = [{"role": "user", "content": "Say it."}]
        answer = await client.chat.completions.create(model="maestro", messages=said, extra_body=wish)
        kept: Any = await proxy.house.rooms.ledger.find_run((answer.model_extra or {})["maestro"]["run_id"])
        return {**kept["request"], "usd": kept["usd"]}


@pytest.mark.anyio
async def test_a_restart_goes_on_where_it_was_and_a_named_action_counts_for_nothing(tmp_path: Path) -> None:
    wish: Any = {"requirements": [{"name": "w", "description": "At most 2 words"}], "budget": {"calls": 1}}
    async with FakeUpstream(Scripted("far too many words")) as fake:
        point = EffortSettings(usd=0.01, seconds=0.0)
        plain = settings_for(fake, tmp_path).model_copy(update={"efforts": {"low": point}})
        async with serving(plain) as proxy:
            untold = await ask(proxy, **wish)
        assert "usd_scale" not in untold
        goal_usd = untold["usd"] / 3
        stated = {"low": point.model_copy(update={"mean_usd": goal_usd})}
        settings = plain.model_copy(update={"efforts": stated})
        async with serving(settings) as proxy:
            once = await ask(proxy, **wish)
            named = await ask(proxy, **wish, maestro={"technique": "sample", "n": 1})
        async with serving(settings) as proxy:
            twice = await ask(proxy, **wish)
    assert once["usd_value"] == twice["usd_value"] == 0.01
    debts = [run["usd"] / goal_usd - 1.0 for run in (once, twice)]
    assert once["usd_scale"] == named["usd_scale"] == pytest.approx(math.exp(GAIN * debts[0]))
    assert twice["usd_scale"] == pytest.approx(math.exp(GAIN * sum(debts)))


def test_two_efforts_of_the_same_worths_cannot_cost_differently() -> None:
    low, high = EffortSettings(usd=1.0, seconds=0.0, mean_usd=0.1), EffortSettings(usd=1.0, seconds=0.0, mean_usd=0.2)
    assert stated_means(Settings(efforts={"low": low})) == {Tradeoff(1.0, 0.0): 0.1}
    with pytest.raises(SettingsError, match="high"):
        stated_means(Settings(efforts={"low": low, "high": high}))
