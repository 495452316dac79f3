"""Policies that do not look at the task: each is tuned on train and replayed on the test prompts.

An exact verifier says of each answer whether it satisfies. A cascade asks its models in order until one passes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from scripts.replay.tables import Floats, Table


@dataclass(frozen=True)
class Played:
    """What a policy did, per prompt: was the answer right, dollars, seconds, calls."""

    right: Floats
    usd: Floats
    seconds: Floats
    calls: Floats


def best_single(table: Table) -> int:
    """The model that is right most often."""
    return int(table.passed.mean(axis=0).argmax())


def single(table: Table, model: int) -> Played:
    """One model, one answer."""
    return Played(table.passed[:, model], table.usd[:, model], table.seconds[:, model], np.ones(table.count))


def cascade(table: Table, order: Sequence[int], passes: Floats | None = None) -> Played:
    """One model after the other until the verifier passes an answer; `passes` says which it does, if not the right."""
    count, seen = table.count, table.passed if passes is None else passes
    missing, right, usd, seconds, calls = (np.ones(count), *(np.zeros(count) for _ in range(4)))
    for model in order:
        usd, seconds, calls = (
            usd + missing * table.usd[:, model],
            seconds + missing * table.seconds[:, model],
            calls + missing,
        )
        right = right + missing * table.passed[:, model]
        missing = missing * (1.0 - seen[:, model])
    return Played(right, usd, seconds, calls)


def parallel(table: Table, models: Sequence[int]) -> Played:
    """All models at once; an exact verifier picks a right answer if there is one."""
    chosen = list(models)
    return Played(
        table.passed[:, chosen].max(axis=1),
        table.usd[:, chosen].sum(axis=1),
        table.seconds[:, chosen].max(axis=1),
        np.full(table.count, float(len(chosen))),
    )


def best_cascade(train: Table, usd_value: float, depth: int = 4, kept: int = 60) -> tuple[int, ...]:
    """The cascade of at most `depth` with the largest success - usd_value x cost on train, by beam search."""
    beam: list[tuple[float, tuple[int, ...], Floats]] = [(0.0, (), np.ones(train.count))]
    best: tuple[float, tuple[int, ...]] = (0.0, (best_single(train),))
    for _ in range(depth):
        grown = []
        for value, order, missing in beam:
            gains = missing @ train.passed - usd_value * (missing @ train.usd)
            grown += [
                (value + float(gains[a]) / len(missing), (*order, a), missing)
                for a in range(len(train.models))
                if a not in order
            ]
        grown.sort(key=lambda entry: (-entry[0], entry[1]))
        beam = [(value, order, missing * (1.0 - train.passed[:, order[-1]])) for value, order, missing in grown[:kept]]
        if beam and beam[0][0] > best[0]:
            best = (beam[0][0], beam[0][1])
    return best[1]


def widest(train: Table, usd_value: float, most: int = 4) -> tuple[int, ...]:
    """The set of at most so many to ask at once with the largest success - usd_value x cost on train, greedily."""
    chosen: tuple[int, ...] = ()
    missing = np.ones(train.count)
    while len(chosen) < most:
        gains = (missing @ train.passed) / len(missing) - usd_value * train.usd.mean(axis=0)
        gains[list(chosen)] = -np.inf
        model = int(gains.argmax())
        if gains[model] <= 0.0 and chosen:
            break
        chosen = (*chosen, model)
        missing = missing * (1.0 - train.passed[:, model])
    return chosen


def answer_codes(table: Table) -> NDArray[np.intp]:
    """(P, A): equal numbers where two models gave the same answer; no answer equals nothing."""
    rows = []
    for answers in table.answers:
        names = {answer: code for code, answer in enumerate(dict.fromkeys(a for a in answers if a is not None))}
        rows.append([-1 - i if answer is None else names[answer] for i, answer in enumerate(answers)])
    return np.array(rows, dtype=np.intp)


def two_then_third(table: Table, trio: Sequence[int], codes: NDArray[np.intp]) -> Played:
    """Two models at once; where their answers differ, a third, which decides."""
    a, b, c = trio
    differ = codes[:, a] != codes[:, b]
    return Played(
        np.where(differ, table.passed[:, c], table.passed[:, a]),
        table.usd[:, a] + table.usd[:, b] + differ * table.usd[:, c],
        np.maximum(table.seconds[:, a], table.seconds[:, b]) + differ * table.seconds[:, c],
        2.0 + differ,
    )


def best_trio(train: Table, target_usd: float) -> tuple[int, ...]:
    """The trio for `two_then_third` that is right most often on train within the target cost; of two models, the second
    is asked again."""
    codes, mean_usd = answer_codes(train), train.usd.mean(axis=0)
    cheapest = tuple(int(model) for model in np.argsort(mean_usd, kind="stable")[:3])
    if len(cheapest) < 3:
        return (*cheapest, cheapest[-1])
    best: tuple[float, tuple[int, ...]] = (0.0, cheapest)
    for trio in permutations(range(len(train.models)), 3):
        if mean_usd[list(trio[:2])].sum() > target_usd:
            continue
        played = two_then_third(train, trio, codes)
        if played.usd.mean() <= target_usd and played.right.mean() > best[0]:
            best = (float(played.right.mean()), trio)
    return best[1]
