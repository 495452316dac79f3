"""Holds the money of a wave before any of it is spent."""

from msgspec.structs import replace

from router.answering import usage_of
from router.errors import BudgetExceeded, BudgetReserved, MaestroError, RunLimitReached
from router.job import Job
from router.planner import Stop
from router.task import FinishReason, Wave
from router.upstreams.upstream import Upstreams


async def hold_wave(wave: Wave, job: Job, upstreams: Upstreams, has_answer: bool) -> Wave | Stop:
    """Holds money for the wave; if it does not pay for all, for the cheapest action. Raises without any answer."""
    for tried in (wave, replace(wave, actions=(min(wave.actions, key=lambda planned: planned.estimate.usd_high),))):
        calls = [planned for planned in tried.actions if planned.action.technique != "confirm"]
        try:
            if calls:
                held = [(upstreams.find(p.action.model), usage_of(p.estimate)) for p in calls]
                await job.purse.hold(held, techniques=[p.action.technique for p in calls])
        except (BudgetExceeded, BudgetReserved, RunLimitReached) as error:
            refusal: MaestroError = error
        else:
            return tried
    if has_answer:
        return Stop(FinishReason.BUDGET_EXHAUSTED, refusal.message)
    raise refusal
