"""`maestro onboard MODEL`: a new model joins the checkpoint from few answers, chosen by what they tell."""

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click
from rich.console import Console

from action_model.actions import Action
from action_model.checkpoint import DEFAULT, CheckpointError, load_checkpoint, save_checkpoint
from action_model.learnt import Learnt
from action_model.onboard import Label, Newcomer, next_questions, onboard
from action_model.prices import to_nanodollars, to_usd
from proxy.assembly import Rooms, build_router
from proxy.settings import Settings, SettingsError, load_settings
from router.errors import MaestroError
from router.ledger.ledger import Account
from router.techniques.prompts import PROMPT_VARIANTS
from router.techniques.registry import load_techniques
from router.upstreams.upstream import Model
from scripts.offline.asking import Asker
from scripts.offline.bar import Bar
from scripts.offline.collector import Collector
from scripts.offline.journal import Cell, Journal, JournalError, Key
from scripts.offline.journal_database import Shared, place_of
from scripts.offline.onboarding import Answer, Newcomers, estimates_of, page_of, words_of
from scripts.offline.pace import Pace
from scripts.offline.planning import last_answers
from scripts.offline.reports import write_page
from scripts.offline.rooms import slots_of, validators_of
from scripts.offline.tasks import OfflineTask, ReadOptions, TaskFileError, read_tasks

BATCH = 8
"""Answers between two choices of what to ask next."""


