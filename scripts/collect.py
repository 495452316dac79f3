"""`maestro collect`: asks real actions on a task file, under a cap, and writes what came of it as an outcome table."""

import asyncio
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console

from action_model.actions import Action
from action_model.offline.sampling import SamplingConfig
from action_model.prices import to_nanodollars, to_usd
from proxy.assembly import Rooms, build_router
from proxy.settings import Settings, SettingsError, load_settings
from proxy.variants import VariantError, variants_of
from router.errors import MaestroError
from router.ledger.ledger import Account
from router.techniques.registry import load_techniques
from router.upstreams.upstream import Model
from router.variants import is_own_word
from scripts.offline.actions import ActionError, Space, parse_action
from scripts.offline.asking import Asker, prompts_with
from scripts.offline.bar import Bar
from scripts.offline.collector import Collector, Planner
from scripts.offline.journal import Journal, JournalError
from scripts.offline.journal_database import Shared, place_of
from scripts.offline.pace import Pace
from scripts.offline.planning import ActivePlanner, Field, GridPlanner
from scripts.offline.rooms import slots_of, validators_of
from scripts.offline.tables import table_rows, write_table
from scripts.offline.tasks import OfflineTask, ReadOptions, TaskFileError, read_tasks


@dataclass(frozen=True)
class Wanted:
    """What the command line asked for."""

    tasks: Path
    journal: Path | Shared
    output: Path
    name: str
    cap: int | None
    samples: int
    space: Space
    actions: Sequence[str]
    models: Sequence[str]
    sampling: str
    team: str
    prompts: dict[str, str]
    held_out: float
    max_tokens: int
    parallel: int | None
    recheck: bool
    ask_lost: bool
    seed: int


def numbers(_ctx: click.Context, _param: click.Parameter, value: str) -> list[float | None]:
    """A list by comma; "task" leaves the task's own."""
    try:
        return [None if word.strip() == "task" else float(word) for word in value.split(",")]
    except ValueError:
        raise click.BadParameter("numbers by comma, or 'task'") from None


def words(_ctx: click.Context, _param: click.Parameter, value: str | None) -> list[str]:
    """A list by comma."""
    return [word.strip() for word in (value or "").split(",") if word.strip()]


