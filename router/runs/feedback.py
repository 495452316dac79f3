"""A late word on an answer: kept, and turned into what outcomes and judges learn from."""

import json
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from router.ledger.ledger import Account
from router.ledger.reader import Reader
from router.ledger.writer import Writer


@dataclass(frozen=True, slots=True)
class Feedback:
    """One word: `score` 0..1 of the whole answer or of one `requirement`; None of it is required, but something is.

    `input` is the question again, from a client that lets it be learnt from: runs do not keep it.
    """

    id: str
    run_id: str
    account: Account
    created_at: float
    score: float | None = None
    requirement: str | None = None
    comment: str | None = None
    better_answer: str | None = None
    input: str | None = None

    def shown(self) -> dict[str, Any]:
        """As clients see it."""
        return {
            "id": self.id,
            "object": "maestro.feedback",
            "run_id": self.run_id,
            "created_at": self.created_at,
            "score": self.score,
            "requirement": self.requirement,
            "comment": self.comment,
            "better_answer": self.better_answer,
            "input": self.input,
        }


class Words(Protocol):
    """Where feedback is kept. Both raise Unavailable where it cannot be reached."""

    async def add(self, feedback: Feedback) -> None:
        """Stores it durably."""
        ...

    async def of_run(self, run_id: str) -> Sequence[Mapping[str, Any]]:
        """All words on a run, oldest first, as they are shown."""
        ...

    async def list_all(self, after: str = "", limit: int = 1000) -> Sequence[Mapping[str, Any]]:
        """Words on any run in the order of their ids, after one of them, as they are shown."""
        ...


class SqliteWords:
    """The `Words` of one SQLite file."""

    def __init__(self, writer: Writer, reader: Reader, now: Callable[[], float] = time.time) -> None:
        self._writer = writer
        self._reader = reader
        self._now = now

    async def add(self, feedback: Feedback) -> None:
        """Stores it durably."""
        await self._writer.do(lambda db: _add(db, feedback))

    async def of_run(self, run_id: str) -> Sequence[Mapping[str, Any]]:
        """All words on a run, oldest first."""
        sql = "select said from feedback where run_id = ? order by created_at, id limit 1000"
        rows = await self._reader.do(lambda db: db.execute(sql, (run_id,)).fetchall())
        return [json.loads(row[0]) for row in rows]

    async def list_all(self, after: str = "", limit: int = 1000) -> Sequence[Mapping[str, Any]]:
        """Words on any run."""
        sql = "select said from feedback where id > ? order by id limit ?"
        rows = await self._reader.do(lambda db: db.execute(sql, (after, limit)).fetchall())
        return [json.loads(row[0]) for row in rows]


def _add(db: sqlite3.Connection, feedback: Feedback) -> None:
    account = feedback.account
    db.execute(
        "insert into feedback (id, run_id, team, key_id, created_at, said) values (?, ?, ?, ?, ?, ?)",
        (
            feedback.id,
            feedback.run_id,
            account.team,
            account.key_id,
            feedback.created_at,
            json.dumps(feedback.shown()),
        ),
    )


def truths_of(feedback: Feedback) -> dict[str, bool]:
    """What the word says held of the chosen answer, by requirement ("" = the whole); empty where it scores nothing.

    A better answer without a score says that the one chosen was not good enough.
    """
    if feedback.score is not None:
        return {feedback.requirement or "": feedback.score >= 1.0}
    return {feedback.requirement or "": False} if feedback.better_answer is not None else {}


def outcome_of(feedback: Feedback, trace: Mapping[str, Any], kinds: Sequence[str] = ()) -> dict[str, Any] | None:
    """The row to learn from: the chosen action, and what was said of its answer; None where nothing was scored."""
    chosen = _chosen(trace)
    score = feedback.score if feedback.score is not None else (0.0 if feedback.better_answer is not None else None)
    if chosen is None or score is None:
        return None
    usage = chosen.get("usage") or {}
    return {
        "run_id": feedback.run_id,
        "action": chosen.get("action"),
        "model": chosen.get("model"),
        "technique": chosen.get("technique"),
        "propensity": 1.0,
        "success": None if feedback.requirement else float(score >= 1.0),
        "score": score,
        "kinds": list(kinds),
        "verdicts": {feedback.requirement: score} if feedback.requirement else {},
        "input_tokens": usage.get("input_tokens"),
        "output_tokens": usage.get("output_tokens"),
        "usd": chosen.get("usd"),
        "seconds": (chosen.get("ended_seconds") or 0.0) - (chosen.get("started_seconds") or 0.0),
        "source": "feedback",
        "feedback_id": feedback.id,
    }


def _chosen(trace: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The chosen candidate in a stored run."""
    name = (trace.get("chosen") or {}).get("candidate")
    return next((one for one in trace.get("candidates") or () if one.get("id") == name), None)
