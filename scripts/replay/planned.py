"""Our policy in replay: the very planner that serves, told what the tables say came of each of its waves."""

import dataclasses
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from msgspec.structs import replace

from action_model.actions import Action, Portfolio
from action_model.belief import Belief, Evidence
from router.learning import both, revised
from router.planner import Coincidence, Confirmation, Situation, Stop, Tradeoff, Verification, best_candidate, plan_wave
from router.task import Candidate, Requirement, Verdict, Wave
from scripts.replay.fixed import Played
from scripts.replay.tables import Table

REQUIREMENT = Requirement("right", "the answer is right")


@dataclass(frozen=True)
class Rules:
    """What holds in a replay: who checks, and the limits.

    `false_pass` is the share of wrong answers that the check passes; `judge_usd` the price of an independent re-judge
    with the same error (None: none on offer); `polls`: nothing is checked, agreement is all there is; `quality` is
    the chance of being right that is enough.
    """

    false_pass: float = 0.0
    judge_usd: float | None = None
    judge_seconds: float = 0.5
    polls: bool = False
    coincidence: Coincidence = Coincidence()
    calls: int = 4
    max_parallel: int = 1
    seconds: float | None = None
    quality: float = 1.0


@dataclass
class Game:
    """One prompt in play."""

    table: Table
    row: int
    rules: Rules
    situation: Situation
    usd: float = 0.0
    seconds: float = 0.0
    calls: int = 0
    right: dict[str, bool] = field(default_factory=dict)
    steps: list[tuple[float, bool]] = field(default_factory=list)
    """Of each wave of answers: the chance that the belief gave it, and whether a right one came."""
    stop: Stop | None = None

    def play(self) -> tuple[float, float, float, float]:
        """(right, usd, seconds, calls) once the planner stops."""
        while True:
            wave = plan_wave(self.situation)
            if not isinstance(wave, Wave):
                self.stop = wave
                break
            self._confirm(wave) if wave.actions[0].action.technique == "confirm" else self._answer(wave)
        chosen = best_candidate(self.situation)
        right = chosen is not None and self.right[chosen.id]
        return float(right), self.usd, self.seconds, float(self.calls)

    def _answer(self, wave: Wave) -> None:
        """Plays a wave. The first answer to pass ends it, as in service; what it cancels is still paid in full."""
        columns = [self.table.models.index(planned.action.model.removeprefix("table/")) for planned in wave.actions]
        expected = self.situation.belief.success_of_set(columns)
        self.steps.append((expected, bool(self.table.passed[self.row, columns].any())))
        for column, planned in zip(columns, wave.actions, strict=True):
            self.usd += float(self.table.usd[self.row, column])
            self.calls += 1
            self._candidate(column, planned.action)
        seconds = [float(self.table.seconds[self.row, column]) for column in columns]
        new = self.situation.candidates[-len(columns) :]
        passing = [s for s, candidate in zip(seconds, new, strict=True) if any(v.passed for v in candidate.verdicts)]
        taken = min(passing, default=max(seconds))
        self.seconds += taken
        calls_left, seconds_left = self.situation.calls_left, self.situation.seconds_left
        self.situation = replace(
            self.situation,
            wave=self.situation.wave + 1,
            calls_left=None if calls_left is None else calls_left - len(columns),
            seconds_left=None if seconds_left is None else seconds_left - taken,
        )

    def _candidate(self, column: int, action: Action) -> None:
        number = len(self.situation.candidates)
        candidate = Candidate(f"c{number}", action, b"", "")
        self.right[candidate.id] = bool(self.table.passed[self.row, column])
        situation = replace(self.situation, answers=(*self.situation.answers, self.table.answers[self.row][column]))
        if not self.rules.polls:
            passes = self.right[candidate.id] or self._errs("check", column)
            candidate = replace(candidate, verdicts=(_verdict(passes),))
            evidence = Evidence(1.0, self.rules.false_pass) if passes else Evidence(0.0, 1.0)
            situation = replace(
                situation,
                belief=situation.belief.after(column, evidence),
                evidence={**situation.evidence, candidate.id: evidence},
            )
        self.situation = replace(situation, candidates=(*situation.candidates, candidate))

    def _confirm(self, wave: Wave) -> None:
        """The second judge errs independently of the first check; it costs money and time but no answer's call."""
        (name,) = wave.actions[0].parents
        candidate = next(c for c in self.situation.candidates if c.id == name)
        column = self.situation.belief.index(candidate.action)
        passes = self.right[name] or self._errs("judge", column)
        self.usd += self.rules.judge_usd or 0.0
        self.seconds += self.rules.judge_seconds
        seen = Evidence(1.0, self.rules.false_pass) if passes else Evidence(0.0, 1.0)
        known = self.situation.evidence[name]
        checked = replace(candidate, verdicts=(_verdict(passes),))
        others = tuple(checked if c.id == name else c for c in self.situation.candidates)
        self.situation = replace(
            self.situation,
            candidates=others,
            evidence={**self.situation.evidence, name: both(known, seen)},
            confirmed=self.situation.confirmed | {name},
            belief=revised(self.situation.belief, column, known, seen),
        )

    def _errs(self, who: str, column: int) -> bool:
        """Does the checker pass this wrong answer? The same for every policy, independent between checkers."""
        return draw(who, self.table, self.row, column) < self.rules.false_pass


