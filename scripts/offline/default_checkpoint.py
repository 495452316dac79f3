"""The checkpoint in the package, made again: same data, same bytes on every processor with AVX2.

Sums in another order differ in their last bits, so the number of threads and the kind of instructions that numpy's and
torch's libraries choose are fixed, in a process of its own: they are chosen when the libraries load.
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import click

from action_model.checkpoint import DEFAULT, save_checkpoint
from scripts.offline.fitting import DEFAULT_TABLES, fit_tables

PINNED = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_CORETYPE": "Haswell",
    "ATEN_CPU_CAPABILITY": "avx2",
    "MKL_CBWR": "AVX2",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
}


def reproduce(data: Path, output: Path) -> int:
    """Fits and writes OUTPUT in a process of its own, and says whether it is the package's; the exit code of that."""
    words = [sys.executable, "-m", "scripts.offline.default_checkpoint", str(data), str(output)]
    return subprocess.run(words, env={**os.environ, **PINNED}, check=False).returncode


def digest_of(path: Path) -> str:
    """SHA-256 of a checkpoint's numbers."""
    return hashlib.sha256(path.with_suffix(".safetensors").read_bytes()).hexdigest()


@click.command()
@click.argument("data", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("output", type=click.Path(path_type=Path))
def command(data: Path, output: Path) -> None:
    """Writes OUTPUT from the tables in DATA, split `train`, measured on `dev`."""
    found = fit_tables(data, ("train", "dev"), DEFAULT_TABLES, tell=click.echo)
    shipped = digest_of(DEFAULT)
    save_checkpoint(output, found.learnt, found.card)
    for name, row in found.card.metrics.items():
        click.echo(f"{name}  " + "  ".join(f"{figure} {value:.4f}" for figure, value in row.items()))
    made = digest_of(output)
    click.echo(f"sha256 {made}: " + ("the same as in the package" if made == shipped else f"the package has {shipped}"))


if __name__ == "__main__":
    command()
