"""How often wrong answers are equal, and how that differs between tasks: by likelihood, as a poll counts them."""

from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from action_model.belief import Belief
from router.planner import Coincidence
from router.planning.opinions import after_opinion, coincidences, first_poll, usable_chances
from scripts.replay.fixed import answer_codes
from scripts.replay.tables import Table

CENTRES = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6)
SPREADS = (0.0, 0.5, 1.0, 1.5)
OPINIONS = 4
"""So many answers to a task at a time, of the better half of the models: what a poll hears."""


def fit_coincidence(table: Table, beliefs: Sequence[Belief]) -> Coincidence:
    """The likeliest of a few, given what was said and what is right."""
    codes, columns = answer_codes(table), np.argsort(-table.passed.mean(axis=0), kind="stable")
    columns, dice = columns[: max(OPINIONS, len(columns) // 2)], np.random.default_rng(0)
    heard = [dice.permutation(columns)[:OPINIONS] for _ in beliefs]

    def told(of: Coincidence) -> float:
        rows = zip(beliefs, codes, table.passed, heard, strict=True)
        return sum(_log_likelihood(belief, said[asked], right[asked], asked, of) for belief, said, right, asked in rows)

    return max((Coincidence(centre, spread) for centre, spread in product(CENTRES, SPREADS)), key=told)


def _log_likelihood(
    belief: Belief, said: NDArray[np.intp], right: NDArray[np.float64], asked: NDArray[np.intp], of: Coincidence
) -> float:
    """log P(these answers agree and differ as they do, and this one or none is right)."""
    chances, coincidence = usable_chances(belief), coincidences(of, len(belief.weights))
    poll, names, truth = first_poll(belief), list[int](), -1
    for code, is_right, action in zip(said.tolist(), right.tolist(), asked.tolist(), strict=True):
        if code < 0:
            continue  # nothing to compare
        group = names.index(code) if code in names else len(names)
        poll = list(after_opinion(poll, chances[:, action][None, :], coincidence))[group]
        names += [code] if group == len(names) else []
        truth = group if is_right else truth
    return float(np.log(max(float(poll.masses[0, truth]), 1e-12)))
