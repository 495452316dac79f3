"""A judge on trial: asked about answers whose truth is known, with a journal to go on from."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from action_model.prices import to_usd
from router.checks.check import Answer
from router.checks.compiler import compile_requirement
from router.judging.calibration import JudgeRates, Tally
from router.judging.errors import MIDDLE, bin_of
from router.judging.judge import Exhibit, Judge, Question, Terms
from router.judging.kinds import kind_of_check, kind_of_text
from router.judging.prompts import PROMPT_VERSION
from router.task import Requirement
from router.upstreams.upstream import Model


@dataclass(frozen=True, slots=True)
class Pair:
    """An answer, a requirement, and whether it holds. `id` is its line in the file."""

    id: int
    request: str
    answer: str
    requirement: str
    satisfied: bool
    kind: str


def read_pairs(path: Path) -> list[Pair]:
    """Raises click.ClickException with the line of the first that says no truth."""
    lines = [line for line in path.read_text("utf-8").splitlines() if line.strip()]
    return [_pair(number, line, path) for number, line in enumerate(lines, 1)]


def _pair(number: int, line: str, path: Path) -> Pair:
    try:
        row = json.loads(line)
        request, answer, text = str(row.get("request", "")), str(row["answer"]), str(row["requirement"])
    except (ValueError, KeyError, AttributeError) as error:
        raise click.ClickException(f"{path}:{number}: not an object with answer and requirement: {error!r}") from None
    told = row.get("satisfied")
    compiled = compile_requirement(Requirement("r", text, check=row.get("check")))
    kind = kind_of_check(compiled.kind) if compiled.checks and not compiled.judged else kind_of_text(text)
    if isinstance(told, bool):
        return Pair(number, request, answer, text, told, kind)
    findings = [check.evaluate(Answer(answer, request)) for check in compiled.checks]
    if compiled.judged or compiled.validators or not findings or any(finding.score is None for finding in findings):
        raise click.ClickException(f"{path}:{number}: says no 'satisfied', and no check knows it")
    return Pair(number, request, answer, text, all(finding.passed for finding in findings), kind)


class Journal:
    """Claims by pair id, appended as they come; None: kept nowhere."""

    def __init__(self, path: Path | None, judge: str) -> None:
        self._path = path
        self._judge = judge

    def read(self) -> dict[int, float]:
        """What this judge, under this version of the prompt, has said before."""
        if self._path is None or not self._path.exists():
            return {}
        rows = [json.loads(line) for line in self._path.read_text("utf-8").splitlines() if line.endswith("}")]
        mine = [row for row in rows if (row["judge"], row["version"]) == (self._judge, PROMPT_VERSION)]
        return {row["pair"]: row["claimed"] for row in mine}

    def append(self, pair: int, claimed: float) -> None:
        """One claim."""
        if self._path is None:
            return
        row = {"pair": pair, "judge": self._judge, "version": PROMPT_VERSION, "claimed": claimed}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")


@dataclass(frozen=True)
class Trial:
    """Asks `model`, at most `parallel` pairs at once, and teaches `rates`."""

    judge: Judge
    model: Model
    terms: Terms
    rates: JudgeRates
    parallel: int = 4

    async def run(self, pairs: Sequence[Pair], journal: Journal) -> dict[int, float]:
        """P(satisfied) as claimed, by pair id; a pair without a verdict is missing (the money may have ended)."""
        found = journal.read()
        slots = asyncio.Semaphore(self.parallel)

        async def one(pair: Pair) -> None:
            async with slots:
                exhibit = Exhibit(str(pair.id), pair.request, pair.answer)
                opinions = await self.judge.ask(self.model, [Question("r", pair.requirement)], exhibit, self.terms)
            if "r" in opinions:
                found[pair.id] = opinions["r"].probability
                journal.append(pair.id, found[pair.id])
                place = bin_of(found[pair.id])
                tally = Tally(self.model.id, PROMPT_VERSION, pair.kind, place, pair.satisfied, "calibrate")
                await self.rates.add([tally])

        async with asyncio.TaskGroup() as group:
            for pair in pairs:
                if pair.id not in found:
                    group.create_task(one(pair))
        return found


def summary(pairs: Sequence[Pair], claims: Mapping[int, float], nanodollars: int) -> list[dict[str, Any]]:
    """A row for all pairs and one for each kind: verdicts, pass rates at one half, and the area under the ROC curve."""
    kinds = sorted({pair.kind for pair in pairs})
    rows = [_row("all", pairs, claims)] + [_row(kind, [p for p in pairs if p.kind == kind], claims) for kind in kinds]
    return [{**rows[0], "usd": to_usd(nanodollars)}, *rows[1:]]


def _row(kind: str, pairs: Sequence[Pair], claims: Mapping[int, float]) -> dict[str, Any]:
    good = [claims[pair.id] for pair in pairs if pair.id in claims and pair.satisfied]
    bad = [claims[pair.id] for pair in pairs if pair.id in claims and not pair.satisfied]
    return {
        "kind": kind,
        "pairs": len(pairs),
        "verdicts": len(good) + len(bad),
        "satisfied": len(good),
        "broken": len(bad),
        "true_pass_rate": _share(good),
        "false_pass_rate": _share(bad),
        "auc": area(good, bad),
    }


def _share(claims: Sequence[float]) -> float | None:
    return round(sum(bin_of(claim) >= MIDDLE for claim in claims) / len(claims), 4) if claims else None


def area(good: Sequence[float], bad: Sequence[float]) -> float | None:
    """P(a good answer's claim is above a bad one's), ties count half (Hanley and McNeil 1982)."""
    if not good or not bad:
        return None
    wins = sum((g > b) + 0.5 * (g == b) for g in good for b in bad)
    return round(wins / (len(good) * len(bad)), 4)
