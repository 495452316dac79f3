"""What to ask next: the whole grid, or anchors first and then what could still change a decision."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from action_model.actions import Action
from action_model.features import Floats, featurize
from action_model.offline.sampling import (
    SamplingConfig,
    Worth,
    anchor_tasks,
    knowledge,
    next_outcomes,
    operating_points,
    regions_of,
    worth,
)
from action_model.prices import Usage, to_usd
from action_model.projection import fit_projection
from scripts.offline.asking import Asker
from scripts.offline.journal import Cell, Journal, Key
from scripts.offline.tasks import OfflineTask

REGION_WIDTH = 32
ROUND_SHARE = 0.1
"""Of the money left that one round of planning may spend."""
HELD_OUT_SHARE = 0.34
"""Of the money left after the anchors that held-out tasks may take at most."""
EXPECTED_OUTPUT_TOKENS = 200.0
FREE_USD_PER_TOKEN = 1e-9
"""What a token of a free model counts for when actions are compared "per dollar"."""
ANCHOR, HELD_OUT = "anchor", "held_out"


@dataclass(frozen=True)
class Field:
    """What may be asked: tasks × actions, so many samples of each."""

    tasks: Sequence[OfflineTask]
    actions: Sequence[Action]
    samples: int
    asker: Asker

    def cells(self, task: OfflineTask, action: Action, value: float, phase: str) -> list[Cell]:
        """All samples of one pair."""
        held, upstream = self.asker.held(task, action), self.asker.upstreams.find(action.model).upstream
        keys = (Key(task.id, action.name, index) for index in range(self.samples))
        return [Cell(key, upstream, held, value, phase) for key in keys]


@dataclass
class GridPlanner:
    """Every pair, in the order of the tasks."""

    field: Field

    def next_cells(self, journal: Journal) -> list[Cell]:
        """All cells that are not yet planned."""
        known = journal.keys()
        found = [
            cell
            for place, task in enumerate(self.field.tasks)
            for action in self.field.actions
            for cell in self.field.cells(task, action, -float(place), "grid")
        ]
        return [cell for cell in found if cell.key not in known]


@dataclass
class ActivePlanner:
    """Anchors for all actions; then held-out tasks, whole; then, round by round, the pairs of most worth per dollar.

    `cap` in nanodollars (None: no cap). What it decides hangs only on the journal and the seed, so that a collection
    that was
    interrupted goes on as it would have.
    """

    field: Field
    cap: int | None
    config: SamplingConfig = dataclasses.field(default_factory=SamplingConfig)
    dropped: tuple[str, ...] = ()
    reason: str = ""

    def __post_init__(self) -> None:
        self._train = [task for task in self.field.tasks if task.split == "train"]
        self._held = [task for task in self.field.tasks if task.split != "train"]
        if self._train:
            features = featurize([task.text for task in self._train])
            x = fit_projection(features, REGION_WIDTH)(features)
            self._anchors = anchor_tasks(x, self.config)
            self._region = regions_of(x, self.config)
            self._order = np.random.default_rng(self.config.seed).random(len(x))

    def next_cells(self, journal: Journal) -> list[Cell]:
        """The next round; none while anchors are still missing, or once nothing could change a decision."""
        known = journal.keys()
        if not self._train:
            return self._fresh(self._whole(self._held, self.field.actions, HELD_OUT), known)
        anchors = self._fresh(self._whole([self._train[i] for i in self._anchors], self.field.actions, ANCHOR), known)
        if anchors:
            return anchors
        if any(state in ("open", "asked") for state in known.values()):
            return []
        score, usd = self._outcomes(journal, known)
        expected = self._expected_usd(usd)
        found = worth(knowledge(score, expected, self._region), operating_points(expected))
        self.dropped = tuple(a.name for a, alive in zip(self.field.actions, found.alive, strict=True) if not alive)
        held = self._held_out(journal, known, found)
        return held or self._round(journal, known, found, expected)

    def _whole(self, tasks: Sequence[OfflineTask], actions: Sequence[Action], phase: str) -> list[Cell]:
        """All actions of one task before those of the next, so that a cap that ends it leaves whole rows."""
        value = 2e9 if phase == ANCHOR else 1e9
        return [
            cell
            for place, task in enumerate(tasks)
            for action in actions
            for cell in self.field.cells(task, action, value - place, phase)
        ]

    @staticmethod
    def _fresh(cells: Sequence[Cell], known: Mapping[Key, str]) -> list[Cell]:
        return [cell for cell in cells if cell.key not in known]

    def _held_out(self, journal: Journal, known: Mapping[Key, str], found: Worth) -> list[Cell]:
        """As many held-out tasks as their share of the money pays for, with every action that is still in the race."""
        if any(key.task_id == task.id for task in self._held[:1] for key in known):
            return []
        actions = [a for a, alive in zip(self.field.actions, found.alive, strict=True) if alive]
        left = self._left(journal)
        chosen: list[Cell] = []
        for place, task in enumerate(self._held):
            row = [cell for action in actions for cell in self.field.cells(task, action, 1e9 - place, HELD_OUT)]
            cost = sum(cell.held for cell in (*chosen, *row))
            if left is not None and cost > HELD_OUT_SHARE * left:
                break
            chosen += row
        return self._fresh(chosen, known)

    def _round(self, journal: Journal, known: Mapping[Key, str], found: Worth, expected: Floats) -> list[Cell]:
        left = self._left(journal)
        whole = float(expected.sum()) * self.field.samples
        budget = ROUND_SHARE * (whole if left is None else min(to_usd(left), whole)) / self.field.samples
        pairs = next_outcomes(self._planned(known), self._region, found, expected, budget, self._order)
        if not pairs:
            self.reason = "every pair of an action in the race is there"
        cells = [
            cell
            for place, (i, a) in enumerate(pairs)
            for cell in self.field.cells(self._train[i], self.field.actions[a], -float(place), "active")
        ]
        return self._fresh(cells, known)

    def _left(self, journal: Journal) -> int | None:
        return None if self.cap is None else max(0, self.cap - sum(journal.money()))

    def _outcomes(self, journal: Journal, known: Mapping[Key, str]) -> tuple[Floats, Floats]:
        """Mean success and mean dollars of each pair (N, M); NaN where there is none."""
        row = {task.id: i for i, task in enumerate(self._train)}
        column = {action.name: j for j, action in enumerate(self.field.actions)}
        shape = (len(row), len(column))
        total, count, spent = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        for last in last_answers(journal):
            i, j = row.get(last.task_id), column.get(last.action)
            if i is not None and j is not None:
                total[i, j] += last.success
                spent[i, j] += last.usd
                count[i, j] += 1
        unseen = count == 0
        count[unseen] = np.nan
        return total / count, spent / count

    def _planned(self, known: Mapping[Key, str]) -> NDArray[np.bool_]:
        row = {task.id: i for i, task in enumerate(self._train)}
        column = {action.name: j for j, action in enumerate(self.field.actions)}
        found = np.zeros((len(row), len(column)), dtype=bool)
        for key in known:
            if key.task_id in row and key.action in column:
                found[row[key.task_id], column[key.action]] = True
        return found

    def _expected_usd(self, usd: Floats) -> Floats:
        """Dollars of one sample of each pair: as the action's own so far, by price and length where there are none."""
        found = np.empty_like(usd)
        for j, action in enumerate(self.field.actions):
            price = self.field.asker.upstreams.find(action.model).price
            calls = 1 + action.repairs
            usages = [Usage(task.input_tokens, round(EXPECTED_OUTPUT_TOKENS)) for task in self._train]
            prior = np.array([calls * price.usd(usage) + FREE_USD_PER_TOKEN * usage.input_tokens for usage in usages])
            told = usd[:, j][~np.isnan(usd[:, j])]
            scale = (told.mean() + 1e-9) / (prior.mean() + 1e-9) if len(told) else 1.0
            found[:, j] = prior * scale + FREE_USD_PER_TOKEN * EXPECTED_OUTPUT_TOKENS * calls
        return found


@dataclass(frozen=True, slots=True)
class LastAnswer:
    """What a sample of an action came to, and what it cost in all."""

    task_id: str
    action: str
    success: float
    usd: float


def last_answers(journal: Journal) -> list[LastAnswer]:
    """One for each sample whose success is known."""
    chains: dict[Key, tuple[float | None, int]] = {}
    for row in journal.rows():
        spent = chains[row.key][1] if row.key in chains else 0
        chains[row.key] = (row.success, spent + row.spell.nanodollars)
    return [
        LastAnswer(key.task_id, key.action, success, to_usd(spent))
        for key, (success, spent) in chains.items()
        if success is not None
    ]