@click.command()
@click.argument("tasks", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--config", type=click.Path(path_type=Path), help="The settings file.")
@click.option("--cap-usd", type=click.FloatRange(min=0), help="The most to spend, over all starts of this journal.")
@click.option("--journal", help="A file, or postgresql://…[#NAME] to share; default: TASKS with .journal.db.")
@click.option("--output", type=click.Path(file_okay=False, path_type=Path), default=Path("outcomes"), show_default=True)
@click.option("--name", help="The table's name; default: that of the task file.")
@click.option("--samples", type=click.IntRange(1, 1000), default=1, show_default=True, help="Answers of each pair.")
@click.option("--models", callback=words, help="By comma; default: all routable ones.")
@click.option("--prompts", callback=words, default="plain", show_default=True, help="Prompt variants, by comma.")
@click.option("--prompt-file", multiple=True, metavar="NAME=FILE", help="One more prompt variant.")
@click.option("--temperatures", callback=numbers, default="task", show_default=True)
@click.option("--tool-limits", callback=numbers, default="task", show_default=True, help="Tools offered, by comma.")
@click.option("--repairs", callback=numbers, default="0", show_default=True, help="Repair depths, by comma.")
@click.option("--action", "actions", multiple=True, help='One action by name ("a/small:sample:careful:t0.9").')
@click.option("--sampling", type=click.Choice(["active", "grid"]), default="active", show_default=True)
@click.option("--held-out", type=click.FloatRange(0, 0.9), default=0.2, show_default=True, help="Share of tasks.")
@click.option(
    "--max-tokens", type=click.IntRange(1), default=1024, show_default=True, help="Where a task has no limit."
)
@click.option("--parallel", type=click.IntRange(1), help="Calls in flight at each upstream; default: its max_parallel.")
@click.option("--team", default="collect", show_default=True, help="Whose budget pays.")
@click.option("--recheck", is_flag=True, help="Check all stored answers again; ask nothing.")
@click.option("--ask-lost", is_flag=True, help="Ask again what was in flight when a collector died, and what failed.")
@click.option("--seed", type=int, default=0, show_default=True)
def command(
    tasks: Path,
    config: Path | None,
    cap_usd: float | None,
    journal: str | None,
    name: str | None,
    prompts: list[str],
    prompt_file: Sequence[str],
    temperatures: list[float | None],
    tool_limits: list[float | None],
    repairs: list[float | None],
    **rest: object,
) -> None:
    """Sample the action space on TASKS (JSON lines): ask, check, and write OUTPUT/NAME/outcomes.parquet.

    May be interrupted at any moment and started again: what was asked is not asked or paid again.
    """
    space = Space(
        prompts or ["plain"],
        temperatures,
        [None if limit is None else int(limit) for limit in tool_limits],
        [int(depth or 0) for depth in repairs],
    )
    wanted = Wanted(
        tasks=tasks,
        journal=place_of(journal, tasks),
        name=name or tasks.stem,
        cap=None if cap_usd is None else to_nanodollars(cap_usd),
        space=space,
        prompts=read_prompts(prompt_file),
        **rest,  # type: ignore[arg-type]
    )
    try:
        asyncio.run(collect(wanted, load_settings(config)))
    except (SettingsError, TaskFileError, JournalError, ActionError, MaestroError) as error:
        click.echo(f"maestro: {error}", err=True)
        sys.exit(2)


def read_prompts(given: Sequence[str]) -> dict[str, str]:
    """NAME=FILE pairs. Raises BadParameter."""
    found: dict[str, str] = {}
    for pair in given:
        name, _, path = pair.partition("=")
        if not path or not is_own_word(name):
            raise click.BadParameter(
                f"'{pair}' is not NAME=FILE, with a name of small letters and _ that is not built in",
                param_hint="--prompt-file",
            )
        try:
            found[name] = Path(path).read_text("utf-8").strip()
        except OSError as error:
            raise click.BadParameter(str(error), param_hint="--prompt-file") from None
    return found


async def collect(wanted: Wanted, settings: Settings) -> None:
    """The whole command, in one event loop."""
    rooms = await build_router(settings)
    try:
        options = ReadOptions(settings, validators_of(settings), wanted.held_out, wanted.max_tokens)
        tasks = read_tasks(wanted.tasks, options)
        journal = Journal.open(wanted.journal)
        try:
            journal.bind({task.id: task.digest for task in tasks})
            await carry_out(wanted, rooms, tasks, journal)
        finally:
            journal.close()
    finally:
        await rooms.close()


async def carry_out(wanted: Wanted, rooms: Rooms, tasks: list[OfflineTask], journal: Journal) -> None:
    """Collects or re-checks, then writes the table and says what there is."""
    console = Console(stderr=True)
    collector = collector_of(wanted, rooms, tasks, journal)
    if wanted.recheck:
        count = await collector.recheck(everything=True)
        console.print(f"{count} answers checked again; nothing was asked")
    else:
        if wanted.ask_lost:
            journal.recover()
            console.print(f"{journal.reopen(('lost', 'failed'))} cells are asked again")
        with Bar(console, wanted.cap) as bar, stopping(collector, console):
            collector.tell = bar.tell
            ended = await collector.run()
        console.print(f"ended: {ended}")
    summarise(wanted, rooms, collector, console)


def collector_of(wanted: Wanted, rooms: Rooms, tasks: list[OfflineTask], journal: Journal) -> Collector:
    """Everything a collection needs, from what was asked for."""
    prompts = prompts_of(wanted, rooms)
    loop = asyncio.get_running_loop()
    account = Account(team=wanted.team)
    asker = Asker(rooms.upstreams, rooms.ledger, rooms.verifier, load_techniques(), account, loop.time, prompts)
    actions = actions_of(wanted, rooms, tuple(prompts))
    field = Field(tasks, actions, wanted.samples, asker)
    planner: Planner = (
        GridPlanner(field)
        if wanted.sampling == "grid"
        else ActivePlanner(field, wanted.cap, SamplingConfig(seed=wanted.seed))
    )
    slots = slots_of(rooms, wanted.parallel)
    by_id = {task.id: task for task in tasks}
    return Collector(journal, asker, by_id, planner, Pace.of(slots), tuple(prompts), wanted.cap)


def prompts_of(wanted: Wanted, rooms: Rooms) -> Mapping[str, str]:
    """The built-in prompt variants, the settings' own, and those of --prompt-file, by name. Raises SettingsError."""
    try:
        own = variants_of(rooms.settings.variants).prompts
    except VariantError as error:
        raise SettingsError(str(error)) from None
    return prompts_with({**{name: prompt.text for name, prompt in own.items()}, **wanted.prompts})


def actions_of(wanted: Wanted, rooms: Rooms, prompts: Sequence[str]) -> list[Action]:
    """The named actions, and the whole space over the chosen models. Raises ActionError, UnknownModel."""
    named = [parse_action(text, prompts) for text in wanted.actions]
    for action in named:
        rooms.upstreams.find(action.model)
    for prompt in wanted.space.prompts:
        if prompt not in prompts:
            raise ActionError(f"'{prompt}' is no prompt variant; known: {', '.join(prompts)}")
    models: list[Model] = [rooms.upstreams.find(name) for name in wanted.models]
    if not models and not named:
        models = [model for model in rooms.upstreams.models.values() if model.routable]
    if not models and not named:
        raise ActionError("no model is routable; name some with --models")
    return list(dict.fromkeys([*wanted.space.actions(models), *named]))


class stopping:  # noqa: N801 - a context, used as one
    """The first interrupt lets what is in flight come home; the second is an ordinary one."""

    def __init__(self, collector: Collector, console: Console) -> None:
        self._collector, self._console = collector, console

    def __enter__(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return  # only the main thread hears signals
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop, number)

    def __exit__(self, *_: object) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)

    def _stop(self, number: int) -> None:
        self._console.print("waiting for the answers in flight; once more to leave them")
        self._collector.stop.set()
        asyncio.get_running_loop().remove_signal_handler(number)


