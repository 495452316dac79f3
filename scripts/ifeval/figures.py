"""From answers to figures: strict accuracy by prompt and by instruction, calls, tokens, money, paired differences."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from action_model.metrics import interval
from scripts.ifeval.arms import Played
from scripts.ifeval.prompts import Prompt


def figures(played: Sequence[Played], prompts: Sequence[Prompt]) -> dict[str, Any]:
    """By mode and arm, over the prompts that every arm of that mode has answered."""
    by_key = {prompt.key: prompt for prompt in prompts}
    found: dict[str, Any] = {}
    for mode in sorted({one.mode for one in played}):
        table: dict[str, dict[str, Played]] = {}
        for one in played:
            if one.mode == mode and one.key in by_key:
                table.setdefault(one.arm, {})[one.key] = one
        common = sorted(set.intersection(*(set(rows) for rows in table.values()))) if table else []
        if common:
            rows = {arm: arm_figures([rows[key] for key in common], by_key) for arm, rows in table.items()}
            found[mode] = {"prompts": len(common), "arms": rows, "paired": paired(rows)}
    return found


def arm_figures(played: Sequence[Played], prompts: Mapping[str, Prompt]) -> dict[str, Any]:
    """One arm. `right` is by prompt, for pairing."""
    graded = [prompts[one.key].grade(one.text) for one in played]
    right = np.array([all(marks) for marks in graded], dtype=float)
    marks = [mark for one in graded for mark in one]
    return {
        "prompt_accuracy": float(right.mean()),
        "prompt_interval": interval(lambda rows: float(right[rows].mean()), len(right)),
        "instruction_accuracy": float(np.mean(marks)),
        "calls": _mean(played, "calls"),
        "input_tokens": _mean(played, "input_tokens"),
        "output_tokens": _mean(played, "output_tokens"),
        "usd": _mean(played, "usd"),
        "seconds": _mean(played, "seconds"),
        "by_kind": by_kind(graded, [prompts[one.key].kinds for one in played]),
        "failed": sum(one.error is not None for one in played),
        "right": right.tolist(),
    }


def by_kind(graded: Sequence[Sequence[bool]], kinds: Sequence[Sequence[str]]) -> dict[str, float]:
    """The share of requirements that are met, by kind."""
    found: dict[str, list[bool]] = {}
    for marks, names in zip(graded, kinds, strict=True):
        for mark, name in zip(marks, names, strict=True):
            found.setdefault(name, []).append(mark)
    return {name: float(np.mean(marks)) for name, marks in sorted(found.items())}


def paired(arms: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Every Maestro arm against the best single call and the best best-of-n: difference with its 95 % interval."""
    rivals = [best for kind in ("single", "best_of") if (best := _best(arms, kind)) is not None]
    rows = []
    for name in (name for name in arms if name.startswith("maestro")):
        for rival in rivals:
            difference = np.array(arms[name]["right"]) - np.array(arms[rival]["right"])
            bounds = interval(lambda drawn, d=difference: float(d[drawn].mean()), len(difference))  # type: ignore[misc]
            ratios = {key: arms[name][key] / max(arms[rival][key], 1e-9) for key in ("output_tokens", "usd")}
            rows.append(
                {
                    "arm": name,
                    "against": rival,
                    "difference": float(difference.mean()),
                    "interval": bounds,
                    "accuracy_ratio": arms[name]["prompt_accuracy"] / max(arms[rival]["prompt_accuracy"], 1e-9),
                    "output_token_ratio": ratios["output_tokens"],
                    "usd_ratio": ratios["usd"],
                }
            )
    return rows


def _best(arms: Mapping[str, Mapping[str, Any]], kind: str) -> str | None:
    names = [name for name in arms if name.startswith(kind)]
    return max(names, key=lambda name: float(arms[name]["prompt_accuracy"]), default=None)


def _mean(played: Sequence[Played], name: str) -> float:
    return float(np.mean([getattr(one, name) for one in played]))
