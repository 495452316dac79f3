"""The Dockerfile, as far as a machine without an engine can tell."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
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


def test_it_installs_under_the_constraints_and_serves() -> None:
    assert any("--constraint constraints.txt" in line for line in told("RUN"))
    assert told("ENTRYPOINT")[-1] == '["maestro"]'
    assert "serve" in told("CMD")[-1]
