"""A checkpoint that is replaced while it serves: the file is watched, and a worse or unfit one is refused."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from action_model.actions import Action, Portfolio
from action_model.belief import Belief, Repair
from action_model.checkpoint import Card, CheckpointError, load_checkpoint
from action_model.device import Device, chosen_device
from action_model.facts import Facts
from action_model.features import featurize
from action_model.learned import LearnedEstimator
from action_model.online import Recalled
from action_model.speed import Speed

logger = logging.getLogger("maestro.checkpoint")
WATCH_SECONDS = 0.5
MOST_WORSE = 0.002
"""How much larger the mean held-out Brier score may be before a checkpoint is called worse: below it is noise."""


class SwappingEstimator:
    """An `Estimator` of the checkpoint at `path`, and of the next one once it lies there. One per worker."""

    def __init__(self, path: Path, device: Device = "cpu") -> None:
        """Reads files and the encoder: call it in a thread. Raises CheckpointError, DeviceError."""
        self._path = path
        self._device = chosen_device(device)
        self._stamp = _stamp(path)
        learnt, self._card = load_checkpoint(path)
        featurize(["warm"])
        self._current = LearnedEstimator(learnt, prompts=self._card.prompts, device=self._device)

    @property
    def card(self) -> Card:
        """What is in use now."""
        return self._card

    @property
    def prompts(self) -> Mapping[str, str]:
        """Of the checkpoint in use."""
        return self._current.prompts

    def variants(self, family: str) -> Sequence[str]:
        """Of the checkpoint in use."""
        return self._current.variants(family)

    def believe(self, facts: Facts, portfolio: Portfolio, speeds: Mapping[str, Speed] | None = None) -> Belief:
        """By the checkpoint in use."""
        return self._current.believe(facts, portfolio, speeds)

    def fix_success(self, belief: Belief, index: int, repair: Repair) -> float:
        """By the checkpoint in use."""
        return self._current.fix_success(belief, index, repair)

    def learn(self, text: str, action: Action, predicted: float, outcome: float) -> None:
        """Takes in an outcome until the next checkpoint, which begins without any."""
        self._current.learn(text, action, predicted, outcome)

    def recall(self, outcome: Recalled) -> bool:
        """By the checkpoint in use."""
        return self._current.recall(outcome)

    def prepare(self, texts: Sequence[str]) -> None:
        """By the checkpoint in use."""
        self._current.prepare(texts)

    def reading(self, text: str) -> Mapping[str, Any]:
        """By the checkpoint in use."""
        return self._current.reading(text)

    def is_changed(self) -> bool:
        """Does another file lie there than the one last looked at?"""
        return _stamp(self._path) != self._stamp

    def look(self) -> bool:
        """Takes the checkpoint that lies there now. Raises CheckpointError, and keeps the one in use, where it does not
        match or predicts worse. Call it in a thread: nothing waits for it but the caller."""
        self._stamp = _stamp(self._path)
        learnt, card = load_checkpoint(self._path)
        if card == self._card:
            return False
        refuse_worse(self._card, card)
        self._current, self._card = LearnedEstimator(learnt, prompts=card.prompts, device=self._device), card
        return True

    async def watch(self, seconds: float = WATCH_SECONDS, tell: Callable[[str], None] = logger.warning) -> None:
        """Looks until cancelled; `tell` hears of each new checkpoint, taken or refused."""
        while True:
            await asyncio.sleep(seconds)
            if not self.is_changed():
                continue
            try:
                if await asyncio.to_thread(self.look):
                    tell(f"checkpoint {self._path} is in use now")
            except CheckpointError as error:
                tell(f"checkpoint refused, the old one stays: {error}")


def refuse_worse(old: Card, new: Card) -> None:
    """Raises CheckpointError if `new` predicts worse than `old` on the held-out tables that both cards speak of."""
    tables = sorted(set(old.metrics) & set(new.metrics))
    gaps = [float(new.metrics[t]["brier"]) - float(old.metrics[t]["brier"]) for t in tables]
    if gaps and sum(gaps) / len(gaps) > MOST_WORSE:
        raise CheckpointError(
            f"it predicts worse: held-out Brier score {sum(gaps) / len(gaps):.4f} higher than the one in use"
        )


def _stamp(path: Path) -> tuple[int, int]:
    """Changes when the card is replaced; the card is written last."""
    try:
        found = path.with_suffix(".json").stat()
    except OSError:
        return (0, 0)
    return found.st_mtime_ns, found.st_ino
