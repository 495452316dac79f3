"""`maestro train`: fits a checkpoint from outcome tables or the ledger, and says how good it is on unseen tasks."""

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console

from action_model.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from action_model.device import Device, DeviceError, chosen_device
from action_model.latent import LatentConfig
from action_model.learned import LearnedEstimator
from action_model.learnt import Learnt
from action_model.outcomes import SELECTIONS, Grid, selection_of
from proxy.settings import SettingsError, load_settings
from router.errors import MaestroError
from scripts.offline.default_checkpoint import reproduce
from scripts.offline.fitting import DEFAULT_TABLES, fit_tables
from scripts.offline.in_use import checkpoint_in_use
from scripts.offline.ledger_training import Wanted, train_from_ledger
from scripts.offline.reports import is_promoted, judge, page_of, words_of, write_page


@click.command()
@click.option("--data", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Outcome tables.")
@click.option("--train", "train_split", default="train", show_default=True)
@click.option("--test", "test_split", default="dev", show_default=True)
@click.option("--tables", default=",".join(DEFAULT_TABLES), show_default=True)
@click.option("--output", type=click.Path(path_type=Path), default=Path("checkpoint"), show_default=True)
@click.option("--against", type=click.Path(path_type=Path), help="The checkpoint in use; default: the settings' own.")
@click.option("--anyway", is_flag=True, help="Write it even if it is not better than the one in use.")
@click.option(
    "--html",
    "html_path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A report with plots; default: OUTPUT.html.",
)
@click.option("--default", "is_default", is_flag=True, help="Make the checkpoint of the package again, bit for bit.")
@click.option("--from-ledger", is_flag=True, help="Learn from the runs in the ledger, on top of the checkpoint in use.")
@click.option("--config", type=click.Path(path_type=Path), help="The settings file.")
@click.option("--held-out", type=click.FloatRange(0.1, 0.9), default=0.3, show_default=True, help="With --from-ledger.")
@click.option("--days", type=click.FloatRange(min=0), help="With --from-ledger: only runs of the last so many days.")
@click.option("--team", help="With --from-ledger: only runs of this team.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="cpu", show_default=True)
def command(
    data: Path | None,
    train_split: str,
    test_split: str,
    tables: str,
    output: Path,
    against: Path | None,
    anyway: bool,
    html_path: Path | None,
    is_default: bool,
    from_ledger: bool,
    config: Path | None,
    held_out: float,
    days: float | None,
    team: str | None,
    device: Device,
) -> None:
    """Fit a checkpoint: OUTPUT.safetensors and its card OUTPUT.json. The same data give the same bytes."""
    page = html_path or output.with_suffix(".html")
    if from_ledger:
        if data is not None or anyway:
            raise click.UsageError("--from-ledger learns from runs: it takes no --data and no --anyway")
        learn_from_ledger(config, Wanted(against, output, held_out, days, team, page))
    elif data is None:
        raise click.UsageError("what to learn from? Give --data DIR or --from-ledger")
    elif is_default:
        sys.exit(reproduce(data, output))
    else:
        try:
            before = LearnedEstimator(load_checkpoint(checkpoint_in_use(config, against))[0])
        except (SettingsError, CheckpointError) as error:
            click.echo(f"maestro: {error}", err=True)
            sys.exit(2)
        fit(data, (train_split, test_split), tables, output, Terms(before, anyway, page, device))


def learn_from_ledger(config: Path | None, wanted: Wanted) -> None:
    """The ledger's runs; a refusal is printed and ends the command with 2."""
    try:
        train_from_ledger(load_settings(config), wanted, Console())
    except (SettingsError, CheckpointError, MaestroError) as error:
        click.echo(f"maestro: {error}", err=True)
        sys.exit(2)


@dataclass(frozen=True)
class Terms:
    """What a new checkpoint is measured against, whether it is written `anyway`, where the report goes, and where it is
    computed."""

    before: LearnedEstimator
    anyway: bool
    page: Path
    device: Device = "cpu"


def fit(data: Path, splits: tuple[str, str], tables: str, output: Path, terms: Terms) -> None:
    """Outcome tables: fits on the first split, and says how good it is on the second."""
    try:
        config = LatentConfig(device=chosen_device(terms.device))
    except DeviceError as error:
        raise click.BadParameter(str(error), param_hint="--device") from None
    console, started = Console(), time.monotonic()
    names = [name.strip() for name in tables.split(",") if name.strip()]
    unknown = sorted(name for name in names if selection_of(name, data) is None)
    if unknown:
        raise click.BadParameter(f"unknown {unknown[0]}; known: {', '.join(SELECTIONS)}", param_hint="--tables")
    with console.status("") as status:
        found = fit_tables(data, splits, names, config, status.update)
    if not report(found.learnt, found.held, terms, console):
        console.print("not promoted: on held-out tasks not better than the checkpoint in use (--anyway writes it)")
        return
    save_checkpoint(output, found.learnt, found.card)
    for name, row in found.card.metrics.items():
        console.print(name, "  ".join(f"{figure} {value:.4f}" for figure, value in row.items()))
    size = output.with_suffix(".safetensors").stat().st_size / 2**20
    console.print(f"{output}: {len(found.learnt.models)} models, {size:.1f} MiB, {time.monotonic() - started:.0f} s")


def report(learnt: Learnt, held: Mapping[str, Grid], terms: Terms, console: Console) -> bool:
    """Says how the checkpoint does, and against the one in use; may it be written?"""
    found = judge(held, LearnedEstimator(learnt), terms.before)
    lines = words_of(found)
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    console.print(write_page(page_of(found, lines), terms.page), markup=False)
    return terms.anyway or is_promoted(found)
