"""`maestro train`: fits a checkpoint from outcome tables or the ledger, and says how good it is on unseen tasks."""

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.console import Console

from action_model.checkpoint import Card, CheckpointError, load_checkpoint, save_checkpoint
from action_model.device import Device, DeviceError, chosen_device
from action_model.features import featurize
from action_model.latent import PARTICLES, LatentConfig, log_likelihood
from action_model.learned import LearnedEstimator
from action_model.learnt import Learnt
from action_model.metrics import auc, brier, calibration_error
from action_model.outcomes import SELECTIONS, Grid, read_grids, selection_of
from action_model.train import train
from proxy.settings import SettingsError, load_settings
from router.errors import MaestroError
from scripts.offline.in_use import checkpoint_in_use
from scripts.offline.ledger_training import Wanted, train_from_ledger
from scripts.offline.reports import is_promoted, judge, page_of, words_of, write_page
from scripts.offline.tables import read_prompts

DEFAULT_TABLES = ("mmlu_pro_11", "zeroeval_28", "llmdrift", "routellm_mmlu", "llmrouter")


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
    train_split, test_split = splits
    try:
        config = LatentConfig(device=chosen_device(terms.device))
    except DeviceError as error:
        raise click.BadParameter(str(error), param_hint="--device") from None
    import torch

    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    console, started = Console(), time.monotonic()
    names = [name.strip() for name in tables.split(",") if name.strip()]
    selections = {name: selection_of(name, data) for name in names}
    unknown = sorted(name for name, selection in selections.items() if selection is None)
    if unknown:
        raise click.BadParameter(f"unknown {unknown[0]}; known: {', '.join(SELECTIONS)}", param_hint="--tables")
    grids = {name: read_grids(data, s, [train_split, test_split]) for name, s in selections.items() if s is not None}
    with console.status("") as status:
        learnt = train({name: grid[train_split] for name, grid in grids.items()}, config, tell=status.update)
    metrics = {name: figures(learnt, name, grid[test_split]) for name, grid in grids.items()}
    trained_on = {
        name: {"split": train_split, "prompts": len(grid[train_split].prompts)} for name, grid in grids.items()
    }
    held = {name: grid[test_split] for name, grid in grids.items()}
    if not report(learnt, held, terms, console):
        console.print("not promoted: on held-out tasks not better than the checkpoint in use (--anyway writes it)")
        return
    prompts = {name: text for table in names for name, text in read_prompts(data, table).items()}
    save_checkpoint(output, learnt, Card(learnt.models, dict(learnt.tables), trained_on, metrics, prompts=prompts))
    for name, row in metrics.items():
        console.print(name, "  ".join(f"{figure} {value:.4f}" for figure, value in row.items()))
    size = output.with_suffix(".safetensors").stat().st_size / 2**20
    console.print(f"{output}: {len(learnt.models)} models, {size:.1f} MiB, {time.monotonic() - started:.0f} s")


def report(learnt: Learnt, held: Mapping[str, Grid], terms: Terms, console: Console) -> bool:
    """Says how the checkpoint does, and against the one in use; may it be written?"""
    found = judge(held, LearnedEstimator(learnt), terms.before)
    lines = words_of(found)
    for line in lines:
        console.print(line, markup=False, highlight=False)
    console.print(write_page(page_of(found, lines), terms.page), markup=False)
    return terms.anyway or is_promoted(found)


def figures(learnt: Learnt, table: str, test: Grid) -> dict[str, Any]:
    """Held-out figures of one table."""
    columns = list(learnt.tables[table])
    logits = learnt.logits(featurize(test.prompts))[:, columns]
    theta, particles = learnt.latent.theta[columns], learnt.latent.particles
    success = 1.0 / (1.0 + np.exp(-(logits[:, None, :] + (particles @ theta.T)[None, :, :])))  # (N, S, M)
    p = success.mean(axis=1)
    weights = np.full(PARTICLES, 1.0 / PARTICLES)
    rows = zip(success, test.score, strict=True)
    likelihood = float(np.mean([log_likelihood(row, weights, score) for row, score in rows])) / len(columns)
    return {
        "auc": auc(p, test.score),
        "brier": brier(p, test.score),
        "calibration_error": calibration_error(p, test.score),
        "log_likelihood": likelihood,
    }