def summarise(wanted: Wanted, rooms: Rooms, collector: Collector, console: Console) -> None:
    """Writes the table; says what was asked, what it cost, what is missing."""
    journal = collector.journal
    counts, (spent, held) = journal.counts(), journal.money()
    rows = table_rows(journal, collector.tasks, wanted.name, rooms.upstreams, collector.prompts)
    about = (
        f"# {wanted.name}\n\nCollected by `maestro collect` from {wanted.tasks.name}: {len(collector.tasks)} tasks, "
        f"{counts.get('answered', 0)} answers, ${to_usd(spent):.6f}, sampling {wanted.sampling}.\n"
    )
    path = write_table(rows, wanted.output, wanted.name, about, prompts_of(wanted, rooms))
    unknown = counts.get("answered", 0) - len({(row["prompt_id"], row["action"], row["sample_index"]) for row in rows})
    console.print(
        f"{counts.get('answered', 0)} answered, {counts.get('failed', 0)} failed, {counts.get('lost', 0)} lost, "
        f"{counts.get('open', 0)} open; ${to_usd(spent):.6f} spent" + (f", ${to_usd(held):.6f} held" if held else "")
    )
    if counts.get("lost"):
        console.print("lost: in flight when a collector died, charged at worst case, not asked again (--ask-lost does)")
    if unknown > 0:
        console.print(f"{unknown} answers could not be judged and are left out")
    for error, count in journal.errors():
        console.print(f"failed {count}×: {error}", markup=False)
    if isinstance(collector.planner, ActivePlanner) and collector.planner.dropped:
        console.print(f"dropped early: {', '.join(collector.planner.dropped)}")
    console.print(f"{len(rows)} outcomes in {path}")
