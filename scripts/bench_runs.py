"""Runs under `kill -9`: how many are begun anew, how many fail, whether the books balance, and what was billed."""

import asyncio
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import aiohttp
import click

from scripts.bench_money import books_of, make_key, proxy
from scripts.fake_upstream import FakeUpstream, Scripted

RUNS = "/v1/maestro/runs"
BODY = {"input": "Say it.", "requirements": [{"name": "short", "description": "Answer in at most 3 words"}]}
PATIENCE_SECONDS = 120.0


@click.command()
@click.option("--runs", default=40, show_default=True, help="Begun before the server is killed.")
@click.option("--workers", default=1, show_default=True)
@click.option("--resume/--no-resume", default=True, show_default=True, help="The setting runs.resume.")
def command(runs: int, workers: int, resume: bool) -> None:
    """Begin runs, kill the server with SIGKILL while they wait for the upstream, start it again, wait for all."""
    click.echo(json.dumps(asyncio.run(_measure(runs, workers, resume))))


async def _measure(count: int, workers: int, resume: bool) -> dict[str, Any]:
    folder = Path(tempfile.mkdtemp())
    os.environ["MAESTRO_RUNS__RESUME"] = str(resume).lower()  # the server's process inherits it
    async with (
        FakeUpstream(Scripted("Short and kind", "slow", seconds=1.5)) as fake,
        aiohttp.ClientSession() as session,
    ):
        key = {"Authorization": f"Bearer {await make_key(folder, None)}"}
        async with proxy(folder, fake, workers) as (origin, _):
            made = await asyncio.gather(*(_begin(session, origin, key) for _ in range(count)))
            await fake.wait_until(lambda fake: bool(fake.live))
        killed_at, reached = time.monotonic(), len(fake.requests)
        async with proxy(folder, fake, workers) as (origin, _):
            ended = await asyncio.gather(*(_ended(session, origin, key, run_id) for run_id in made))
            seconds = time.monotonic() - killed_at
    totals, wrong = await books_of(folder)
    return {
        "begun": count,
        "calls_before_the_kill": reached,
        "completed": sum(run["status"] == "completed" for run in ended),
        "failed": sum(run["status"] == "failed" for run in ended),
        "seconds_until_all_had_ended": round(seconds, 1),
        "calls_charged": totals["calls"],
        "calls_that_reached_the_upstream": len(fake.requests),
        "estimated_calls": totals["estimated_calls"],
        "counters_wrong": wrong,
    }


async def _begin(session: aiohttp.ClientSession, origin: str, key: dict[str, str]) -> str:
    async with session.post(origin + RUNS, json=BODY, headers=key) as answer:
        return str((await answer.json())["id"])


async def _ended(session: aiohttp.ClientSession, origin: str, key: dict[str, str], run_id: str) -> Any:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            async with session.get(f"{origin}{RUNS}/{run_id}", headers=key) as answer:
                run = await answer.json()
            if run["status"] != "in_progress":
                return run
            await asyncio.sleep(0.2)


if __name__ == "__main__":
    command()
