"""What is compared: one call, fixed policies, and Maestro at each effort, each through the router that serves."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from action_model.prices import to_usd
from proxy.assembly import Rooms
from proxy.control.task import read_task
from router.candidates import texts_of
from router.errors import MaestroError
from router.task import Caller, Run
from router.upstreams.upstream import Reply
from scripts.ifeval.prompts import Mode, Prompt


@dataclass(frozen=True)
class Arm:
    """One policy: the model a client names, and what is added to its body. `checks`: are requirements sent?"""

    name: str
    model: str
    extra: Mapping[str, Any] = field(default_factory=dict)
    checks: bool = True
    is_told: bool = False

    def body(self, prompt: Prompt, mode: Mode, max_tokens: int) -> dict[str, Any]:
        """The request."""
        messages = [{"role": "user", "content": prompt.text}]
        body = {"model": self.model, "messages": messages, "max_tokens": max_tokens, **self.extra}
        return {**body, "requirements": prompt.requirements(mode, self.is_told)} if self.checks else body


@dataclass(frozen=True)
class Played:
    """What one arm made of one prompt: kept in the journal, graded later."""

    key: str
    arm: str
    mode: str
    text: str = ""
    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    usd: float = 0.0
    seconds: float = 0.0
    score: float | None = None
    waves: int = 0
    error: str | None = None

    def line(self) -> str:
        """As a line of the journal."""
        return json.dumps(asdict(self)) + "\n"


def arms_of(
    models: Sequence[str], fixed: Sequence[str], n: int, efforts: Sequence[str], is_told: bool = True
) -> list[Arm]:
    """One call of each model; best-of-n and fix-only of the models in `fixed`; Maestro at each effort, which tells
    the models the requirements once more if `is_told`."""
    singles = [Arm(f"single {model}", model, checks=False) for model in models]
    best = [Arm(f"best_of_{n} {m}", m, {"maestro": {"technique": "best_of_n", "n": n, "model": m}}) for m in fixed]
    fix = [Arm(f"fix_{n} {m}", m, {"maestro": {"technique": "fix", "n": n, "model": m}}) for m in fixed]
    return [*singles, *best, *fix, *(Arm(f"maestro {e}", f"maestro-{e}", is_told=is_told) for e in efforts)]


async def play(rooms: Rooms, arm: Arm, prompt: Prompt, mode: Mode, max_tokens: int) -> Played:
    """Carries one arm out. What fails counts as an empty answer, with what went wrong."""
    caller, started = Caller(is_operator=True), time.monotonic()
    body = json.dumps(arm.body(prompt, mode, max_tokens)).encode()
    blank = Played(prompt.key, arm.name, mode)
    try:
        task = read_task({}, body, caller, rooms.settings)
        road = rooms.dispatcher.choose(task, caller)
        if road.kind == "relay":
            reply = await rooms.dispatcher.relay(task, caller, road)
            return of_reply(blank, reply, time.monotonic() - started)
        return of_run(blank, await rooms.dispatcher.run(task, caller, road))
    except MaestroError as error:
        return replace(blank, seconds=time.monotonic() - started, error=error.message)


def of_reply(blank: Played, reply: Reply, seconds: float) -> Played:
    """One call's answer."""
    used = reply.usage
    return replace(
        blank,
        text=(texts_of(reply.body) or ("",))[0],
        calls=1,
        input_tokens=used.input_tokens,
        output_tokens=used.output_tokens,
        usd=reply.model.price.usd(used, reply.seconds),
        seconds=seconds,
    )


def of_run(blank: Played, run: Run) -> Played:
    """A run's answer, and all that it took."""
    return replace(
        blank,
        text=run.chosen.text if run.chosen is not None else "",
        calls=len(run.attempts),
        input_tokens=run.usage.input_tokens,
        output_tokens=run.usage.output_tokens,
        usd=to_usd(run.spent),
        seconds=run.seconds,
        score=run.score,
        waves=len(run.waves),
    )
