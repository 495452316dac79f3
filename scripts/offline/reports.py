"""The report that training ends with: a few lines, and a page with plots."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from action_model.estimator import Estimator
from action_model.offline.figures import Change, Predicted, alone, change, predict, some_of
from action_model.outcomes import Grid
from scripts.offline.pages import Line, Page, Plot

ESTIMATOR_FIGURES = ("aiq", "cost_at_95_percent", "brier", "auc", "calibration_error")


@dataclass(frozen=True)
class Judged:
    """One table's held-out figures, and the change against the checkpoint in use."""

    table: str
    grid: Grid
    after: Predicted
    before: Predicted | None
    change: Change | None


def judge(held: Mapping[str, Grid], after: Estimator, before: Estimator | None) -> list[Judged]:
    """Both checkpoints on the held-out tasks of every table."""
    found = []
    for name, grid in held.items():
        some = some_of(grid)
        if not some.prompts:
            continue
        new = predict(after, some)
        old = None if before is None else predict(before, some)
        found.append(Judged(name, some, new, old, None if old is None else change(old, new, some)))
    return found


def is_promoted(found: list[Judged]) -> bool:
    """Better on some table, and on none surely worse."""
    changes = [one.change for one in found if one.change is not None]
    worse = [one for one in changes if one.surely <= 0.2 and one.brier_after > one.brier_before]
    return not worse and any(one.is_better for one in changes)


def words_of(found: list[Judged]) -> list[str]:
    """The report in sentences."""
    lines = []
    for one in found:
        after = one.after
        lines.append(
            f"{one.table}: {len(one.grid.prompts)} held-out tasks, {len(one.grid.models)} actions; "
            f"Brier {after.brier:.4f}, AUC {after.auc:.3f}, calibration error {after.calibration_error:.3f}"
        )
        if one.change is not None:
            lines.append(
                f"  the checkpoint in use: Brier {one.change.brier_before:.4f}; the new one is better in "
                f"{one.change.surely:.0%} of resamples"
            )
    return lines


def page_of(found: list[Judged], lines: list[str]) -> Page:
    """Accuracy, cost, latency, frontier and calibration."""
    page = Page("Checkpoint")
    for line in lines:
        page.say(line)
    for one in found:
        page.show(f"{one.table}: actions alone", alone(one.grid))
        page.plots += [frontier(one), calibration(one)]
    return page


def evaluation_page(found: Mapping[str, Any], held: Mapping[str, Grid]) -> Page:
    """The predictors against each other on every benchmark, and what each action is alone."""
    page = Page("Evaluation")
    for name, grid in held.items():
        rows = [
            {"predictor": predictor} | {figure: row.get(figure) for figure in ESTIMATOR_FIGURES}
            for predictor, row in found[name]["estimators"].items()
        ]
        page.show(f"{name}: {len(grid.prompts)} held-out tasks, hull of single actions {found[name]['hull']:.4f}", rows)
        page.show(f"{name}: actions alone", alone(grid))
        page.plots.append(Plot(f"{name}: frontier", "dollars an answer", "success", [singles_of(grid)]))
    return page


def singles_of(grid: Grid) -> Line:
    """Each action alone, by cost and success."""
    singles = alone(grid)
    return Line(
        "actions alone",
        [float(str(row["usd an answer"])) for row in singles],
        [float(str(row["success"])) for row in singles],
        [str(row["action"]) for row in singles],
    )


def frontier(one: Judged) -> Plot:
    """Cost and success of actions alone, and of choosing by the predictions."""
    lines = [
        singles_of(one.grid),
        Line(
            "new checkpoint",
            one.after.frontier[:, 0].tolist(),
            one.after.frontier[:, 1].tolist(),
            mode="lines+markers",
        ),
    ]
    if one.before is not None:
        lines.append(
            Line("in use", one.before.frontier[:, 0].tolist(), one.before.frontier[:, 1].tolist(), mode="lines+markers")
        )
    return Plot(f"{one.table}: frontier", "dollars an answer", "success", lines)


def calibration(one: Judged) -> Plot:
    """Predicted against observed."""
    lines = [Line("ideal", [0.0, 1.0], [0.0, 1.0], mode="lines")]
    lines.append(
        Line("new checkpoint", one.after.bins[:, 0].tolist(), one.after.bins[:, 1].tolist(), mode="lines+markers")
    )
    if one.before is not None:
        lines.append(
            Line("in use", one.before.bins[:, 0].tolist(), one.before.bins[:, 1].tolist(), mode="lines+markers")
        )
    return Plot(f"{one.table}: calibration", "predicted success", "observed success", lines)
