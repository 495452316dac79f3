"""`maestro bench latency`: many runs over real sockets, against upstreams whose latencies have heavy tails.

How late runs end after their budget's seconds and how often an answer came; what hedging does to the time of runs
without a deadline; and how near the time of a wave comes to its critical path.
"""

import asyncio
import json
import random
import statistics
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import msgspec
from msgspec.structs import replace

from action_model.prices import Price
from action_model.prior import PriorConfig, PriorEstimator
from router.dispatcher import Dispatcher, DispatcherOptions
from router.errors import MaestroError
from router.judging.judge import Judge
from router.ledger.sqlite import SqliteLedger
from router.task import Budget, Caller, NamedAction, Payload, Requirement, Task
from router.upstreams.pool import UpstreamSpec, build_pool
from router.upstreams.transport import Address
from router.upstreams.upstream import Model
from router.verify import Verifier
from scripts.fake_upstream import FakeUpstream, Scripted
from scripts.stamp import stamp
from scripts.tailed import Tail, served

SHORT = Requirement("short", "Answer in at most 3 words", is_mandatory=True)
CALLER = Caller(team="bench")


@dataclass(frozen=True, slots=True)
class Ended:
    """One run: its budget (None: no deadline), how long it took, how it ended, and how many calls it made."""

    budget: float | None
    seconds: float
    how: str
    calls: int = 0


@asynccontextmanager
async def built(tail: Tail, seed: int, upstreams: int = 2, **options: Any) -> AsyncIterator[Dispatcher]:
    """A dispatcher over fake upstreams in processes of their own, with a durable ledger."""
    async with AsyncExitStack() as exits:
        urls = [await exits.enter_async_context(served(tail, seed + number)) for number in range(upstreams)]
        yield await exits.enter_async_context(dispatcher_over(urls, 2 * tail.shortest_seconds, **options))


@asynccontextmanager
async def dispatcher_over(urls: Sequence[str], first_token_seconds: float, **options: Any) -> AsyncIterator[Dispatcher]:
    """A dispatcher over these upstreams; `options` are its own. The first of them judges."""
    async with AsyncExitStack() as exits:
        folder = exits.enter_context(tempfile.TemporaryDirectory())
        models = [Model(f"up{number}", "m", "m", Price(0.1, 0.4)) for number in range(len(urls))]
        addressed = zip(models, urls, strict=True)
        pool = build_pool([UpstreamSpec(Address(model.upstream, url), (model,), 512) for model, url in addressed])
        exits.push_async_callback(pool.close)
        ledger = SqliteLedger(Path(folder) / "ledger.db")
        await ledger.start()
        exits.push_async_callback(ledger.close)
        estimator = PriorEstimator(PriorConfig(first_token_seconds=first_token_seconds, tokens_per_second=500))
        chosen = DispatcherOptions(asyncio.get_running_loop().time, {}, **options)
        yield Dispatcher(pool, ledger, estimator, Verifier(Judge(pool), models[:1]), chosen)


def task(seconds: float | None) -> Task:
    """A short question with one mandatory requirement."""
    fields = {"messages": [{"role": "user", "content": "Say it."}], "max_tokens": 20}
    payload = Payload({name: msgspec.Raw(json.dumps(value).encode()) for name, value in fields.items()})
    return Task("maestro", payload, (SHORT,), Budget(seconds=seconds, effort="medium"))


async def one(dispatcher: Dispatcher, seconds: float | None) -> Ended:
    """One run, timed from the outside."""
    clock = asyncio.get_running_loop().time
    made, began, calls = task(seconds), clock(), 0
    try:
        run = await dispatcher.run(made, CALLER, dispatcher.choose(made, CALLER))
        how, calls = str(run.finish_reason), len(run.attempts)
    except MaestroError as error:
        how = type(error).__name__
    return Ended(seconds, clock() - began, how, calls)


