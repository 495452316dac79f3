"""What a run came to: the chosen candidate, the reason it ended, or the error that says why there is nothing. Pure."""

from router.campaign import Campaign
from router.candidates import best_of
from router.checks.conflicts import find_problems
from router.errors import BadRequest, MaestroError, RunLimitReached, UpstreamTimeout, describe
from router.executor import most_telling
from router.ledger.purse import RunPurse
from router.planner import Stop
from router.roads import Road
from router.task import Candidate, FinishReason, Run
from router.upstreams.upstream import Reply

CUT_BY = (FinishReason.DEADLINE, FinishReason.BUDGET_EXHAUSTED)


def finished_run(campaign: Campaign, stop: Stop, run_id: str) -> Run:
    """The run, its best candidate chosen; an unfinished answer only where there is no other."""
    purse = campaign.job.purse
    candidates = campaign.candidates or [max(campaign.partials, key=lambda partial: len(partial.text))]
    chosen = best_of(candidates, campaign.support() if campaign.candidates else {})
    return Run(
        id=run_id,
        finish_reason=_reason(chosen, stop),
        chosen=chosen,
        score=chosen.score,
        candidates=tuple(candidates),
        waves=tuple(campaign.waves),
        attempts=purse.attempts,
        usage=purse.usage,
        spent=purse.spent,
        seconds=purse.elapsed(),
        predicted=campaign.predicted,
        problems=_problems(campaign),
        savings=tuple(campaign.savings),
    )


def failed_run(campaign: Campaign, stop: Stop, run_id: str) -> Run:
    """A run without any answer, to be kept all the same: what was tried, and why it failed."""
    purse = campaign.job.purse
    return Run(
        id=run_id,
        finish_reason=stop.reason,
        chosen=None,
        score=None,
        candidates=(),
        waves=tuple(campaign.waves),
        attempts=purse.attempts,
        usage=purse.usage,
        spent=purse.spent,
        seconds=purse.elapsed(),
        predicted=campaign.predicted,
        problems=_problems(campaign),
        savings=tuple(campaign.savings),
    )


def _problems(campaign: Campaign) -> tuple[str, ...]:
    """What went wrong on the way, and requirements that repeat or contradict each other."""
    subject = campaign.job.subject
    errors = ("{kind}: {message}".format(**describe(error)) for error in campaign.errors)
    return tuple(dict.fromkeys((*find_problems(subject.requirements, subject.compiled), *errors)))


def _reason(chosen: Candidate, stop: Stop) -> FinishReason:
    """Why it ended. What is chosen decides whether all is satisfied: the last to come may be another candidate."""
    if chosen.has_tool_calls or (chosen.score is None and stop.reason not in CUT_BY):
        return FinishReason.UNVALIDATED
    return stop.reason


def relayed_run(road: Road, purse: RunPurse, reply: Reply) -> Run:
    """A relay as a run of one candidate, without its text."""
    estimate = road.estimate
    action = road.action_by(reply.model.id)
    cost = reply.model.price.nanodollars(reply.usage, reply.seconds)
    chosen = Candidate("c0.0", action, b"", "", usage=reply.usage, nanodollars=cost, ended_seconds=reply.seconds)
    told = {} if estimate is None else {"success": estimate.success, "usd": estimate.usd, "seconds": estimate.seconds}
    return Run(
        id=road.run_id,
        finish_reason=FinishReason.UNVALIDATED,
        chosen=chosen,
        score=None,
        candidates=(chosen,),
        waves=(),
        attempts=purse.attempts,
        usage=purse.usage,
        spent=purse.spent,
        seconds=purse.elapsed(),
        predicted=told,
    )


def nothing_found(campaign: Campaign, stop: Stop) -> MaestroError:
    """Why there is no candidate at all: an upstream's own words, the deadline, or a budget that pays for nothing."""
    if campaign.errors:
        return most_telling(campaign.errors)
    if campaign.waves and stop.reason == FinishReason.DEADLINE:
        upstream = campaign.waves[-1].actions[0].action.model.split("/", 1)[0]
        return UpstreamTimeout("no upstream answered within the budget's seconds", upstream)
    return BadRequest(f"No answer fits the budget of this request: {stop.why}.", "budget", "budget_too_small")


def too_small(error: RunLimitReached) -> BadRequest:
    """The run's own limit, where nothing came of the run."""
    return BadRequest(f"The budget of this request is too small: {error.message}.", "budget", "budget_too_small")
