"""A dispatcher over scripted upstreams, to see what it does in which order. Runs on a `JumpingLoop`."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec.structs import replace

from action_model.prices import Price
from action_model.prior import PriorConfig, PriorEstimator
from router.dispatcher import Dispatcher, DispatcherOptions
from router.judging.calibration import JudgeRates
from router.judging.judge import Judge
from router.task import Budget, Caller, Payload, Requirement, Run, Task
from router.upstreams.upstream import Model
from router.verify import Verifier
from scripts.simulation import MemoryLedger, Play, ScriptedUpstreams

SHORT = Requirement("short", "Answer in at most 3 words", is_mandatory=True)
SMALL = Model("a", "small", "small", Price(1.0, 2.0))
BIG = Model("b", "big", "big", Price(1.0, 8.0))
LONG = "this one is much too long"


@dataclass
class Stage:
    """The upstreams, the ledger, and the dispatcher over them."""

    upstreams: ScriptedUpstreams
    ledger: MemoryLedger
    dispatcher: Dispatcher

    async def run(self, task: Task, caller: Caller = Caller()) -> Run:
        """One run, after which nothing of it is left: no task, no call, no hold."""
        before = set(asyncio.all_tasks())
        try:
            return await self.dispatcher.run(task, caller, self.dispatcher.choose(task, caller))
        finally:
            left = set(asyncio.all_tasks()) - before
            if left or self.upstreams.live or self.ledger.held:
                raise AssertionError(f"left behind: {left}, {self.upstreams.live} calls, {self.ledger.held}")


def stage(
    script: Callable[[Model, Any, int], Play],
    *models: Model,
    judges: tuple[str, ...] = (),
    rates: JudgeRates | None = None,
    **options: Any,
) -> Stage:
    """A stage of two models, or those given; at most four actions at once. `options` are the dispatcher's."""
    upstreams, ledger = ScriptedUpstreams(models or (SMALL, BIG), script), MemoryLedger()
    verifier = Verifier(Judge(upstreams), [upstreams.find(name) for name in judges], rates)
    chosen = DispatcherOptions(asyncio.get_running_loop().time, {}, **{"max_parallel": 4, **options})
    estimator = PriorEstimator(PriorConfig(first_token_seconds=1.0, base_logit=0.0))
    return Stage(upstreams, ledger, Dispatcher(upstreams, ledger, estimator, verifier, chosen))


def task(*requirements: Requirement, **changes: Any) -> Task:
    """A short question, with one mandatory requirement unless others are given."""
    fields = {"messages": [{"role": "user", "content": "Say it."}], "max_tokens": 50}
    payload = Payload({name: msgspec.Raw(json.dumps(value).encode()) for name, value in fields.items()})
    return replace(Task("maestro", payload, requirements or (SHORT,), Budget(effort="high")), **changes)


def is_repair(body: Any) -> bool:
    """Is a request for a fix?"""
    return any(message["role"] == "assistant" for message in body["messages"])


def is_judging(body: Any) -> bool:
    """Is a request to the judge?"""
    return str(body["messages"][0]["content"]).startswith("You check")
