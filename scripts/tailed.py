"""Fake upstreams with heavy-tailed latencies, each in a process of its own, so that only Maestro is on the event loop.

`python -m scripts.tailed --seed 1` serves one until it is ended.
"""

import asyncio
import random
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import click

from scripts.fake_upstream import FakeUpstream, Scripted


@dataclass(frozen=True, slots=True)
class Tail:
    """Pareto latencies: the shortest, and the index (1.1: the mean is eleven times the shortest)."""

    shortest_seconds: float = 0.05
    index: float = 1.1

    def draw(self, dice: random.Random) -> float:
        """Seconds of one call."""
        return min(60.0, self.shortest_seconds * dice.paretovariate(self.index))


def scripted(tail: Tail, dice: random.Random) -> Any:
    """Heavy-tailed answers, 3 in 10 of which do not satisfy."""
    return lambda _: Scripted("fine" if dice.random() < 0.7 else "far too many words here", seconds=tail.draw(dice))


@asynccontextmanager
async def served(tail: Tail, seed: int) -> AsyncIterator[str]:
    """One of them as a process; its base URL. Ended on leaving."""
    words = ["--seed", str(seed), "--shortest", str(tail.shortest_seconds), "--index", str(tail.index)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "scripts.tailed", *words, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        yield (await process.stdout.readline()).decode().strip()
    finally:
        process.terminate()
        await process.communicate()


async def _serve(tail: Tail, seed: int) -> None:
    async with FakeUpstream(scripted(tail, random.Random(seed))) as fake:
        click.echo(fake.base_url)
        await asyncio.Event().wait()


@click.command()
@click.option("--seed", default=1, show_default=True)
@click.option("--shortest", default=0.05, show_default=True)
@click.option("--index", default=1.1, show_default=True)
def command(seed: int, shortest: float, index: float) -> None:
    """Serve on loopback; the first line printed is the base URL."""
    asyncio.run(_serve(Tail(shortest, index), seed))


if __name__ == "__main__":
    command()
