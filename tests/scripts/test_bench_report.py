"""The benchmark pages: every row of every stored result, with how it was made; nothing stored is an error."""

import json
from pathlib import Path
from xml.etree import ElementTree

from click.testing import CliRunner

from scripts.bench_report import command
from scripts.stamp import stamp

REPLAY = {
    "bench": "replay",
    "made": {"command": "maestro bench replay", "date": "2026-01-01", "machine": "a machine", "commit": "abc"},
    "tables": {
        "one": {
            policy: {
                "accuracy": accuracy,
                "accuracy_interval": [0.1, 0.9],
                "cost_share": cost,
                "calls": 1.0,
                "seconds": 2.0,
                "p95_seconds": 3.0,
            }
            for policy, accuracy, cost in (("best_single", 0.5, 1.0), ("maestro@<1", 0.4, 0.1))
        }
    },
}


def test_every_row_is_on_the_page_and_its_picture_is_whole(tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "replay.json").write_text(json.dumps(REPLAY))
    (tmp_path / "results" / "other.json").write_text("[]")
    outcome = CliRunner().invoke(command, ["--folder", str(tmp_path)])
    assert outcome.exit_code == 0, outcome.output
    page = (tmp_path / "README.md").read_text()
    assert "| best_single | 0.5000 | 0.100 to 0.900 | 1.000 |" in page and "| maestro@<1 | 0.4000 |" in page
    assert "`maestro bench replay`, 2026-01-01, commit abc" in page and "![one](replay_one.svg)" in page
    texts = [node.text for node in ElementTree.parse(tmp_path / "replay_one.svg").iter() if node.text]
    assert "maestro@<1" in texts


def test_nothing_stored_is_said_plainly(tmp_path: Path) -> None:
    outcome = CliRunner().invoke(command, ["--folder", str(tmp_path)])
    assert outcome.exit_code == 1 and "no results" in outcome.output


def test_a_stamp_names_no_path_of_the_machine(tmp_path: Path) -> None:
    made = stamp()
    assert "/" not in made["command"].replace(" ", "") or not made["command"].startswith("/")
    assert made["date"].endswith("UTC") and made["machine"]
