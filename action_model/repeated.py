"""Tables with repeated samples: is pass@k predicted as it is measured? Fitted on one split, measured on another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from action_model.features import Floats, featurize
from action_model.outcomes import read_rows
from action_model.projection import fit_projection
from action_model.repeats import SPREAD, SPREADS, TRIES, Repeats, fit_repeats, measured_pass_at, predicted_pass_at
from action_model.ridge import fit_ridge

TABLES = ("tot", "cruxeval", "misguided")
PASS = 0.999
LEVEL_PENALTY = 30.0
FOLDS = 4
LEAST_TASKS = 5
"""Of an action on the tested split; with fewer there is nothing to measure."""
AIM = 0.03
DRAWS = 2000


@dataclass(frozen=True)
class Repeated:
    """Repeats of one action: `passes` and `tries` (N,) of the prompts."""

    prompts: tuple[str, ...]
    passes: Floats
    tries: Floats

    @property
    def share(self) -> Floats:
        """(N,): share of tries that passed."""
        found: Floats = self.passes / self.tries
        return found


def read_repeated(folder: Path, table: str, split: str) -> dict[str, Repeated]:
    """Every action that was tried more than once, by "benchmark model technique". Raises FileNotFoundError."""
    rows = read_rows(folder, table)
    counts: dict[str, dict[str, list[float]]] = {}
    for i, score in enumerate(rows["score"]):
        if rows["split"][i] == split and score is not None:
            action = f"{rows['benchmark'][i]} {rows['model'][i]} {rows['technique'][i]}"
            seen = counts.setdefault(action, {}).setdefault(rows["prompt"][i], [0.0, 0.0])
            seen[0] += float(score >= PASS)
            seen[1] += 1.0
    return {
        action: Repeated(tuple(by_prompt), *(np.array(part) for part in zip(*by_prompt.values(), strict=True)))
        for action, by_prompt in sorted(counts.items())
        if max(tries for _, tries in by_prompt.values()) > 1
    }


def repeat_figures(folder: Path, table: str, train_split: str, test_split: str) -> dict[str, Any]:
    """Predicted and measured pass@k, and their mean absolute difference: of the table's means, and action by action."""
    train, test = read_repeated(folder, table, train_split), read_repeated(folder, table, test_split)
    actions = [action for action in train if action in test and len(test[action].prompts) >= LEAST_TASKS]
    if not actions:
        return {}
    chances, repeats = _fit(train, test, actions)
    predicted = {k: [float(predicted_pass_at(k, chances[a], repeats[a]).mean()) for a in actions] for k in TRIES}
    measured = {k: [_measured(k, test[a]) for a in actions] for k in TRIES}
    known = {k: [i for i, value in enumerate(measured[k]) if not np.isnan(value)] for k in TRIES}
    ks = [k for k in TRIES if known[k]]
    means = {str(k): (float(_at(predicted[k], known[k])), float(_at(measured[k], known[k]))) for k in ks}
    gaps = [abs(predicted[k][i] - measured[k][i]) for k in ks for i in known[k]]
    return {
        "actions": len(actions),
        "prompts": len({prompt for action in actions for prompt in test[action].prompts}),
        "concentration": float(np.median([one.concentration for one in repeats.values()])),
        "pass_at": {k: {"predicted": p, "measured": m} for k, (p, m) in means.items()},
        "mean_absolute_error": float(np.mean([abs(p - m) for p, m in means.values()])),
        "measured_standard_error": float(np.mean([_standard_error(k, [test[a] for a in actions]) for k in ks])),
        "chance_of_aim_if_right": _chance_of_aim(ks, [test[a] for a in actions]),
        "mean_absolute_error_by_action": float(np.mean(gaps)),
    }


