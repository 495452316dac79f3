"""Plays arms over prompts and keeps what came of it: the part that IFEval and the following set share."""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table as Shown

from proxy.assembly import Rooms, build_router
from proxy.settings import Settings, load_settings
from scripts.ifeval.arms import Arm, arms_of, play
from scripts.ifeval.figures import figures
from scripts.ifeval.journal import Journal
from scripts.ifeval.prompts import Mode, Prompt
from scripts.ifeval.shared_answers import AnswerBook, one_run
from scripts.reporting.console import report_console
from scripts.stamp import stamp

ROW = (
    "{name} | {prompt_accuracy:.3f} | {low:.3f}-{high:.3f} | {instruction_accuracy:.3f} | {calls:.2f} "
    "| {output_tokens:.0f} | {usd:.6f} | {seconds:.1f} | {failed}"
)
HEADS = ("arm", "prompts right", "95 %", "instructions", "calls", "output tokens", "usd", "seconds", "failed")


@dataclass(frozen=True)
class Work:
    """One answer to be made."""

    prompt: Prompt
    arm: Arm
    mode: Mode


Command = TypeVar("Command", bound=Callable[..., Any])

OPTIONS = (
    click.option("--config", type=click.Path(exists=True, path_type=Path), required=True),
    click.option("--efforts", default="low,medium,high", show_default=True),
    click.option("--modes", default="code", show_default=True, help="code, judge or both."),
    click.option("--half", type=click.Choice(["dev", "kept", "all"]), default="kept", show_default=True),
    click.option("--most", type=int, help="At most so many prompts."),
    click.option("--models", help="Models of the single calls; default: all that may be chosen."),
    click.option("--fixed", help="Models of best-of-n and fix-only; default: those of the single calls."),
    click.option("--n", default=8, show_default=True),
    click.option("--arms", default="single,best_of,fix", show_default=True, help="The fixed policies to be played."),
    click.option("--max-tokens", default=300, show_default=True),
    click.option("--parallel", default=4, show_default=True, help="Answers in the making at once."),
    click.option("--journal", type=click.Path(path_type=Path), help="Default: the JSON file's name with .journal."),
    click.option(
        "--answers", type=click.Path(path_type=Path), help="A file: the same call of several arms is answered once."
    ),
    click.option(
        "--untold", is_flag=True, help="Maestro too keeps requirements from the models: the prompt says them."
    ),
)


def playing(command: Command) -> Command:
    """The options of every bench that plays arms."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def bench(
    name: str, config: Path, prompts: Sequence[Prompt], json_path: Path, journal: Path | None, options: dict[str, Any]
) -> None:
    """Plays what the journal lacks, grades all, writes the JSON and prints the tables."""
    settings = load_settings(config)
    kept = Journal(journal or json_path.with_suffix(".journal"), {"max_tokens": options["max_tokens"]})
    asyncio.run(carry_out(settings, prompts, kept, options))
    said = {key: value.name if isinstance(value, Path) else value for key, value in options.items()}
    result = {"bench": name, "made": stamp(), **figures(kept.played, prompts), "settings": said}
    json_path.write_text(json.dumps(result, indent=1), "utf-8")
    for mode in ("code", "judge"):
        if mode in result:
            report_console().print(shown(name, mode, result[mode]))


async def carry_out(settings: Settings, prompts: Sequence[Prompt], kept: Journal, options: dict[str, Any]) -> None:
    """Makes every answer that the journal lacks."""
    book = AnswerBook(options["answers"]) if options.get("answers") else None
    rooms = await build_router(settings, book.around) if book is not None else await build_router(settings)
    try:
        names = [model.id for model in rooms.upstreams.models.values() if model.routable]
        models = options["models"].split(",") if options["models"] else names
        fixed = options["fixed"].split(",") if options["fixed"] else models
        efforts = [effort for effort in options["efforts"].split(",") if effort]
        arms = arms_of(models, fixed, options["n"], efforts, is_told=not options.get("untold"))
        wanted = ("maestro", *options.get("arms", "single,best_of,fix").split(","))
        arms = [arm for arm in arms if arm.name.startswith(wanted)]
        modes = [cast(Mode, mode) for mode in options["modes"].split(",")]
        work = [
            Work(prompt, arm, mode)
            for prompt in prompts
            for mode in modes
            for arm in arms
            if not kept.has(prompt.key, arm.name, mode)
        ]
        await make_all(rooms, work, kept, options)
    finally:
        await rooms.close()


async def make_all(rooms: Rooms, work: Sequence[Work], kept: Journal, options: dict[str, Any]) -> None:
    """At most `parallel` at once, in order, with a bar that tells money and time left."""
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("${task.fields[usd]:.4f}"))
    times = (TimeElapsedColumn(), TimeRemainingColumn())
    todo = iter(work)
    with Progress(*columns, *times, console=Console(stderr=True)) as progress:
        step = progress.add_task("answers", total=len(work), usd=0.0)

        async def worker() -> None:
            for one in todo:
                with one_run():
                    kept.add(await play(rooms, one.arm, one.prompt, one.mode, options["max_tokens"]))
                spent = sum(played.usd for played in kept.played)
                progress.update(step, advance=1, usd=spent)

        async with asyncio.TaskGroup() as group:
            for _ in range(options["parallel"]):
                group.create_task(worker())


def shown(name: str, mode: str, result: dict[str, Any]) -> Shown:
    """One row an arm, and what Maestro is above its rivals."""
    table = Shown(*HEADS, title=f"{name}, {mode} mode, {result['prompts']} prompts")
    for arm, row in result["arms"].items():
        low, high = row["prompt_interval"]
        table.add_row(*ROW.format(name=arm, low=low, high=high, **row).split(" | "))
    lines = [
        f"{row['arm']} - {row['against']}: {row['difference']:+.3f} ({row['interval'][0]:+.3f} to "
        f"{row['interval'][1]:+.3f}), {row['accuracy_ratio']:.2f} × the accuracy, "
        f"{row['output_token_ratio']:.2f} × the output tokens"
        for row in result["paired"]
    ]
    table.caption = "\n".join(lines)
    return table
