"""`maestro optimize-prompt`: improves a system-prompt variant for a task set; keeps it only if it wins on held-out
tasks."""

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.console import Console

from action_model.prices import to_nanodollars, to_usd
from proxy.assembly import Rooms, build_router
from proxy.settings import Settings, SettingsError, load_settings
from router.errors import MaestroError
from router.ids import new_id
from router.ledger.ledger import Account
from router.ledger.purse import RunLimits, RunPurse
from router.techniques.prompts import PROMPT_VARIANTS
from router.techniques.registry import load_techniques
from scripts.offline.asking import Asker
from scripts.offline.rooms import slots_of, validators_of
from scripts.offline.tasks import OfflineTask, ReadOptions, TaskFileError, read_tasks

RESAMPLES = 2000


@dataclass(frozen=True)
class Duel:
    """Two prompts on the same held-out tasks. `surely`: share of bootstrap resamples in which the new one is better."""

    tasks: int
    old: float
    new: float
    surely: float


@click.command()
@click.argument("tasks", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--config", type=click.Path(path_type=Path), help="The settings file.")
@click.option("--model", required=True, help="Whose prompt it is.")
@click.option("--writer", help="Who writes new prompts; default: the first judge, else the model itself.")
@click.option("--start", default="careful", show_default=True, help="A prompt variant, or a file, to begin with.")
@click.option("--cap-usd", type=click.FloatRange(min=0, min_open=True), required=True, help="The most to spend.")
@click.option("--calls", type=click.IntRange(1), default=200, show_default=True, help="The most answers to try.")
@click.option("--sure", type=click.FloatRange(0.5, 1), default=0.8, show_default=True, help="How surely it must win.")
@click.option("--held-out", type=click.FloatRange(0.05, 0.9), default=0.3, show_default=True)
@click.option("--max-tokens", type=click.IntRange(1), default=512, show_default=True)
@click.option("--team", default="collect", show_default=True, help="Whose budget pays.")
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), default=Path("prompt.txt"), show_default=True
)
@click.option("--seed", type=int, default=0, show_default=True)
def command(tasks: Path, config: Path | None, output: Path, sure: float, **wanted: object) -> None:
    """Evolve a system prompt on TASKS with GEPA (extra `optimize`), and write it to OUTPUT if it wins on held-out
    tasks."""
    try:
        import gepa  # noqa: F401 - told early that it is missing
    except ImportError:
        raise click.ClickException("this needs GEPA: pip install 'maestro-proxy[optimize]'") from None
    try:
        prompt, duel, spent = asyncio.run(optimize(tasks, load_settings(config), wanted))
    except (SettingsError, TaskFileError, MaestroError) as error:
        click.echo(f"maestro: {error}", err=True)
        sys.exit(2)
    console = Console()
    console.print(
        f"held-out tasks: {duel.tasks}; success {duel.old:.3f} before, {duel.new:.3f} after; spent ${spent:.6f}"
    )
    if duel.new > duel.old and duel.surely >= sure:
        output.write_text(prompt + "\n", "utf-8")
        console.print(f"it wins in {duel.surely:.0%} of resamples: written to {output}")
        console.print(f"measure it as an action: maestro collect … --prompts plain,tuned --prompt-file tuned={output}")
    else:
        console.print(f"it wins in {duel.surely:.0%} of resamples, {sure:.0%} are asked for: not kept")


async def optimize(path: Path, settings: Settings, wanted: dict[str, object]) -> tuple[str, Duel, float]:
    """The best prompt found, how it does on held-out tasks, and the dollars spent."""
    rooms = await build_router(settings)
    try:
        options = ReadOptions(
            settings, validators_of(settings), float(str(wanted["held_out"])), int(str(wanted["max_tokens"]))
        )
        tasks = read_tasks(path, options)
        train = [task for task in tasks if task.split == "train"]
        held = [task for task in tasks if task.split != "train"]
        if len(train) < 4 or len(held) < 2:
            raise TaskFileError(f"{path}: {len(train)} tasks to learn from and {len(held)} held out are too few")
        purse = purse_of(rooms, str(wanted["team"]), float(str(wanted["cap_usd"])))
        try:
            prompt, duel = await _evolve(rooms, purse, (train, held), wanted)
        finally:
            await purse.close()
        return prompt, duel, to_usd(purse.spent)
    finally:
        await rooms.close()


async def _evolve(
    rooms: Rooms, purse: RunPurse, parts: tuple[list[OfflineTask], list[OfflineTask]], wanted: dict[str, object]
) -> tuple[str, Duel]:
    from gepa.api import optimize as gepa_optimize

    evolve: Any = gepa_optimize  # its own types know nothing of our tasks
    from scripts.offline.gepa_adapter import COMPONENT, Bench

    train, held = parts
    loop = asyncio.get_running_loop()
    asker = Asker(rooms.upstreams, rooms.ledger, rooms.verifier, load_techniques(), Account(), loop.time, {})
    model = rooms.upstreams.find(str(wanted["model"]))
    judges = rooms.settings.judge.models
    writer = rooms.upstreams.find(str(wanted["writer"] or (judges[0] if judges else wanted["model"])))
    bench = Bench(asker, model, writer, purse, loop, min(8, slots_of(rooms).get(model.upstream, 8)))
    start = read_start(str(wanted["start"]))
    before = [one.success for one in await bench.try_all(held, start)]
    half = len(train) // 2
    result: Any = await asyncio.to_thread(
        evolve,
        seed_candidate={COMPONENT: start},
        trainset=train[:half],
        valset=train[half:],
        adapter=bench,
        reflection_lm=bench.write,
        max_metric_calls=int(str(wanted["calls"])),
        stop_callbacks=lambda _state: bench.is_spent,
        seed=int(str(wanted["seed"])),
        raise_on_exception=False,
        logger=Quiet(),
    )
    prompt = str(result.best_candidate[COMPONENT])
    after = [one.success for one in await bench.try_all(held, prompt)]
    return prompt, duel_of(before, after, int(str(wanted["seed"])))


class Quiet:
    """GEPA's own log is not ours."""

    def log(self, message: str) -> None:
        """Nothing."""


def purse_of(rooms: Rooms, team: str, cap_usd: float) -> RunPurse:
    """One purse for the whole optimisation: the cap holds whatever it tries."""
    clock = asyncio.get_running_loop().time
    return RunPurse(rooms.ledger, new_id(), Account(team), RunLimits(to_nanodollars(cap_usd)), clock)


def read_start(start: str) -> str:
    """A variant by name, else a file's text. Raises TaskFileError."""
    if start in PROMPT_VARIANTS:
        return PROMPT_VARIANTS[start] or "Answer the request."
    try:
        return Path(start).read_text("utf-8").strip()
    except OSError as error:
        raise TaskFileError(
            f"'{start}' is no prompt variant ({', '.join(PROMPT_VARIANTS)}), and no file: {error}"
        ) from None


def duel_of(old: Sequence[float], new: Sequence[float], seed: int = 0) -> Duel:
    """Paired: the same tasks for both (bootstrap, Efron 1979); a draw counts half."""
    difference = np.subtract(new, old)
    random = np.random.default_rng(seed)
    means = difference[random.integers(0, len(difference), (RESAMPLES, len(difference)))].mean(axis=1)
    surely = float((means > 0).mean() + 0.5 * (means == 0).mean())
    return Duel(len(difference), float(np.mean(old)), float(np.mean(new)), surely)
