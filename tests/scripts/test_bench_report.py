"""The benchmark pages: every row of every stored result, with how it was made; nothing stored is an error."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from scripts.bench_report import command
from scripts.reporting.panels import reliability
from scripts.stamp import stamp

REPLAY: dict[str, Any] = {
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


MADE = REPLAY["made"]
LATENCY = {
    "deadlines": {
        "runs": 2,
        "parallel": 1,
        "late_ms": {"p50": -1.0, "p99": 2.0},
        "over_50_ms": 0,
        "over_100_ms": 1,
        "ended": {"deadline": 2},
    },
    "hedging": {name: {"seconds": {"p50": 0.1, "p99": 9.0}, "calls": 1.0} for name in ("with", "without")},
    "overlap": {"runs": 2, "mean": 1.02, "max": 1.05},
}
LEVEL = {
    "usd_value": 3.0,
    "goal_usd": 0.01,
    "train_usd": 0.01,
    "bias": 0.01,
    "spread": 0.1,
    "held_usd": 0.012,
    "held_interval": [0.01, 0.014],
    "shift": 0.02,
    "right": 0.9,
    "steered": [-0.01, 0.034],
    "steered_right": 0.9,
}
SAMPLES = {"n": 1, "verified": 0.1, "doubtful": 0.1, "majority": None, "usd": 0.01, "longest_tokens": 9.0}
CASE = {"name": "t b", "weak": "w", "prompts": 3, "rows": [SAMPLES, SAMPLES | {"n": 2, "usd": 0.02}]}
COST = {
    "waves": [{"name": "1", "count": 3, "expected": 0.5, "actual": 0.4, "error": 0.1}],
    "endings": {"too early": 1},
    "losses": {"missed": 0.1, "spent_in_vain": 0.0, "detour": 0.0},
}
THRESHOLD = {"quality": 0.9, "tasks": 3, "reached": 2, "predicted": 0.95, "actual": 0.93, "error": 0.01}
STORED = {"technique": "fix", "repairs": 1, "count": 3, "with_expectation": 2, "expected": 0.2, "actual": None}
ENDS = {
    "reasons": {"deadline": 1},
    "runs": 4,
    "runs_with_answers_after_the_chosen": 1,
    "usd_after_the_chosen_share": 0.1,
}
LABELS = {"model": "m", "way": "gain", "labels": 16, "auc_share": 0.9, "brier": 0.2, "brier_of_constant": 0.1}
ARM = {
    "prompt_accuracy": 0.5,
    "prompt_interval": [0.4, 0.6],
    "instruction_accuracy": 0.6,
    "calls": 1.0,
    "output_tokens": 50.0,
    "usd": 0.001,
    "seconds": 2.0,
    "failed": 0,
    "by_kind": {"tone": 0.25},
}
PAIR = {"arm": "maestro low", "against": "single a", "difference": 0.1, "interval": [0.0, 0.2]}
ARMS = {
    "prompts": 2,
    "arms": {"single a": ARM, "best_of_8 b": ARM, "maestro low": ARM},
    "paired": [PAIR | {"accuracy_ratio": 1.0, "output_token_ratio": 1.0}],
}
RESULTS: dict[str, tuple[dict[str, Any], str]] = {
    "latency": (LATENCY, "| 2 | 1.02 | 1.05 |"),
    "efforts": ({"table": "t", "tasks": 3, "held": 2, "efforts": {"low": LEVEL}}, "-1.0% to +3.4%"),
    "scaling": ({"cases": [CASE | {"strong": "s", "once": SAMPLES, "verdict": "no crossing"}]}, "No crossing."),
    "repair": (
        {
            "tables": {"one": {"costs": {"0.1": COST}, "thresholds": [THRESHOLD]}},
            "runs": {"actions": [STORED | {"gain": 0.1, "usd": 0.5}], "endings": ENDS},
        },
        "| 0.9 | 2 of 3 | 0.950 | 0.930 |",
    ),
    "onboard": ({"table": "t", "rows": [LABELS]}, "1 of 1"),
    "sampling": (
        {"tables": {"t": {"regret": {"active": {"0.5": [0.1, 0.2, []]}}, "differences": {}}}},
        "0.1000 ± 0.2000",
    ),
    "following": ({"code": ARMS}, "| best_of_8 b | single a | +0.000 | 1.00 |"),
    "something": ({"rows": [{"a": 1.5, "b": None}], "one": {"two": {"x": 1}}, "three": "x|y"}, "| 1.5 | - |"),
}


@pytest.mark.parametrize("kind", RESULTS)
def test_every_kind_of_result_has_its_section_and_its_pictures_are_whole(kind: str, tmp_path: Path) -> None:
    result, expected = RESULTS[kind]
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / f"{kind}.json").write_text(json.dumps({"bench": kind, "made": MADE, **result}))
    outcome = CliRunner().invoke(command, ["--folder", str(tmp_path)], catch_exceptions=False)
    assert outcome.exit_code == 0, outcome.output
    assert expected in (tmp_path / "README.md").read_text()
    for picture in tmp_path.glob("*.svg"):
        assert any(node.text for node in ElementTree.parse(picture).iter() if node.text)
    assert bool(list(tmp_path.glob("*.svg"))) == (kind in ("scaling", "following", "onboard"))


def test_labels_and_reliability_are_drawn_whole_with_every_curve(tmp_path: Path) -> None:
    rows = [
        {"model": model, "way": way, "labels": labels, "auc_share": 0.9, "brier": 0.2, "brier_of_constant": 0.21}
        for model in ("m", "n")
        for way in ("chosen", "random")
        for labels in (0, 16, 32)
    ]
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "onboard_t.json").write_text(json.dumps({"bench": "onboard", "table": "t", "rows": rows}))
    outcome = CliRunner().invoke(command, ["--folder", str(tmp_path)])
    assert outcome.exit_code == 0, outcome.output
    drawn = (tmp_path / "onboard_t_t_by_labels.svg").read_text()
    diagrams = reliability({"t<1": {"in use": [(0.1, 0.2), (0.9, 0.8)]}, "u": {"in use": [(0.0, 1.0)]}})
    for picture in (drawn, diagrams):
        ElementTree.fromstring(picture)
    assert drawn.count("<polyline") == 5
    assert diagrams.count("<polyline") == 2
    assert "t&lt;1" in diagrams
