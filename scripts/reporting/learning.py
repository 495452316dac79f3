"""Sections on the action model: onboarding and sampling."""

from collections.abc import Sequence
from typing import Any

from scripts.reporting.markdown import Result, number, table


def onboard_tables(result: Result) -> list[str]:
    """Means over the models that were left out, by number of labels and way of asking."""
    rows = result["rows"]
    groups = sorted({(row["labels"], row["way"]) for row in rows})
    models = len({row["model"] for row in rows})
    heads = ("labels", "way", "AUC, of full training's", "Brier", "of a constant", "worse than it")
    title = f"### {result['table']}: {models} models left out, one at a time"
    chosen = [(labels, way, [r for r in rows if (r["labels"], r["way"]) == (labels, way)]) for labels, way in groups]
    return [f"{title}\n\n" + table(heads, (onboard_row(labels, way, some) for labels, way, some in chosen))]


def onboard_row(labels: int, way: str, rows: Sequence[Any]) -> tuple[object, ...]:
    """One number of labels."""
    means = [sum(row[key] for row in rows) / len(rows) for key in ("auc_share", "brier", "brier_of_constant")]
    worse = sum(row["brier"] > row["brier_of_constant"] for row in rows)
    return (labels, way, *(number(mean, 4) for mean in means), f"{worse} of {len(rows)}")


def sampling_tables(result: Result) -> list[str]:
    """Regret by strategy and share of the grid's cost, and the differences."""
    found = []
    for name, one in result["tables"].items():
        rows = (
            (strategy, share, f"{told[0]:.4f} ± {told[1]:.4f}")
            for strategy, shares in one["regret"].items()
            for share, told in shares.items()
        )
        found.append(f"### {name}\n\n" + table(("strategy", "share of the cost", "regret"), rows))
        pairs = ((line, f"{told[0]:+.4f} ± {told[1]:.4f}") for line, told in one["differences"].items())
        found.append(table(("difference", "regret"), pairs))
    return found
