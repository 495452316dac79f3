"""The one interface through which the router asks for predictions."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from action_model.actions import Action, Portfolio
from action_model.belief import Belief, Repair
from action_model.facts import Facts
from action_model.online import Recalled
from action_model.speed import Speed


class Estimator(Protocol):
    """Predicts. Implementations: `PriorEstimator` (no data), the learned one of a checkpoint."""

    @property
    def prompts(self) -> Mapping[str, str]:
        """The prompt variants that were learnt with their texts, by name."""
        ...

    def variants(self, family: str) -> Sequence[str]:
        """What else than the plain sample of a model was learnt, each as `Action.variant`; `family` as offers have
        it."""
        ...

    def believe(self, facts: Facts, portfolio: Portfolio, speeds: Mapping[str, Speed] | None = None) -> Belief:
        """The belief before any call; `speeds` are what the models do now, by id.

        Never raises for a model it does not know: such a model gets its prior.
        """
        ...

    def fix_success(self, belief: Belief, index: int, repair: Repair) -> float:
        """Chance that fixing this candidate with action `index` satisfies every requirement."""
        ...

    def learn(self, text: str, action: Action, predicted: float, outcome: float) -> None:
        """Takes in what came of a first try of an action whose success was `predicted`; `outcome` in [0, 1]."""
        ...

    def recall(self, outcome: Recalled) -> bool:
        """Takes in an outcome of before a restart; False, and nothing is done, if another checkpoint predicted it."""
        ...

    def prepare(self, texts: Sequence[str]) -> None:
        """Reads many texts at once: what is asked of them later is quick. Call it in a thread."""
        ...

    def reading(self, text: str) -> Mapping[str, Any]:
        """What a run keeps of its text, so that it can be learnt from without it: {checkpoint, basis, demand,
        log_tokens}.

        `basis` names what the numbers of `demand` mean; empty where nothing is learnt.
        """
        ...
