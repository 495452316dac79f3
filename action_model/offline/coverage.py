"""Do the 0.9 quantiles that are served hold? Calls of an outcome table, replayed through the estimator as it serves."""

import numpy as np

from action_model.actions import Action, Offer, Portfolio
from action_model.belief import Estimate
from action_model.estimator import Estimator
from action_model.facts import Facts
from action_model.outcomes import Grid
from action_model.prices import Price
from action_model.speed import Speed

FREE = Price(0.0, 0.0)


def coverage(estimator: Estimator, grid: Grid) -> dict[str, float]:
    """Share of calls within the 0.9 quantile of tokens and of seconds: by what was learnt alone, and `_live`, corrected
    by each call that came before. Nothing of a table that does not tell both."""
    known = [j for j in range(len(grid.models)) if not np.isnan(grid.seconds[:, j] + grid.output_tokens[:, j]).any()]
    if not known or not len(grid.prompts):
        return {}
    offers = Portfolio(tuple(Offer(Action(f"table/{grid.models[j]}"), FREE, family=grid.models[j]) for j in known))
    found: dict[str, float] = {}
    for name, is_live in (("", False), ("_live", True)):
        speeds: dict[str, Speed] = {}
        within = []
        for i in np.random.default_rng(0).permutation(len(grid.prompts)).tolist():
            facts = Facts(grid.prompts[i], int(grid.input_tokens[i]))
            for j, expected in zip(known, estimator.believe(facts, offers, speeds).estimates, strict=True):
                within.append(_call(grid, i, j, expected, speeds if is_live else {}))
        tokens, seconds = np.mean(within, axis=0).tolist()
        found |= {f"tokens_within_p90{name}": tokens, f"seconds_within_p90{name}": seconds}
    return found


def _call(grid: Grid, i: int, j: int, expected: Estimate, speeds: dict[str, Speed]) -> tuple[bool, bool]:
    """Whether one call lay within what was expected; its model's speed learns of it."""
    tokens, seconds = int(grid.output_tokens[i, j]), float(grid.seconds[i, j])
    model = expected.action.model
    speeds[model] = speeds.get(model, Speed()).after(seconds, tokens, None, expected)
    return tokens <= expected.output_tokens_high, seconds <= expected.seconds_high
