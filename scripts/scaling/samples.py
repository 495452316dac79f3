"""Repeated samples of one action per prompt, and what the first so many of them are worth, exactly or by draws."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import comb
from pathlib import Path

import numpy as np

from action_model.outcomes import read_rows
from router.upstreams.prices import find_listing
from scripts.replay.tables import normalise

FALSE_PASSES = 0.1
DRAWS = 100


@dataclass(frozen=True)
class Samples:
    """All samples of one action on one prompt. `usd` is NaN where neither the table nor the price list knows it."""

    right: tuple[bool, ...]
    usd: tuple[float, ...]
    tokens: tuple[float, ...]
    answers: tuple[str | None, ...]

    def verified(self, n: int) -> float:
        """Chance that one of n is right, so that an exact check finds it: 1 - C(wrong, n) / C(all, n) (pass@k,
        arXiv 2107.03374)."""
        count, wrong = len(self.right), len(self.right) - sum(self.right)
        return 1.0 - comb(wrong, n) / comb(count, n)

    def doubtful(self, n: int, dice: np.random.Generator) -> float:
        """Chance of a right answer where the check passes one wrong answer in ten, and one of those that passed is
        taken; if none passed, any."""
        right = np.array(self.right)
        drawn = right[dice.random((DRAWS, len(right))).argsort(axis=1)[:, :n]]
        passed = drawn | (dice.random(drawn.shape) < FALSE_PASSES)
        taken = np.where(passed.any(axis=1, keepdims=True), passed, True)
        return float(((drawn & taken).sum(axis=1) / taken.sum(axis=1)).mean())

    def majority(self, n: int, dice: np.random.Generator) -> float | None:
        """Chance that the commonest answer of n is right, the first of equals; None where answers are not kept."""
        if all(answer is None for answer in self.answers):
            return None
        found = 0
        for _ in range(DRAWS):
            drawn = dice.permutation(len(self.right))[:n].tolist()
            counts = Counter(self.answers[i] for i in drawn)
            best = max(counts.values())
            found += self.right[next(i for i in drawn if counts[self.answers[i]] == best)]
        return found / DRAWS

    def longest(self, n: int) -> float:
        """Expected tokens of the longest of n: what they take beside each other."""
        ordered, count = sorted(self.tokens), len(self.tokens)
        return sum(value * comb(rank, n - 1) for rank, value in enumerate(ordered)) / comb(count, n)

    def money(self, n: int) -> float:
        """Expected dollars of n."""
        return n * float(np.mean(self.usd))


Key = tuple[str, str, str]
"""Benchmark, model, technique."""


def read_samples(data: Path, table: str) -> dict[Key, dict[str, Samples]]:
    """Every action's samples by prompt, of all rows that are at hand: nothing is tuned here."""
    rows = read_rows(data, table)
    places: dict[tuple[Key, str], list[int]] = defaultdict(list)
    for i in range(len(rows["score"])):
        key = (str(rows["benchmark"][i]), str(rows["model"][i]), str(rows["technique"][i]))
        places[key, str(rows["prompt_id"][i])].append(i)
    found: dict[Key, dict[str, Samples]] = defaultdict(dict)
    for (key, prompt), where in places.items():
        found[key][prompt] = Samples(
            tuple(rows["score"][i] >= 1.0 for i in where),
            tuple(usd_of(rows, i) for i in where),
            tuple(float(rows["output_tokens"][i] or 0) for i in where),
            tuple(normalise(rows["answer"][i]) for i in where),
        )
    return found


def usd_of(rows: Mapping[str, Sequence[object]], i: int) -> float:
    """The table's cost, else today's list price times the tokens."""
    told = rows["cost_usd"][i]
    if told is not None:
        return float(str(told))
    listing = find_listing(str(rows["model"][i]))
    if listing is None:
        return float("nan")
    price = listing.price
    tokens = [float(str(rows[name][i] or 0)) for name in ("input_tokens", "output_tokens")]
    return (tokens[0] * price.input_usd_per_mtok + tokens[1] * price.output_usd_per_mtok) / 1e6
