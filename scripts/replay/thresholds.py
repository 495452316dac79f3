"""FrugalGPT-style thresholds (arXiv 2305.05176): models in order, an answer stands if its score reaches a threshold.

Nothing checks the answers. The score of an answer is the chance predicted for its model on this very prompt, or 1 if an
earlier model gave the same answer; FrugalGPT's own scorer reads the answer's text, which the tables do not hold. Order
and thresholds are tuned on train.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations, product

import numpy as np
from numpy.typing import NDArray

from action_model.belief import Belief
from scripts.replay.fixed import Played, answer_codes, best_single
from scripts.replay.tables import Floats, Table

LEVELS = (0.0, 0.25, 0.5, 0.75)
"""Quantiles of the scores on train that are tried as thresholds, besides never."""
MODELS = 12
"""So many models are tried in every order: the dearer ones that are right more often than all cheaper, and the best."""


@dataclass(frozen=True)
class Thresholds:
    """Up to three models in order; the answer of the first stands if its score reaches `stands[0]`, and so on."""

    order: tuple[int, ...]
    stands: tuple[float, ...]


def scores_of(beliefs: Sequence[Belief]) -> Floats:
    """(P, A): the predicted chances."""
    scores: Floats = np.array([[estimate.success for estimate in belief.estimates] for belief in beliefs])
    return scores


def threshold_cascade(table: Table, scores: Floats, policy: Thresholds, codes: NDArray[np.intp]) -> Played:
    """Plays it; the last model's answer stands in any case."""
    open_, (right, usd, seconds, calls) = np.ones(table.count, dtype=bool), np.zeros((4, table.count))
    for place, model in enumerate(policy.order):
        usd, calls = usd + open_ * table.usd[:, model], calls + open_
        seconds = seconds + open_ * table.seconds[:, model]
        stands = np.ones(table.count, dtype=bool)
        if place < len(policy.stands):
            stands = scores[:, model] >= policy.stands[place]
        for earlier in policy.order[:place]:
            stands |= codes[:, earlier] == codes[:, model]
        ends = open_ & stands
        right = np.where(ends, table.passed[:, model], right)
        open_ = open_ & ~stands
    return Played(right, usd, seconds, calls)


def best_thresholds(train: Table, scores: Floats, target_usd: float) -> Thresholds:
    """The order of three with its two thresholds that is right most often on train within the target cost."""
    codes, usd = answer_codes(train), train.usd.mean(axis=0)
    best, most = Thresholds((int(usd.argmin()),), ()), -1.0
    for order in permutations(candidates(train), 3):
        if usd[order[0]] > target_usd:
            continue
        tried = [[*np.quantile(scores[:, model], LEVELS).tolist(), np.inf] for model in order[:2]]
        for stands in product(*tried):
            policy = Thresholds(order, stands)
            played = threshold_cascade(train, scores, policy, codes)
            if played.usd.mean() <= target_usd and played.right.mean() > most:
                best, most = policy, float(played.right.mean())
    return best


def candidates(train: Table) -> list[int]:
    """The models worth ordering: each right more often than every cheaper one, then the best of the rest."""
    right, usd = train.passed.mean(axis=0), train.usd.mean(axis=0)
    edge, most = [], -1.0
    for model in np.argsort(usd, kind="stable").tolist():
        if right[model] > most:
            edge.append(model)
            most = float(right[model])
    rest = [model for model in np.argsort(-right, kind="stable").tolist() if model not in edge]
    chosen = list(dict.fromkeys([best_single(train), *edge, *rest]))
    return chosen[:MODELS]
