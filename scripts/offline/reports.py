"""The report that training and evaluating end with: a few lines, and a page with plots."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from action_model.costed import with_costs
from action_model.estimator import Estimator
from action_model.features import Floats
from action_model.offline.figures import Change, Choosing, Predicted, alone, change, predicted, predictions, some_of
from action_model.outcomes import Grid
from scripts.offline.pages import Line, Page, Plot

ESTIMATOR_FIGURES = ("aiq", "cost_at_95_percent", "brier", "auc", "calibration_error")
NEW = "new"


@dataclass(frozen=True)
class Judged:
    """One table's held-out figures, and the change against the checkpoint in use."""

    table: str
    grid: Grid
    after: Predicted
    before: Predicted | None
    change: Change | None


def judged(table: str, grid: Grid, after: Floats, before: Floats | None) -> Judged:
    """By predictions (N, M) of every task of the grid."""
    new = predicted(after, grid)
    old = None if before is None else predicted(before, grid)
    return Judged(table, grid, new, old, None if old is None else change(old, new, grid))


def judge(held: Mapping[str, Grid], after: Estimator, before: Estimator | None) -> list[Judged]:
    """Both checkpoints on the held-out tasks of every table that has any, by the models with a cost."""
    found = []
    for name, grid in held.items():
        some = with_costs(grid, some_of(grid))[1]
        if not some.prompts:
            continue
        old = None if before is None else predictions(before, some)
        found.append(judged(name, some, predictions(after, some), old))
    return found


def is_promoted(found: list[Judged]) -> bool:
    """Better on some table, and on none surely worse."""
    changes = [one.change for one in found if one.change is not None]
    return not any(one.is_worse for one in changes) and any(one.is_better for one in changes)


def words_of(found: list[Judged]) -> list[str]:
    """The report in sentences."""
    lines = []
    for one in found:
        after, best = one.after, int(one.grid.score.mean(axis=0).argmax())
        lines.append(
            f"{one.table}: {len(one.grid.prompts)} held-out tasks, {len(one.grid.models)} actions; "
            f"Brier {after.brier:.4f}, AUC {after.auc:.3f}, calibration error {after.calibration_error:.3f}"
        )
        lines.append(
            f"  best single action: {one.grid.models[best]}, success {one.grid.score[:, best].mean():.3f} for "
            f"${one.grid.usd[:, best].mean():.6f}{_seconds(alone(one.grid)[best]['seconds'])}"
        )
        lines += [f"  {line}" for line in _choices(one)]
        if one.change is not None:
            lines += [f"  {line}" for line in words_of_change(one.change)]
    return lines


def words_of_change(found: Change) -> list[str]:
    """What is different from the checkpoint in use."""
    return [
        f"the checkpoint in use: Brier {found.brier_before:.4f}; the new one is better in {found.surely:.0%} of "
        "resamples",
        f"choosing by the new one is worth {found.gain:+.4f} successes a task, more in {found.gain_surely:.0%} of them",
    ]


def _choices(one: Judged) -> list[str]:
    """Choosing where money counts least, middling and most; by the checkpoint in use beside it."""
    count = len(one.after.choosing)
    some = sorted({0, count // 2, count - 1}) if count else []
    lines = []
    for place in some:
        now = one.after.choosing[place]
        old = "" if one.before is None else f"; in use {_said(one.before.choosing[place])}"
        lines.append(f"choosing where a dollar is worth {now.usd_value:.4g}: {_said(now)}{old}")
    return lines


def _said(one: Choosing) -> str:
    return f"success {one.success:.3f} for ${one.usd:.6f}{_seconds(one.seconds)}"


def _seconds(seconds: object) -> str:
    return f" in {seconds:.2f} s" if isinstance(seconds, float) else ""


def page_of(found: list[Judged], lines: list[str], title: str = "Checkpoint") -> Page:
    """Accuracy, cost, latency, frontier and calibration, and what is different from the checkpoint in use."""
    page = Page(title)
    for line in lines:
        page.say(line)
    for one in found:
        page.show(f"{one.table}: actions alone", alone(one.grid))
        page.show(f"{one.table}: choosing one action a task by the predictions", choosing_rows(one))
        page.plots += [frontier(one), *latency(one), calibration(one)]
    return page


def choosing_rows(one: Judged) -> list[dict[str, object]]:
    """Accuracy, cost and latency at each operating point, now and by the checkpoint in use."""
    old: tuple[Choosing | None, ...] = (None,) * len(one.after.choosing) if one.before is None else one.before.choosing
    rows = []
    for now, was in zip(one.after.choosing, old, strict=True):
        row: dict[str, object] = {"a dollar is worth": now.usd_value, "success": now.success, "usd": now.usd}
        row["seconds"] = now.seconds
        if was is not None:
            row |= {"in use: success": was.success, "in use: usd": was.usd, "in use: seconds": was.seconds}
        rows.append(row)
    return rows


def add_estimators(page: Page, found: Mapping[str, Any]) -> None:
    """The predictors against each other on every benchmark, a table each."""
    for name, figures in found.items():
        if "estimators" in figures:
            rows = [
                {"predictor": predictor} | {figure: row.get(figure) for figure in ESTIMATOR_FIGURES}
                for predictor, row in figures["estimators"].items()
            ]
            page.show(f"{name}: predictors (hull of single actions {figures['hull']:.4f})", rows)


def write_page(page: Page, path: Path) -> str:
    """Writes it if plots can be drawn; says where it is, or what is missing."""
    try:
        page.write(path)
    except ImportError:
        return "no plots: they need the extra 'build' (pip install 'maestro-proxy[build]')"
    return f"report with plots: {path}"


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
            NEW,
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


def latency(one: Judged) -> list[Plot]:
    """Success against seconds, of actions alone and of choosing; nothing where the table has no times."""
    singles = [row for row in alone(one.grid) if row["seconds"] is not None]
    if not singles:
        return []
    lines = [
        Line(
            "actions alone",
            [float(str(row["seconds"])) for row in singles],
            [float(str(row["success"])) for row in singles],
            [str(row["action"]) for row in singles],
        )
    ]
    for name, told in ((NEW, one.after), ("in use", one.before)):
        timed = [] if told is None else [choice for choice in told.choosing if choice.seconds is not None]
        lines.append(Line(name, [float(c.seconds or 0.0) for c in timed], [c.success for c in timed]))
    return [Plot(f"{one.table}: latency", "seconds an answer", "success", [line for line in lines if line.x])]


def calibration(one: Judged) -> Plot:
    """Predicted against observed."""
    lines = [Line("ideal", [0.0, 1.0], [0.0, 1.0], mode="lines")]
    lines.append(Line(NEW, one.after.bins[:, 0].tolist(), one.after.bins[:, 1].tolist(), mode="lines+markers"))
    if one.before is not None:
        lines.append(
            Line("in use", one.before.bins[:, 0].tolist(), one.before.bins[:, 1].tolist(), mode="lines+markers")
        )
    return Plot(f"{one.table}: calibration", "predicted success", "observed success", lines)