async def many(runs: int, parallel: int, budgets: Sequence[float | None], seed: int, **options: Any) -> list[Ended]:
    """Runs, so many at once; `options` are the dispatcher's."""
    ended = list[Ended]()
    waiting = iter([budgets[number % len(budgets)] for number in range(runs)])
    async with built(Tail(), seed, **options) as dispatcher:

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


def deadlines(runs: int, parallel: int, budgets: Sequence[float], seed: int) -> dict[str, Any]:
    """How late runs end after their budget's seconds."""
    ended = asyncio.run(many(runs, parallel, budgets, seed))
    return lateness(ended) | {"parallel": parallel, "budgets": list(budgets), "seconds": durations(ended)}


def hedging(runs: int, parallel: int, seed: int) -> dict[str, Any]:
    """Runs without a deadline, one answer at a time, with hedges and without: seconds, and calls a run."""
    found: dict[str, Any] = {"runs": runs, "parallel": parallel}
    for name, allowed in (("with", True), ("without", False)):
        ended = asyncio.run(many(runs, parallel, [None], seed, hedging=allowed, max_parallel=1))
        calls = statistics.fmean(run.calls for run in ended)
        found[name] = {"seconds": durations(ended), "calls": round(calls, 3)}
    return found


def overlap(runs: int, seed: int) -> dict[str, Any]:
    """Eight samples at once, each judged: a run's seconds over its critical path, the slowest sample and its judge."""
    ratios = sorted(asyncio.run(overlapping(runs, seed)))
    return {"runs": runs, "mean": round(statistics.fmean(ratios), 3), "max": round(ratios[-1], 3)}


async def overlapping(runs: int, seed: int) -> list[float]:
    """Wall time over critical path, a run."""
    dice, drawn, ratios = random.Random(seed), list[float](), list[float]()

    def script(body: Any) -> Scripted:
        if str(body["messages"][0]["content"]).startswith("You check"):
            return Scripted(
                json.dumps({"verdicts": [{"satisfied": False, "score": 0.2, "reason": "cold"}]}), seconds=0.2
            )
        drawn.append(dice.uniform(0.3, 0.9))
        return Scripted("an answer", seconds=drawn[-1])

    named = NamedAction("best_of_n", 8, "up0/m")
    async with FakeUpstream(script) as fake, dispatcher_over([fake.base_url], 0.3) as dispatcher:
        for _ in range(runs):
            drawn.clear()
            kind = Requirement("kind", "Sound kind")
            made = replace(task(None), requirements=(kind,), named_action=named)
            run = await dispatcher.run(made, CALLER, dispatcher.choose(made, CALLER))
            ratios.append(run.seconds / (max(drawn) + 0.2))
    return ratios


@click.command()
@click.option("--cases", default="deadlines,hedging,overlap", show_default=True)
@click.option("--runs", default=1000, show_default=True)
@click.option("--parallel", default=16, show_default=True)
@click.option("--budgets", default="0.3,0.6,1.0", show_default=True, help="Seconds, taken in turn.")
@click.option("--seed", default=1, show_default=True)
@click.option("--json", "json_path", type=click.Path(dir_okay=False, path_type=Path))
def command(cases: str, runs: int, parallel: int, budgets: str, seed: int, json_path: Path | None) -> None:
    """How late runs end after their budget's seconds, what hedging brings, and how well a wave overlaps."""
    benches: dict[str, Callable[[], dict[str, Any]]] = {
        "deadlines": lambda: deadlines(runs, parallel, [float(one) for one in budgets.split(",")], seed),
        "hedging": lambda: hedging(runs // 4, 4, seed),
        "overlap": lambda: overlap(20, seed),
    }
    if unknown := set(cases.split(",")) - set(benches):
        raise click.BadParameter(f"no case {', '.join(sorted(unknown))}", param_hint="--cases")
    found = {name: benches[name]() for name in cases.split(",")}
    click.echo(json.dumps(found, indent=2))
    if json_path is not None:
        json_path.write_text(json.dumps({"bench": "latency", "made": stamp(), **found}, indent=1), "utf-8")


if __name__ == "__main__":
    command()
