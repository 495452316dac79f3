"""Stored outcomes as `LoggedRun`s: which action each row speaks of, and what its run keeps of the text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from action_model.features import Floats, featurize
from action_model.identity import identity_of
from action_model.learnt import Learnt
from action_model.offline.logged import Choice, LoggedRun, Outcome
from router.efforts import EFFORTS
from router.ledger.ledger import Ledger, OutcomeQuery
from router.upstreams.upstream import Model

PAGE = 500
Row = Mapping[str, Any]


@dataclass
class Log:
    """What was read, and what could not be learnt from: why, and how many outcomes. `last` is the latest row's id."""

    runs: list[LoggedRun] = field(default_factory=list)
    outcomes: int = 0
    last: int = 0
    left_out: dict[str, int] = field(default_factory=dict)

    def leave(self, why: str) -> None:
        """One outcome more that says nothing."""
        self.left_out[why] = self.left_out.get(why, 0) + 1


class LogReader:
    """Reads outcomes for one checkpoint and the models that are configured now."""

    def __init__(self, learnt: Learnt, models: Sequence[Model]) -> None:
        self._learnt = learnt
        self._basis = identity_of(learnt).basis
        self._models = sorted(models, key=lambda model: -len(model.id))

    async def read(self, ledger: Ledger, query: OutcomeQuery) -> Log:
        """All outcomes, page by page, at most `query.limit`. Raises Unavailable."""
        log, rows = Log(), list[Row]()
        after, left = query.after, query.limit
        while left > 0 and (page := await ledger.outcomes(replace(query, after=after, limit=min(PAGE, left)))):
            rows += page
            after, left = int(page[-1]["id"]), left - len(page)
        log.outcomes, log.last = len(rows), after
        by_run: dict[str, list[Row]] = {}
        for row in rows:
            by_run.setdefault(str(row["run_id"]), []).append(row)
        for run_id, some in by_run.items():
            run = self._run(run_id, some, log)
            if run is not None:
                log.runs.append(run)
        return log

    def column(self, action: str) -> str | None:
        """Family and variant of a sample's name; None of another technique, or a model that is not configured."""
        model = next((model for model in self._models if action.startswith(f"{model.id}:")), None)
        if model is None:
            return None
        technique, _, variant = action[len(model.id) + 1 :].partition(":")
        family = (model.family or model.name).lower()
        return None if technique != "sample" else f"{family}:{variant}" if variant else family

    def _run(self, run_id: str, rows: Sequence[Row], log: Log) -> LoggedRun | None:
        outcomes = self._outcomes(rows, log)
        if not outcomes:
            return None
        request: Mapping[str, Any] = rows[0]["request"]
        read = self._reading(request)
        if read is None:
            for _ in outcomes:
                log.leave("read by another checkpoint, and the text was not stored")
            return None
        low = EFFORTS["low"]
        return LoggedRun(
            id=run_id,
            demand=read[0],
            kinds=tuple(request.get("kinds") or rows[0].get("kinds") or ()),
            usd_value=float(request.get("usd_value", low.usd)),
            seconds_value=float(request.get("seconds_value", low.seconds)),
            choices=self._choices(rows[0]["alternatives"]),
            outcomes=tuple(outcomes),
            log_tokens=read[1],
        )

    def _outcomes(self, rows: Sequence[Row], log: Log) -> list[Outcome]:
        said = {
            row["action"]: float(row["success"]) for row in rows if _is_feedback(row) and row["success"] is not None
        }
        found = []
        for row in rows:
            if _is_feedback(row):
                continue
            column = self.column(str(row["action"]))
            success = said.get(row["action"], row["success"])
            if column is None:
                log.leave("not a sample of a model that is configured")
            elif row.get("has_parents") or row.get("has_tool_calls"):
                log.leave("a repair, or a call of the client's tools")
            elif success is None:
                log.leave("not validated")
            else:
                found.append(_outcome(row, column, float(success)))
        return found

    def _choices(self, alternatives: Sequence[Row]) -> tuple[Choice, ...]:
        found = [
            Choice(column, float(one["usd"]), float(one["seconds"]))
            for one in alternatives
            if one.get("fits") and not one.get("parents") and (column := self.column(str(one["action"]))) is not None
        ]
        return tuple({choice.column: choice for choice in reversed(found)}.values())

    def _reading(self, request: Mapping[str, Any]) -> tuple[Floats, float] | None:
        """What the text demands, and how long answers to it are: as it was read then, or read again."""
        if request.get("basis") == self._basis:
            return np.array(request["demand"], dtype=np.float64), float(request.get("log_tokens") or "nan")
        text = request.get("text")
        if text is None:
            return None
        x = self._learnt.projection(featurize([text]))
        return self._learnt.demand(self._learnt.logits_at(x))[0], float(self._learnt.log_tokens.predict(x)[0].mean())


def _is_feedback(row: Row) -> bool:
    return row.get("source") == "feedback"


def _outcome(row: Row, column: str, success: float) -> Outcome:
    predicted = row.get("predicted")
    wave = row.get("wave")
    return Outcome(
        column=column,
        wave=int(wave) if wave is not None else int(predicted is None),
        success=success,
        propensity=float(row.get("propensity") or 1.0),
        predicted=None if predicted is None else float(predicted),
        usd=float(row.get("usd") or 0.0),
        seconds=float(row.get("seconds") or 0.0),
        output_tokens=row.get("output_tokens"),
    )
