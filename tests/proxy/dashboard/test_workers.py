"""Several workers: what one is told through the dashboard, the others obey too."""

import asyncio
import contextlib
import re
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from scripts.fake_upstream import FakeUpstream, Scripted

pytestmark = pytest.mark.anyio

BURST = 12
"""Requests over connections of their own: that one worker takes them all is as good as impossible."""


@contextlib.asynccontextmanager
async def two_workers(fake: FakeUpstream, folder: Path) -> AsyncIterator[str]:
    """The origin of `maestro serve` with two workers."""
    config = folder / "maestro.toml"
    model = '[[upstream.model]]\nname = "{}"\ninput_usd_per_mtok = {}\noutput_usd_per_mtok = {}\n'
    config.write_text(
        f'[server]\nport = 0\nworkers = 2\n[ledger]\nurl = "sqlite:///{folder}/maestro.db"\n[[upstream]]\nname = "a"\n'
        f'base_url = "{fake.base_url}"\n{model.format("small", 1.0, 4.0)}{model.format("big", 10.0, 40.0)}'
    )
    command = (sys.executable, "-c", "from scripts.main import main; main()", "serve", "--config", str(config))
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    assert process.stderr is not None
    try:
        origin, ready = "", 0
        async with asyncio.timeout(60):
            while not origin or ready < 2:
                line = (await process.stderr.readline()).decode()
                assert line, "the server ended"
                origin = line.split("running on ")[1].split()[0] if "running on" in line else origin
                ready += "startup complete" in line
        yield origin
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.communicate(), 30)


async def chosen_models(origin: str) -> set[str]:
    """The models that a burst of requests went to."""

    async def one() -> str:
        async with httpx.AsyncClient(base_url=origin, timeout=30) as client:
            messages = [{"role": "user", "content": "Prove that there are infinitely many primes."}]
            answer = await client.post("/v1/chat/completions", json={"model": "maestro", "messages": messages})
            return answer.raise_for_status().headers["x-maestro-model"]

    return set(await asyncio.gather(*(one() for _ in range(BURST))))


async def test_a_point_set_on_one_worker_is_obeyed_by_the_others(tmp_path: Path) -> None:
    async with FakeUpstream(Scripted(text="There are.")) as fake, two_workers(fake, tmp_path) as origin:
        assert await chosen_models(origin) == {"a/small"}
        async with httpx.AsyncClient(base_url=f"{origin}/dashboard", timeout=30) as client:
            word = re.search(r'name="word" value="([^"]+)"', (await client.get("/tradeoffs")).text)
            assert word is not None
            form = {"word": word[1], "whose": "", "usd": "0.5", "seconds": "0.0001", "act": "set"}
            assert (await client.post("/tradeoffs/point", data=form)).status_code == 303
        async with asyncio.timeout(60):  # a second on an idle machine: what is known of points is that old at most
            while await chosen_models(origin) != {"a/big"}:
                pass
