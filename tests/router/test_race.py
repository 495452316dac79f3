"""Calls that race end with their run: the loser is settled, nobody's error is lost or told twice."""

import asyncio

import pytest

from action_model.prices import Price, Usage
from router.errors import UpstreamFailed
from router.race import Race, end_call
from router.upstreams.upstream import Model, Reply

pytestmark = pytest.mark.anyio
MODEL = Model("a", "m", "m", Price(1.0, 2.0))
REPLY = Reply(200, {}, b"{}", MODEL, Usage(), 1.0)


async def test_a_call_that_is_ended_has_settled_before_anything_else_happens() -> None:
    settled = list[str]()

    async def call() -> Reply:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            settled.append("settled")
        return REPLY

    running = asyncio.create_task(call())
    await asyncio.sleep(0)
    await end_call(running)
    assert settled == ["settled"]
    assert running.cancelled()


async def test_a_call_that_is_over_is_left_as_it_is() -> None:
    async def fail() -> Reply:
        raise UpstreamFailed("no", "a")

    running = asyncio.create_task(fail())
    await asyncio.wait((running,))
    await end_call(running)
    assert isinstance(running.exception(), UpstreamFailed)


async def test_a_race_is_won_by_the_first_and_lost_when_all_have_failed() -> None:
    won, lost = Race(), Race()
    for race in (won, lost):
        race.start()
        race.start()
        race.lose(UpstreamFailed("no", "a"))
        assert not race.over.is_set()
    won.win(REPLY)
    lost.lose(UpstreamFailed("neither", "b"))
    assert won.result() is REPLY
    with pytest.raises(UpstreamFailed, match="no"):
        lost.result()
