"""How well deadlines hold: many runs over real sockets, against upstreams whose latencies have heavy tails.

`python -m scripts.bench_latency --runs 1000`. Prints JSON: how late runs end after their budget's seconds, how often
an answer came, and what hedging does to the time of runs without a deadline.
"""

import asyncio
import json
import random
import statistics
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import msgspec

from action_model.prices import Price
from action_model.prior import PriorConfig, PriorEstimator
from router.dispatcher import Dispatcher, DispatcherOptions
from router.errors import MaestroError
from router.judging.judge import Judge
from router.ledger.sqlite import SqliteLedger
from router.task import Budget, Caller, Payload, Requirement, Task
from router.upstreams.pool import UpstreamSpec, build_pool
from router.upstreams.transport import Address
from router.upstreams.upstream import Model
from router.verify import Verifier
from scripts.fake_upstream import FakeUpstream, Scripted

SHORT = Requirement("short", "Answer in at most 3 words", is_mandatory=True)
CALLER = Caller(team="bench")


@dataclass(frozen=True, slots=True)
class Tail:
    """Pareto latencies: the shortest, and the index (1.1: the mean is eleven times the shortest)."""

    shortest_seconds: float = 0.05
    index: float = 1.1

    def draw(self, dice: random.Random) -> float:
        """Seconds of one call."""
        return min(60.0, self.shortest_seconds * dice.paretovariate(self.index))


@dataclass(frozen=True, slots=True)
class Ended:
    """One run: its budget (None: no deadline), how long it took, and how it ended."""

    budget: float | None
    seconds: float
    how: str


def scripted(tail: Tail, dice: random.Random) -> Any:
    """Heavy-tailed answers, 3 in 10 of which do not satisfy."""
    return lambda _: Scripted("fine" if dice.random() < 0.7 else "far too many words here", seconds=tail.draw(dice))


@asynccontextmanager
async def built(tail: Tail, dice: random.Random, upstreams: int = 2) -> AsyncIterator[Dispatcher]:
    """A dispatcher over fake upstreams on loopback, with a durable ledger."""
    async with AsyncExitStack() as exits:
        folder = exits.enter_context(tempfile.TemporaryDirectory())
        specs = []
        for number in range(upstreams):
            fake = await exits.enter_async_context(FakeUpstream(scripted(tail, dice)))
            name = f"up{number}"
            specs.append(UpstreamSpec(Address(name, fake.base_url), (Model(name, "m", "m", Price(0.1, 0.4)),), 512))
        pool = build_pool(specs)
        exits.push_async_callback(pool.close)
        ledger = SqliteLedger(Path(folder) / "ledger.db")
        await ledger.start()
        exits.push_async_callback(ledger.close)
        estimator = PriorEstimator(PriorConfig(first_token_seconds=2 * tail.shortest_seconds, tokens_per_second=500))
        options = DispatcherOptions(asyncio.get_running_loop().time, {})
        yield Dispatcher(pool, ledger, estimator, Verifier(Judge(pool), []), options)


def task(seconds: float | None) -> Task:
    """A short question with one mandatory requirement."""
    fields = {"messages": [{"role": "user", "content": "Say it."}], "max_tokens": 20}
    payload = Payload({name: msgspec.Raw(json.dumps(value).encode()) for name, value in fields.items()})
    return Task("maestro", payload, (SHORT,), Budget(seconds=seconds, effort="medium"))


async def one(dispatcher: Dispatcher, seconds: float | None) -> Ended:
    """One run, timed from the outside."""
    clock = asyncio.get_running_loop().time
    made, began = task(seconds), clock()
    try:
        run = await dispatcher.run(made, CALLER, dispatcher.choose(made, CALLER))
        how = str(run.finish_reason)
    except MaestroError as error:
        how = type(error).__name__
    return Ended(seconds, clock() - began, how)


async def many(runs: int, parallel: int, budgets: Sequence[float | None], seed: int) -> list[Ended]:
    """Runs, so many at once."""
    dice, ended = random.Random(seed), list[Ended]()
    waiting = iter([budgets[number % len(budgets)] for number in range(runs)])
    async with built(Tail(), dice) as dispatcher:

        async def work() -> None:
            for seconds in waiting:
                ended.append(await one(dispatcher, seconds))

        async with asyncio.TaskGroup() as group:
            for _ in range(parallel):
                group.create_task(work())
    return ended


def quantile(values: Sequence[float], q: float) -> float:
    """The q-quantile."""
    return statistics.quantiles(values, n=1000, method="inclusive")[round(q * 1000) - 1]


def lateness(ended: Sequence[Ended]) -> dict[str, Any]:
    """Milliseconds by which runs ended after (below 0: before) their deadline."""
    late = [1000.0 * (run.seconds - run.budget) for run in ended if run.budget is not None]
    return {
        "runs": len(ended),
        "late_ms": {f"p{100 * q:g}": round(quantile(late, q), 1) for q in (0.5, 0.95, 0.99, 0.999)}
        | {"max": round(max(late), 1)},
        "over_50_ms": sum(ms > 50.0 for ms in late),
        "over_100_ms": sum(ms > 100.0 for ms in late),
        "ended": {how: sum(run.how == how for run in ended) for how in sorted({run.how for run in ended})},
    }


def durations(ended: Sequence[Ended]) -> dict[str, float]:
    """Seconds from start to end."""
    return {f"p{100 * q:g}": round(quantile([run.seconds for run in ended], q), 3) for q in (0.5, 0.95, 0.99)}


@click.command()
@click.option("--runs", default=1000, show_default=True)
@click.option("--parallel", default=4, show_default=True)
@click.option("--budgets", default="0.3,0.6,1.0", show_default=True, help="Seconds, taken in turn.")
@click.option("--seed", default=1, show_default=True)
def command(runs: int, parallel: int, budgets: str, seed: int) -> None:
    """How late runs end after their budget's seconds, on upstreams with heavy-tailed latencies."""
    ended = asyncio.run(many(runs, parallel, [float(one) for one in budgets.split(",")], seed))
    click.echo(json.dumps(lateness(ended) | {"seconds": durations(ended)}, indent=2))


if __name__ == "__main__":
    command()
