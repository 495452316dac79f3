"""Active against uniform sampling, replayed on outcome tables: regret of the router at shares of the whole grid's
cost."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.console import Console

from action_model.features import featurize
from action_model.offline.replayed import Replay, active, learn, regrets, uniform, utilities, whole_rows
from action_model.offline.sampling import operating_points
from action_model.outcomes import Grid
from action_model.projection import fit_projection
from scripts.replay.tables import whole_grids
from scripts.reporting.curves import regret_curves
from scripts.stamp import stamp

STRATEGIES = {"active": active, "uniform": uniform, "whole_rows": whole_rows}
WIDTH = 64


@click.command()
@click.option("--data", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
@click.option("--tables", default="zeroeval_28,mmlu_pro_11", show_default=True)
@click.option("--shares", default="0.125,0.25,0.5", show_default=True, help="Of the whole grid's cost, by comma.")
@click.option("--strategies", default=",".join(STRATEGIES), show_default=True)
@click.option("--seeds", default=5, show_default=True)
@click.option("--tasks", default=2000, show_default=True, help="At most so many to learn from, and to hold out.")
@click.option("--json", "json_path", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--svg", "svg_path", type=click.Path(dir_okay=False, path_type=Path), help="The curves as a picture.")
def command(
    data: Path,
    tables: str,
    shares: str,
    strategies: str,
    seeds: int,
    tasks: int,
    json_path: Path | None,
    svg_path: Path | None,
) -> None:
    """Regret (points of success lost against a router given every outcome) with 95 % intervals over seeds."""
    console, found = Console(), {}
    for name in tables.split(","):
        grid = both(whole_grids(data, name, ["train", "dev"]))
        found[name] = curves(grid, strategies.split(","), [float(s) for s in shares.split(",")], seeds, tasks)
        for strategy, rows in found[name]["regret"].items():
            shown = "  ".join(f"{share}: {mean:.4f} ± {half:.4f}" for share, (mean, half, _) in rows.items())
            console.print(f"{name} {strategy}: {shown}")
        for line, (mean, half) in found[name]["differences"].items():
            console.print(f"{name} {line}: {mean:+.4f} ± {half:.4f}")
    if json_path is not None:
        told = {"bench": "sampling", "made": stamp(), "tables": found}
        json_path.write_text(json.dumps(told, indent=1), "utf-8")
    if svg_path is not None:
        svg_path.write_text(regret_curves({name: one["regret"] for name, one in found.items()}), "utf-8")


def both(grids: Mapping[str, Grid]) -> Grid:
    """All prompts of both splits: each seed parts them anew, which takes the luck of one small split out."""
    first, second = grids["train"], grids["dev"]
    return Grid(
        prompts=first.prompts + second.prompts,
        prompt_ids=first.prompt_ids + second.prompt_ids,
        categories=first.categories + second.categories,
        models=first.models,
        score=np.concatenate([first.score, second.score]),
        usd=np.concatenate([first.usd, second.usd]),
        output_tokens=np.concatenate([first.output_tokens, second.output_tokens]),
        seconds=np.concatenate([first.seconds, second.seconds]),
        input_tokens=np.concatenate([first.input_tokens, second.input_tokens]),
        answers=first.answers + second.answers,
    )


def replay_of(grid: Grid, most: int, seed: int) -> Replay:
    """A random half of the prompts to learn from, at most so many, and the others to hold out."""
    order = np.random.default_rng(1000 + seed).permutation(len(grid.prompts))
    half = len(order) // 2
    train, held = grid.take(np.sort(order[:half][:most])), grid.take(np.sort(order[half:][:most]))
    features = featurize(train.prompts)
    projection = fit_projection(features, WIDTH)
    return Replay(
        projection(features), train.score, train.usd, projection(featurize(held.prompts)), held.score, held.usd
    )


def curves(grid: Grid, strategies: Sequence[str], shares: Sequence[float], seeds: int, most: int) -> dict[str, Any]:
    """Regret by strategy and share: mean, half interval, every seed; and active at a share less uniform at twice it."""
    values: dict[str, dict[str, list[float]]] = {name: {str(share): [] for share in shares} for name in strategies}
    for seed in range(seeds):
        replay = replay_of(grid, most, seed)
        points = operating_points(replay.usd)
        best = utilities(replay, learn(replay, np.ones(replay.score.shape, dtype=bool)), points)
        for name in strategies:
            for share in shares:
                values[name][str(share)].append(regrets(replay, STRATEGIES[name], share, seed, best, points))
    regret = {name: {share: (*interval(v), v) for share, v in rows.items()} for name, rows in values.items()}
    differences = {
        f"active at {share} less {other} at {2 * share}": interval(
            list(np.subtract(values["active"][str(share)], values[other][str(2 * share)]))
        )
        for other in strategies
        if other != "active" and "active" in values
        for share in shares
        if 2 * share in shares
    }
    return {"prompts": len(grid.prompts), "actions": len(grid.models), "regret": regret, "differences": differences}


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Mean, and half of the 95 % interval over seeds (normal; Student's t for few)."""
    quantile = {1: float("nan"), 2: 12.71, 3: 4.30, 4: 3.18, 5: 2.78, 6: 2.57, 7: 2.45, 8: 2.36}.get(len(values), 2.0)
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else float("nan")
    return float(np.mean(values)), quantile * spread / len(values) ** 0.5


if __name__ == "__main__":
    command()