@dataclass
class TellingPlanner:
    """Held-out tasks first; then, batch by batch, the train tasks whose answers tell most of the new model."""

    learnt: Learnt
    newcomer: Newcomer
    action: Action
    tasks: Sequence[OfflineTask]
    asker: Asker
    most: int
    train: list[OfflineTask] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.train = [task for task in self.tasks if task.split == "train"]

    def next_cells(self, journal: Journal) -> list[Cell]:
        """The next batch; none once there are enough answers."""
        known = journal.keys()
        held = [task for task in self.tasks if task.split != "train"][: max(8, self.most // 2)]
        fresh = [cell for place, task in enumerate(held) if (cell := self._cell(task, -place)).key not in known]
        if fresh:
            return fresh
        place = {task.id: i for i, task in enumerate(self.train)}
        asked = {i for key in known if key.action == self.action.name and (i := place.get(key.task_id)) is not None}
        count = min(BATCH, self.most - len(asked))
        if count <= 0:
            return []
        # What was asked and has no success is taken as a draw: it must not be asked again.
        answered = dict.fromkeys(asked, 0.5) | {
            place[a.task_id]: a.success
            for a in last_answers(journal)
            if a.action == self.action.name and a.task_id in place
        }
        texts = [task.text for task in self.train]
        chosen = next_questions(self.learnt, self.newcomer, texts, answered, count)
        return [self._cell(self.train[i], -order) for order, i in enumerate(chosen)]

    def _cell(self, task: OfflineTask, value: float) -> Cell:
        upstream = self.asker.upstreams.find(self.action.model).upstream
        held = self.asker.held(task, self.action)
        return Cell(Key(task.id, self.action.name, 0), upstream, held, float(value), "onboard")


@click.command()
@click.argument("model")
@click.argument("tasks", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--config", type=click.Path(path_type=Path), help="The settings file; it must name the model.")
@click.option("--cap-usd", type=click.FloatRange(min=0), required=True, help="The most to spend.")
@click.option(
    "--answers", type=click.IntRange(1), default=64, show_default=True, help="The most answers to learn from."
)
@click.option("--checkpoint", type=click.Path(path_type=Path), help="To join; default: the one in use.")
@click.option("--output", type=click.Path(path_type=Path), default=Path("checkpoint"), show_default=True)
@click.option("--html", "html_path", type=click.Path(dir_okay=False, path_type=Path), help="Default: OUTPUT.html.")
@click.option("--journal", help="A file, or postgresql://…[#NAME]; default: that of `maestro collect`.")
@click.option("--held-out", type=click.FloatRange(0, 0.9), default=0.2, show_default=True)
@click.option("--max-tokens", type=click.IntRange(1), default=1024, show_default=True)
@click.option("--team", default="collect", show_default=True, help="Whose budget pays.")
@click.option("--anyway", is_flag=True, help="Write it even if too few held-out answers say that it predicts better.")
def command(
    model: str,
    tasks: Path,
    config: Path | None,
    cap_usd: float,
    answers: int,
    checkpoint: Path | None,
    output: Path,
    html_path: Path | None,
    journal: str | None,
    held_out: float,
    max_tokens: int,
    team: str,
    anyway: bool,
) -> None:
    """Ask MODEL the most telling of TASKS, add it to the checkpoint, and keep that if it predicts better on held-out
    tasks."""
    console = Console(stderr=True)
    try:
        settings = load_settings(config)
        source = checkpoint or (Path(settings.checkpoint) if settings.checkpoint else DEFAULT)
        learnt, card = load_checkpoint(source)
        read = ReadOptions(settings, validators_of(settings), held_out, max_tokens)
        offline = read_tasks(tasks, read)
        place = place_of(journal, tasks)
        task = _onboard(settings, learnt, offline, (model, team, to_nanodollars(cap_usd), answers, place), console)
        grown, report = asyncio.run(task)
    except (SettingsError, TaskFileError, JournalError, CheckpointError, MaestroError) as error:
        click.echo(f"maestro: {error}", err=True)
        sys.exit(2)
    lines = words_of(report)
    for line in lines:
        click.echo(line)
    click.echo(write_page(page_of(report, lines), html_path or output.with_suffix(".html")))
    if not report.is_promoted:
        click.echo("not promoted: on held-out tasks it is not surely better than the checkpoint in use; collect more")
    if report.is_promoted or anyway:
        save_checkpoint(output, grown, card)
        said = "promoted" if report.is_promoted else "written anyway"
        click.echo(f'{said}: {output}.safetensors; set checkpoint = "{output}" to serve with it')


async def _onboard(
    settings: Settings,
    learnt: Learnt,
    tasks: list[OfflineTask],
    wanted: tuple[str, str, int, int, Path | Shared],
    console: Console,
) -> tuple[Learnt, Newcomers]:
    name, team, cap, most, place = wanted
    rooms = await build_router(settings)
    try:
        journal = Journal.open(place)
        try:
            journal.bind({task.id: task.digest for task in tasks})
            spent, held = journal.money()
            model = rooms.upstreams.find(name)
            collector, newcomer = _collector(rooms, model, learnt, tasks, (journal, team, cap + spent + held, most))
            with Bar(console, cap) as bar:
                collector.tell = bar.tell
                console.print(f"ended: {await collector.run()}")
            usd = to_usd(journal.money()[0] - spent)
            return _learn(learnt, newcomer, rooms, tasks, (model, journal, usd))
        finally:
            journal.close()
    finally:
        await rooms.close()


def _collector(
    rooms: Rooms, model: Model, learnt: Learnt, tasks: list[OfflineTask], how: tuple[Journal, str, int, int]
) -> tuple[Collector, Newcomer]:
    journal, team, cap, most = how
    loop = asyncio.get_running_loop()
    asker = Asker(
        rooms.upstreams, rooms.ledger, rooms.verifier, load_techniques(), Account(team), loop.time, PROMPT_VARIANTS
    )
    action = Action(model.id)
    newcomer = Newcomer(model.family or model.name, parameters_billions=model.parameters_billions)
    planner = TellingPlanner(learnt, newcomer, action, tasks, asker, most)
    pace = Pace.of(slots_of(rooms))
    by_id = {task.id: task for task in tasks}
    return Collector(journal, asker, by_id, planner, pace, tuple(PROMPT_VARIANTS), cap), newcomer


def _learn(
    learnt: Learnt,
    newcomer: Newcomer,
    rooms: Rooms,
    tasks: Sequence[OfflineTask],
    found: tuple[Model, Journal, float],
) -> tuple[Learnt, Newcomers]:
    """Learns from the train tasks, and looks at the held-out ones."""
    model, journal, usd = found
    own = answers_of(journal, Action(model.id).name)
    train = [task for task in tasks if task.split == "train" and task.id in own]
    held = [task for task in tasks if task.split != "train" and task.id in own]
    labels = [
        Label(task.text, own[task.id][0].success, own[task.id][1], requirements=len(task.subject.kinds))
        for task in train
    ]
    grown = onboard(learnt, newcomer, labels)
    others = [one for one in rooms.upstreams.models.values() if one.routable]
    before, after = (estimates_of(some, model, others, held) for some in (learnt, grown))
    answers = tuple(own[task.id][0] for task in held)
    return grown, Newcomers(model.id, len(labels), usd, answers, before, after)


def answers_of(journal: Journal, action: str) -> dict[str, tuple[Answer, float]]:
    """What each task's first sample by this action came to, with its output tokens."""
    return {
        row.key.task_id: (
            Answer(row.success, to_usd(row.spell.nanodollars), row.spell.seconds),
            row.spell.output_tokens,
        )
        for row in journal.rows()
        if row.key.action == action and row.key.sample_index == 0 and row.success is not None
    }
