"""Slots are never over-given, never lost, and shared between teams."""

import asyncio
from typing import Any

import pytest

from router.fairness import FairGate, FairGates
from scripts.simulation import JumpingLoop

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return "asyncio", {"loop_factory": JumpingLoop}


async def work(gate: FairGate, team: str, done: list[str], most: list[int]) -> None:
    async with gate.slot(team):
        most.append(gate.running)
        await asyncio.sleep(1.0)
    done.append(team)


async def test_never_more_than_the_limit_and_all_get_through() -> None:
    gate, done, most = FairGate(3), list[str](), list[int]()
    await asyncio.gather(*(work(gate, f"t{number % 4}", done, most) for number in range(20)))
    assert max(most) == 3
    assert len(done) == 20
    assert gate.running == 0


async def test_a_team_with_one_call_does_not_wait_behind_a_team_with_many() -> None:
    gate, done, most = FairGate(2), list[str](), list[int]()
    greedy = [asyncio.create_task(work(gate, "greedy", done, most)) for _ in range(10)]
    await asyncio.sleep(0.1)
    await asyncio.gather(work(gate, "modest", done, most), *greedy)
    assert done.index("modest") <= 4


async def test_equal_teams_take_turns() -> None:
    gate, done, most = FairGate(1), list[str](), list[int]()
    await asyncio.gather(*(work(gate, team, done, most) for team in "aaabbb"))
    assert done == list("ababab")


async def test_a_cancelled_wait_takes_no_slot() -> None:
    gate, done, most = FairGate(1), list[str](), list[int]()
    first = asyncio.create_task(work(gate, "a", done, most))
    await asyncio.sleep(0.1)
    second = asyncio.create_task(work(gate, "b", done, most))
    third = asyncio.create_task(work(gate, "c", done, most))
    await asyncio.sleep(0.1)
    second.cancel()
    await asyncio.gather(first, third)
    assert done == ["a", "c"]
    assert gate.running == 0


async def test_a_wait_cancelled_in_the_moment_it_is_admitted_gives_its_slot_on() -> None:
    gate, entered = FairGate(1), asyncio.Event()

    async def hold() -> None:
        async with gate.slot("a"):
            await entered.wait()

    holder = asyncio.create_task(hold())
    await asyncio.sleep(0)
    waiter = asyncio.create_task(hold())
    last = asyncio.create_task(hold())
    await asyncio.sleep(0.1)
    entered.set()
    await holder
    waiter.cancel()
    await asyncio.wait((waiter, last))
    assert gate.running == 0


async def test_waiting_for_a_slow_upstream_takes_no_common_slot() -> None:
    gates = FairGates(2, {"slow": 1})
    order: list[str] = []

    async def call(upstream: str, seconds: float) -> None:
        async with gates.slot(upstream, "t"):
            await asyncio.sleep(seconds)
            order.append(upstream)

    await asyncio.gather(call("slow", 5.0), call("slow", 5.0), call("slow", 5.0), call("quick", 1.0))
    assert order[0] == "quick"