def draw(who: str, table: Table, row: int, column: int) -> float:
    """The dice of one checker on one answer."""
    text = f"{who}/{table.grid.prompt_ids[row]}/{table.models[column]}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") / 2**32


def doubtful_table(table: Table, false_pass: float = 0.1) -> Table:
    """The table as a check that passes this share of wrong answers sees it."""
    dice = [[draw("check", table, row, a) for a in range(len(table.models))] for row in range(table.count)]
    return dataclasses.replace(table, passed=np.maximum(table.passed, np.array(dice) < false_pass))


def _verdict(passes: bool) -> Verdict:
    return Verdict(REQUIREMENT.name, 1.0 if passes else 0.0, "replayed", "check")


def first_situation(belief: Belief, portfolio: Portfolio, tradeoff: Tradeoff, rules: Rules) -> Situation:
    """The situation before any call. At a quality of 1 the tradeoff alone decides when to stop."""
    judge = Verification(1.0, rules.false_pass, rules.judge_usd or 0.0, rules.judge_usd or 0.0, rules.judge_seconds)
    offered = rules.judge_usd is not None
    return Situation(
        belief=belief,
        portfolio=portfolio,
        tradeoff=tradeoff,
        requirements=() if rules.polls else (REQUIREMENT,),
        kinds=() if rules.polls else ("judge",),
        calls_left=rules.calls,
        seconds_left=rules.seconds,
        quality_threshold=rules.quality,
        max_parallel=rules.max_parallel,
        verification=Verification(1.0, rules.false_pass),
        confirmation=Confirmation(Action("judge/independent", "confirm"), judge) if offered else None,
        compares=rules.polls,
        coincidence=rules.coincidence,
    )


def games(
    table: Table, beliefs: Sequence[Belief], portfolio: Portfolio, tradeoff: Tradeoff, rules: Rules
) -> Iterator[Game]:
    """Every prompt of the table, before its first call."""
    for row, belief in enumerate(beliefs):
        yield Game(table, row, rules, first_situation(belief, portfolio, tradeoff, rules))


def play(
    table: Table,
    beliefs: Sequence[Belief],
    portfolio: Portfolio,
    tradeoff: Tradeoff,
    rules: Rules,
    tick: Callable[[], None] = lambda: None,
) -> Played:
    """Every prompt of the table, played to its end."""
    rows = []
    for game in games(table, beliefs, portfolio, tradeoff, rules):
        rows.append(game.play())
        tick()
    right, usd, seconds, calls = np.array(rows).reshape(-1, 4).T
    return Played(right, usd, seconds, calls)
