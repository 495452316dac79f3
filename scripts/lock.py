"""Locks what the image installs, by hash; lists it, and its licences: `python -m scripts.lock`.

Needs `uv`, `pip-licenses` and `cyclonedx-bom` beside the project's own environment (the extra `supply`).
"""

import json
import re
import subprocess
import sys
import warnings
from importlib import metadata
from pathlib import Path

import click

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
LOCK, TORCH, BILL = DEPLOY / "requirements.lock", DEPLOY / "requirements-torch.lock", DEPLOY / "sbom.cdx.json"
LICENCES = ROOT / "docs" / "licences.md"
APART = re.compile(r"^(nvidia-|cuda-|triton==|torch==)")
HEAD = """# What the image installs, by hash; made by `python -m scripts.lock`. torch and the CUDA libraries it
# names are left out: its CPU build is in requirements-torch.lock.
"""
LICENCE_HEAD = """# Licences of what the image installs

As the packages say it of themselves; made by `python -m scripts.lock` from `deploy/requirements.lock`.

| package | version | licence |
|---|---|---|
"""


@click.command()
def command() -> None:
    """Make the lock, the bill of materials and the table of licences anew."""
    LOCK.write_text(HEAD + "\n".join(block for block in _resolved() if not APART.match(block)) + "\n", "utf-8")
    BILL.write_text(json.dumps(_bill(), indent=0) + "\n", "utf-8")
    LICENCES.write_text(LICENCE_HEAD + "\n".join(_licences()) + "\n", "utf-8")
    click.echo(f"{len(_names())} packages locked")


def _resolved() -> list[str]:
    """The lines of each package, as uv resolves them for the image."""
    words = [
        "pip",
        "compile",
        "-q",
        "--generate-hashes",
        "--no-header",
        "--no-annotate",
        "--extra",
        "local",
        "--extra",
        "postgres",
    ]
    where = ["--python-version", "3.11", "-c", "constraints.txt", "pyproject.toml"]
    said = subprocess.run([_tool("uv"), *words, *where], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return re.split(r"\n(?=[a-zA-Z0-9])", said.rstrip())


def _bill() -> dict[str, object]:
    words = ["requirements", str(LOCK), "--pyproject", "pyproject.toml", "--of", "JSON", "--output-reproducible"]
    said = subprocess.run([_tool("cyclonedx-py"), *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    bill: dict[str, object] = json.loads(said)
    components = bill["components"]
    assert isinstance(components, list)
    bill["components"] = [
        {name: value for name, value in component.items() if name not in ("externalReferences", "description")}
        for component in components
    ]
    return bill


def _licences() -> list[str]:
    return [f"| {name} | {version} | {_licence(name)} |" for name, version in _names()]


def _licence(name: str) -> str:
    """What a package says of itself; the short word where there is one."""
    try:
        said = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return "(not installed where this was made)"
    kinds = [kind.rpartition(" :: ")[2] for kind in said.get_all("Classifier") or () if kind.startswith("License ::")]
    spoken = [said[field] for field in ("License-Expression", "License") if field in said]
    licence = spoken[0] if "License-Expression" in said else "; ".join(kinds) or next(iter(spoken), "unknown")
    return licence.splitlines()[0][:80]


def _names() -> list[tuple[str, str]]:
    locked = LOCK.read_text("utf-8") + TORCH.read_text("utf-8")
    return sorted(re.findall(r"^([A-Za-z0-9_.-]+)==([^\s;\\]+)", locked, re.M))


def _tool(name: str) -> Path:
    return Path(sys.executable).with_name(name)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    command()
