"""A stored run as a tree: waves, the candidates of each with their verdicts and attempts, and a waterfall of times.

The one place that knows how a stored run (JSON of `router.trace`) looks. What is missing is shown as missing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]
WIDTH = 100.0


@dataclass(frozen=True, slots=True)
class Bar:
    """One call in the waterfall; `start` and `width` in percent of the run."""

    label: str
    kind: str
    start: float
    width: float
    seconds: float
    usd: float
    tip: str


@dataclass(frozen=True, slots=True)
class WaveRow:
    """A wave with what was predicted of its actions and the candidates it brought."""

    number: int
    reason: str
    value: float
    actions: tuple[Row, ...]
    candidates: tuple[Row, ...]
    alternatives: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class RunTree:
    """A run as its page shows it. `compared` are (what, predicted, actual) of success, usd and seconds."""

    id: str
    head: Row
    waves: tuple[WaveRow, ...]
    attempts: tuple[Row, ...]
    waterfall: tuple[Bar, ...]
    compared: tuple[tuple[str, float | None, float | None], ...]
    requirements: tuple[Row, ...]
    problems: tuple[str, ...]
    has_texts: bool


def tree_of(run: Row) -> RunTree:
    """The tree of a stored run."""
    candidates = _rows(run, "candidates")
    chosen_id = (run.get("chosen") or {}).get("candidate")
    chosen = next((c for c in candidates if c.get("id") == chosen_id), None)
    return RunTree(
        id=str(run.get("id", "")),
        head=run,
        waves=_waves(run, candidates, chosen_id),
        attempts=_rows(run, "attempts"),
        waterfall=_waterfall(_rows(run, "attempts"), float(run.get("seconds") or 0.0)),
        compared=_compared(run),
        requirements=_rows(chosen or {}, "verdicts"),
        problems=tuple(map(str, run.get("problems") or ())),
        has_texts=any(candidate.get("text") for candidate in candidates),
    )


def _rows(of: Row, name: str) -> tuple[Row, ...]:
    return tuple(row for row in of.get(name) or () if isinstance(row, Mapping))


def _waves(run: Row, candidates: Sequence[Row], chosen_id: str | None) -> tuple[WaveRow, ...]:
    marked = [{**_blank(), **candidate, "is_chosen": candidate.get("id") == chosen_id} for candidate in candidates]
    waves = _rows(run, "waves")
    if not waves:
        return (WaveRow(0, "relayed: one call, passed through", 0.0, (), tuple(marked), ()),) if marked else ()
    return tuple(
        WaveRow(
            number=i,
            reason=str(wave.get("reason", "")),
            value=float(wave.get("value") or 0.0),
            actions=_rows(wave, "actions"),
            candidates=tuple(c for c in marked if c.get("wave") == i),
            alternatives=_rows(wave, "alternatives"),
        )
        for i, wave in enumerate(waves)
    )


def _blank() -> dict[str, Any]:
    return {"score": None, "verdicts": (), "parents": (), "text": None, "usd": None, "repair_count": 0, "usage": {}}


def _waterfall(attempts: Sequence[Row], whole: float) -> tuple[Bar, ...]:
    length = max([whole, *(float(a.get("ended_seconds") or 0.0) for a in attempts)], default=0.0) or 1.0
    return tuple(_bar(attempt, length) for attempt in attempts)


def _bar(attempt: Row, length: float) -> Bar:
    start = max(0.0, float(attempt.get("started_seconds") or 0.0))
    seconds = max(0.0, float(attempt.get("ended_seconds") or 0.0) - start)
    usd, purpose, model = float(attempt.get("usd") or 0.0), attempt.get("purpose", "call"), attempt.get("model", "?")
    kind = purpose if attempt.get("outcome") == "ok" else attempt.get("outcome", "error")
    tip = f"{purpose} by {model}: from {start:.2f} s for {seconds:.2f} s, ${usd:.6f}, {attempt.get('outcome', '?')}"
    left = WIDTH * start / length
    return Bar(f"{model} · {purpose}", str(kind), left, max(0.6, WIDTH * seconds / length), seconds, usd, tip)


def _compared(run: Row) -> tuple[tuple[str, float | None, float | None], ...]:
    predicted, score = run.get("predicted") or {}, run.get("score")
    success = None if score is None else float(score >= 1.0)
    actual = {"success": success, "usd": run.get("usd"), "seconds": run.get("seconds")}
    return tuple((name, predicted.get(name), actual[name]) for name in actual)
