"""`POST …/maestro/runs/{id}/feedback`: a late word on an answer, shown in the run and learnt from."""

import time
from collections.abc import Mapping
from typing import Any

import msgspec

from proxy.assembly import Rooms
from proxy.exchange import Answer, Exchange
from proxy.house import House
from proxy.runs.desk import may_see, not_found
from proxy.runs.routes import run_id_in
from proxy.studio.body import decode_object
from router.errors import BadRequest
from router.ids import new_id
from router.ledger.ledger import Account
from router.runs.feedback import Feedback, outcome_of, truths_of

KNOWN = ("score", "requirement", "comment", "better_answer", "input")
LONGEST_COMMENT = 10_000
LONGEST_ANSWER = 1_000_000


class FeedbackRoutes:
    """The handler."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def create(self, exchange: Exchange, rooms: Rooms) -> Answer:
        """Keeps the word, and teaches outcomes and judges by it. Raises NotFound, BadRequest."""
        run_id, caller = run_id_in(exchange), exchange.caller
        trace = await rooms.ledger.find_run(run_id) if run_id else None
        if trace is None or not may_see(caller, str(trace.get("team"))):
            raise not_found("run", run_id)
        feedback = read_feedback(decode_object(exchange.body), run_id, Account(caller.team, caller.key_id), trace)
        await self._house.desk.words.add(feedback)
        outcome = outcome_of(feedback, trace)
        if outcome is not None:
            await rooms.ledger.record_outcomes([outcome])
        labels = await self._teach(rooms, trace, feedback)
        learnt = {"outcomes": int(outcome is not None), "judge_labels": labels}
        return Answer(msgspec.json.encode({**feedback.shown(), "learnt": learnt}))

    async def _teach(self, rooms: Rooms, trace: Mapping[str, Any], feedback: Feedback) -> int:
        truths = truths_of(feedback)
        return await rooms.verifier.rates.learn_from_feedback(trace, truths) if truths else 0


def read_feedback(said: Mapping[str, Any], run_id: str, account: Account, trace: Mapping[str, Any]) -> Feedback:
    """A word on a run. Raises BadRequest naming the field; one that says nothing is refused too."""
    unknown = next((name for name in said if name not in KNOWN), None)
    if unknown is not None:
        raise BadRequest(f"'{unknown}' is not known; known are {', '.join(KNOWN)}.", unknown)
    score = _score(said.get("score"))
    comment = _text(said, "comment", LONGEST_COMMENT)
    better = _text(said, "better_answer", LONGEST_ANSWER)
    if score is None and comment is None and better is None:
        raise BadRequest("Feedback needs a score, a comment or a better_answer.", "score")
    requirement = _text(said, "requirement", 200)
    named = {v.get("requirement") for c in trace.get("candidates") or () for v in c.get("verdicts") or ()}
    if requirement is not None and requirement not in named:
        raise BadRequest(f"The run has no requirement named '{requirement}'.", "requirement")
    question = _text(said, "input", LONGEST_ANSWER)
    return Feedback(f"fb-{new_id()}", run_id, account, time.time(), score, requirement, comment, better, question)


def _score(value: Any) -> float | None:
    """0 to 1; true and false are 1 and 0."""
    if value is None:
        return None
    if not isinstance(value, int | float) or not 0 <= value <= 1:
        raise BadRequest("'score' must be a number from 0 to 1, or true or false.", "score")
    return float(value)


def _text(said: Mapping[str, Any], name: str, longest: int) -> str | None:
    value = said.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not 0 < len(value) <= longest:
        raise BadRequest(f"'{name}' must be a string of 1 to {longest} characters.", name)
    return value
