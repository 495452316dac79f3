"""Several workers: what one is told through the dashboard, the others obey too."""

import asyncio
import re
from pathlib import Path

import httpx
import pytest

from scripts.fake_upstream import FakeUpstream, Scripted
from tests.proxy.served import two_workers

pytestmark = pytest.mark.anyio

BURST = 12
"""Requests over connections of their own: that one worker takes them all is as good as impossible."""


async def chosen_models(origin: str) -> set[str]:
    """The models that a burst of requests went to."""

    async def one() -> str:
        async with httpx.AsyncClient(base_url=origin, timeout=30) as client:
            messages = [{"role": "user", "content": "Prove that there are infinitely many primes."}]
            answer = await client.post("/v1/chat/completions", json={"model": "maestro", "messages": messages})
            return answer.raise_for_status().headers["x-maestro-model"]

    return set(await asyncio.gather(*(one() for _ in range(BURST))))


async def test_a_point_set_on_one_worker_is_obeyed_by_the_others(tmp_path: Path) -> None:
    async with FakeUpstream(Scripted(text="There are.")) as fake, two_workers(fake, tmp_path) as pair:
        origin = pair.origin
        assert await chosen_models(origin) == {"a/small"}
        async with httpx.AsyncClient(base_url=f"{origin}/dashboard", timeout=30) as client:
            word = re.search(r'name="word" value="([^"]+)"', (await client.get("/tradeoffs")).text)
            assert word is not None
            form = {"word": word[1], "whose": "", "usd": "0.5", "seconds": "0.0001", "act": "set"}
            assert (await client.post("/tradeoffs/point", data=form)).status_code == 303
        async with asyncio.timeout(60):  # a second on an idle machine: what is known of points is that old at most
            while await chosen_models(origin) != {"a/big"}:
                pass
