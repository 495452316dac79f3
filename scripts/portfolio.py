"""`maestro portfolio`: the smallest set of actions that loses little of the full set, and what each member adds."""

import json
from dataclasses import asdict
from pathlib import Path

import click
from rich.table import Table

from action_model.offline.members import SURE, Chosen, View, choose_members, least_shown
from action_model.outcomes import SELECTIONS, read_grids, selection_of
from scripts.offline.pages import Line, Page, Plot
from scripts.reporting.console import report_console


@click.command()
@click.option(
    "--data", type=click.Path(exists=True, file_okay=False, path_type=Path), default=Path("outcomes"), show_default=True
)
@click.option("--tables", required=True, help="Benchmarks or collected tables, by comma.")
@click.option("--train", "train_split", default="train", show_default=True)
@click.option("--test", "test_split", default="dev", show_default=True)
@click.option("--loss", type=click.FloatRange(0, 1), default=0.02, show_default=True, help="Success that may be lost.")
@click.option(
    "--view",
    type=click.Choice(["ensemble", "route"]),
    default="ensemble",
    show_default=True,
    help="ensemble: answers are checked, another action may follow; route: one action a task, unchecked.",
)
@click.option("--json", "json_path", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--html", "html_path", type=click.Path(dir_okay=False, path_type=Path))
def command(
    data: Path,
    tables: str,
    train_split: str,
    test_split: str,
    loss: float,
    view: View,
    json_path: Path | None,
    html_path: Path | None,
) -> None:
    """Choose the actions worth offering, as a set: complementary weak ones count for what they add."""
    console, found = report_console(), {}
    page = Page("Portfolio")
    for name in [word.strip() for word in tables.split(",") if word.strip()]:
        selection = selection_of(name, data)
        if selection is None:
            raise click.BadParameter(f"unknown table '{name}'; known: {', '.join(SELECTIONS)}", param_hint="--tables")
        grids = read_grids(data, selection, [train_split, test_split])
        train, held = grids[train_split], grids[test_split]
        if not train.prompts or not held.prompts:
            raise click.ClickException(
                f"{name}: no tasks in split '{train_split}' or '{test_split}' that all actions answered"
            )
        chosen = found[name] = choose_members(train, held, loss, view)
        console.print(table_of(name, chosen))
        for line in frontier_lines(chosen):
            console.print(line, markup=False, highlight=False, soft_wrap=True)
        for line in words_of(chosen, loss, len(train.prompts), len(held.prompts)):
            console.print(line, markup=False, soft_wrap=True)
            page.say(f"{name}: {line}")
        tell(page, name, chosen)
    if json_path is not None:
        json_path.write_text(json.dumps({name: asdict(chosen) for name, chosen in found.items()}, indent=1), "utf-8")
    if html_path is not None:
        page.write(html_path)


def table_of(name: str, chosen: Chosen) -> Table:
    """Members with what each adds."""
    table = Table(
        "action", "success", "usd an answer", "without it, at worst", "on average", "only it solves", title=name
    )
    for member in chosen.members:
        table.add_row(
            member.name,
            f"{member.success:.3f}",
            f"{member.usd:.6f}",
            f"-{member.loses:.4f}",
            f"-{member.loses_mean:.4f}",
            f"{member.alone_on:.1%}",
        )
    return table


def frontier_lines(chosen: Chosen) -> list[str]:
    """What each member adds at every point of the frontier, and what the set loses there, in thousandths."""
    width = max(len(name) for name in ("a dollar is worth", *(member.name for member in chosen.members)))
    rows = [("a dollar is worth", [_short(point) for point in chosen.points])]
    rows += [(member.name, [f"{1000 * lost:.0f}" for lost in member.adds]) for member in chosen.members]
    rows.append(("all: success", [f"{1000 * value:.0f}" for value in chosen.full]))
    rows.append(("loses, held out", [f"{1000 * lost:.0f}" for lost in chosen.held_losses]))
    lines = [f"{name:{width}} " + " ".join(f"{cell:>6}" for cell in cells) for name, cells in rows]
    return [
        "What the set would lose without each, at every operating point, in thousandths of a success a task:",
        *lines,
    ]


def _short(point: float) -> str:
    return f"{point:.3g}" if point < 1000 else f"{point / 1000:.3g}k"


def words_of(chosen: Chosen, loss: float, train: int, held: int) -> list[str]:
    """The result in sentences."""
    count = len(chosen.members)
    lines = [
        f"{count} of {count + len(chosen.dropped)} actions, {chosen.view} view: at most {chosen.worst_loss:.4f} below "
        f"the full set at any operating point on {train} train tasks (asked: {loss:.4f}), "
        f"{chosen.held_worst_loss:.4f} on {held} held-out ones ({chosen.held_mean_loss:.4f} on average).",
        f"Across halves of the train tasks, {SURE:.0%} of samples of {held} tasks lose at most {chosen.bound:.4f}. In "
        f"hindsight, by the best order for the held-out tasks themselves, the loss is {chosen.hindsight_loss:.4f}.",
        f"The {count} best by their own success would lose {chosen.top_k_loss:.4f} at worst on the held-out tasks.",
    ]
    if least_shown(train) > loss:
        lines.append(
            f"{train} tasks cannot show a loss below {least_shown(train):.3f} (three in n): nothing is left out. "
            f"{3 / loss:.0f} would be enough."
            if loss
            else "Nothing is left out: a loss of nothing cannot be shown."
        )
    elif chosen.held_worst_loss > loss:
        lines.append("On the held-out tasks the loss is above what was asked for: collect more tasks, or ask for less.")
    if chosen.dropped:
        lines.append(
            f"Not needed: {', '.join(chosen.dropped)}. Set `routable = false` for a model none of whose actions stays."
        )
    return lines


def tell(page: Page, name: str, chosen: Chosen) -> None:
    """The same in the page."""
    members = [{key: value for key, value in asdict(member).items() if key != "adds"} for member in chosen.members]
    page.show(name, members)
    at = [{"a dollar is worth": point, "full": full} for point, full in zip(chosen.points, chosen.full, strict=True)]
    for place, row in enumerate(at):
        row["held-out loss"] = chosen.held_losses[place]
        row |= {member.name: member.adds[place] for member in chosen.members}
    page.show(f"{name}: what the set would lose without each, at every operating point", at)
    places = [point if point > 0 else min(p for p in (*chosen.points, 1.0) if p > 0) / 10 for point in chosen.points]
    lines = [
        Line("all actions", places, chosen.full, mode="lines+markers"),
        Line("chosen", places, chosen.kept, mode="lines+markers"),
    ]
    title = "value of a dollar (1 = one success)"
    page.plots.append(Plot(name, title, "success less the value of the money", lines, True))
    adds = [Line(member.name, places, member.adds, mode="lines+markers") for member in chosen.members]
    page.plots.append(Plot(f"{name}: what each adds", title, "lost without it", adds, True))