def fitted_concentration(
    folder: Path, train_split: str, spread: float = SPREAD, tables: Sequence[str] = TABLES
) -> float | None:
    """The median over tables with repeats, for models of which nothing is known; None where there is no such table.

    `spread` is the variance that z gives to a logit, |theta|², of those whom it will serve.
    """
    found = []
    for table in tables:
        if (folder / table / "outcomes.parquet").is_file():
            train = read_repeated(folder, table, train_split)
            if train:
                fitted = _fit(train, train, list(train), (spread,))[1].values()
                found.append(float(np.median([one.concentration for one in fitted])))
    return float(np.median(found)) if found else None


def _fit(
    train: Mapping[str, Repeated],
    test: Mapping[str, Repeated],
    actions: Sequence[str],
    spreads: Sequence[float] = SPREADS,
) -> tuple[dict[str, Floats], dict[str, Repeats]]:
    """Chances of the tested prompts, and each action's repeats from chances of train prompts not fitted on."""
    projection = fit_projection(featurize(sorted({p for some in train.values() for p in some.prompts})))
    points = {
        prompt: row
        for grids in (train, test)
        for prompts in [sorted({p for some in grids.values() for p in some.prompts})]
        for prompt, row in zip(prompts, projection(featurize(prompts)), strict=True)
    }
    chances, repeats = {}, {}
    for action in actions:
        fit, held = train[action], test[action]
        x, z = (np.array([points[p] for p in some.prompts]) for some in (fit, held))
        chances[action] = _chances(x, fit.share, z)
        repeats[action] = fit_repeats(_out_of_fold(x, fit.share), fit.passes, fit.tries, spreads)
    return chances, repeats


def _chances(x: Floats, share: Floats, z: Floats) -> Floats:
    return np.clip(fit_ridge(x, share[:, None], LEVEL_PENALTY).predict(z)[:, 0], 0.005, 0.995)


def _out_of_fold(x: Floats, share: Floats) -> Floats:
    fold: NDArray[np.intp] = np.arange(len(x)) % min(FOLDS, len(x))
    found = np.full(len(x), share.mean())
    for k in range(int(fold.max()) + 1):
        if (fold != k).any():
            found[fold == k] = _chances(x[fold != k], share[fold != k], x[fold == k])
    return found


def _measured(k: int, some: Repeated) -> float:
    values = measured_pass_at(k, some.passes, some.tries)
    seen = ~np.isnan(values)
    return float(values[seen].mean()) if seen.sum() >= LEAST_TASKS else float("nan")


def _standard_error(k: int, some: Sequence[Repeated]) -> float:
    """Of the measured mean of pass@k, over prompts: how far even a prediction that is right would lie from it."""
    means = np.array(list(_by_prompt(k, some).values()))
    return float(means.std(ddof=1) / np.sqrt(len(means))) if len(means) > 1 else float("nan")


def _chance_of_aim(ks: Sequence[int], some: Sequence[Repeated]) -> float:
    """How often as many prompts, drawn from these (bootstrap, Efron 1979), would lie within `AIM` of a prediction that
    is right: the mean over k of how far their mean of pass@k lies from that of all."""
    found = [_by_prompt(k, some) for k in ks]
    common = [prompt for prompt in found[0] if all(prompt in each for each in found)]
    if not common:
        return float("nan")
    values = np.array([[each[prompt] for prompt in common] for each in found])  # (K, P)
    rows = np.random.default_rng(0).integers(0, len(common), (DRAWS, len(common)))
    gaps = np.abs(values[:, rows].mean(axis=2) - values.mean(axis=1, keepdims=True))
    return float((gaps.mean(axis=0) <= AIM).mean())


def _by_prompt(k: int, some: Sequence[Repeated]) -> dict[str, float]:
    """The measured pass@k of each prompt: all actions on one prompt count as one."""
    by_prompt: dict[str, list[float]] = {}
    for one in some:
        for prompt, value in zip(one.prompts, measured_pass_at(k, one.passes, one.tries), strict=True):
            if not np.isnan(value):
                by_prompt.setdefault(prompt, []).append(float(value))
    return {prompt: float(np.mean(values)) for prompt, values in by_prompt.items()}


def _at(values: Sequence[float], kept: Sequence[int]) -> float:
    return float(np.mean([values[i] for i in kept]))
