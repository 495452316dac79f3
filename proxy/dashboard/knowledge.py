"""What the checkpoint that serves knows of each model, and what onboarding taught it: read from its files."""

import asyncio
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from action_model.checkpoint import DEFAULT, Card, CheckpointError, load_checkpoint
from action_model.learnt import Learnt


@dataclass(frozen=True, slots=True)
class Known:
    """How a model's predictions were learnt. `labels`: answers they rest on; None by price, or where none was counted.

    `answer_tokens`: how much longer than the known models' its answers are, as a ratio; only of an onboarded model.
    """

    model: str
    how: str
    labels: int | None = None
    answer_tokens: float | None = None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint's card as a page shows it: `tables` are {table, prompts, auc, brier, calibration_error}."""

    name: str
    tables: tuple[Mapping[str, Any], ...]
    models: tuple[Known, ...]


class CheckpointFile:
    """The checkpoint that the settings name, read again when its file changes."""

    def __init__(self, path: str | None) -> None:
        self._path = Path(path) if path else DEFAULT
        self._read: tuple[float, Learnt, Card] | None = None

    async def describe(self, families: Mapping[str, str]) -> Checkpoint | None:
        """What it knows of the models (their families by id); None where it cannot be read."""
        found = await asyncio.to_thread(self._load)
        return None if found is None else checkpoint_of(self._path.stem, *found, families)

    def _load(self) -> tuple[Learnt, Card] | None:
        try:
            stamp = self._path.with_suffix(".safetensors").stat().st_mtime
            if self._read is None or self._read[0] != stamp:
                self._read = (stamp, *load_checkpoint(self._path))
        except (OSError, CheckpointError):
            return None
        return self._read[1:]


def checkpoint_of(name: str, learnt: Learnt, card: Card, families: Mapping[str, str]) -> Checkpoint:
    """Pure."""
    tables = tuple(
        {"table": table, "prompts": (card.trained_on.get(table) or {}).get("prompts"), **card.metrics.get(table, {})}
        for table in sorted(card.tables)
    )
    trained = {known.split(":", 1)[1].lower(): known.split(":", 1)[0] for known in learnt.models}
    return Checkpoint(name, tables, tuple(_known(model, families[model], learnt, card, trained) for model in families))


def _known(model: str, family: str, learnt: Learnt, card: Card, trained: Mapping[str, str]) -> Known:
    joined = [name.lower() for name in learnt.joined.names]
    if family.lower() in joined:
        place = joined.index(family.lower())
        longer = math.exp(float(learnt.joined.log_tokens[place]))
        return Known(model, "onboarded", round(float(learnt.joined.labels[place])), longer)
    if family.lower() in trained:
        table = trained[family.lower()]
        prompts = (card.trained_on.get(table) or {}).get("prompts")
        return Known(model, f"trained on {table}", int(prompts) if prompts else None)
    return Known(model, "placed by its price")
