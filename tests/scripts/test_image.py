"""The Dockerfile, as far as a machine without an engine can tell."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOCKS = ("deploy/requirements.lock", "deploy/requirements-torch.lock")
INSTRUCTIONS = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text("utf-8")).splitlines()


def told(word: str) -> list[str]:
    return [line.split(None, 1)[1] for line in INSTRUCTIONS if line.startswith(f"{word} ")]


def test_it_runs_without_rights_and_watches_its_health() -> None:
    assert told("USER")[-1] == "maestro"
    assert "/readyz" in told("HEALTHCHECK")[0]


def test_everything_it_copies_is_there() -> None:
    for line in told("COPY"):
        if "--from=" not in line:
            sources = [word for word in line.split() if not word.startswith("--")][:-1]
            assert all((ROOT / source).exists() for source in sources), line


def test_everything_it_installs_is_locked_by_hash() -> None:
    assert all(
        "--require-hashes" in line or "--no-deps ." in line.replace("--no-build-isolation ", "") for line in installs()
    )
    locked = {
        line.split("==")[0] for name in LOCKS for line in (ROOT / name).read_text("utf-8").splitlines() if "==" in line
    }
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = wanted["optional-dependencies"]
    asked = [*wanted["dependencies"], *extras["local"], *extras["postgres"]]
    assert {re.split(r"[\[<>=~; ]", said)[0].lower() for said in asked} <= locked


def installs() -> list[str]:
    return [line for line in told("RUN") if "pip install" in line]


def test_it_serves() -> None:
    assert told("ENTRYPOINT")[-1] == '["maestro"]'
    assert "serve" in told("CMD")[-1]
