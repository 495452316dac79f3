"""`maestro judge`: a judge on trial over a socket, gone on with after an interruption, and its rates shown."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from scripts.fake_upstream import FakeUpstream, Scripted
from scripts.judge_trial import area, read_pairs
from scripts.main import main

pytestmark = pytest.mark.anyio
PAIRS = [
    {"request": "Ask.", "answer": "one two", "requirement": "At most 3 words"},
    {"request": "Ask.", "answer": "one two three four", "requirement": "At most 3 words"},
    {"request": "Ask.", "answer": "how lovely", "requirement": "Sound kind", "satisfied": True},
    {"request": "Ask.", "answer": "go away", "requirement": "Sound kind", "satisfied": False},
]


def yes(body: Any) -> Scripted:
    """A judge that says yes to everything."""
    numbers = re.findall(r"^(\d+)\. ", body["messages"][1]["content"].rsplit("Requirements:", 1)[1], re.MULTILINE)
    return Scripted(json.dumps({"verdicts": [{"id": int(n), "satisfied": True, "confidence": 0.85} for n in numbers]}))


def settings_file(folder: Path, url: str) -> Path:
    path = folder / "maestro.toml"
    path.write_text(
        f'[ledger]\nurl = "sqlite:///{folder}/m.db"\n[[upstream]]\nname = "f"\nbase_url = "{url}"\n'
        '[[upstream.model]]\nname = "judge"\ninput_usd_per_mtok = 1\noutput_usd_per_mtok = 1\n'
    )
    return path


async def call(*words: str) -> Result:
    """A command of its own event loop, beside ours."""
    return await asyncio.to_thread(CliRunner().invoke, main, list(words))


async def test_a_trial_teaches_the_rates_once(tmp_path: Path) -> None:
    pairs, journal = tmp_path / "pairs.jsonl", tmp_path / "journal.jsonl"
    pairs.write_text("\n".join(map(json.dumps, PAIRS)))
    async with FakeUpstream(yes) as fake:
        config = str(settings_file(tmp_path, fake.base_url))
        words = ["judge", "calibrate", "--pairs", str(pairs), "--journal", str(journal), "--config", config, "--json"]
        for _ in range(2):
            done = await call(*words)
            assert done.exit_code == 0, done.output
            rows = {row["kind"]: row for row in json.loads(done.stdout)}
            assert (rows["all"]["true_pass_rate"], rows["all"]["false_pass_rate"], rows["all"]["auc"]) == (
                1.0,
                1.0,
                0.5,
            )
        assert len(fake.requests) == 4
        shown = await call("judge", "report", "--config", config, "--json")
    found = {row["kind"]: (row["satisfied"], row["broken"]) for row in json.loads(shown.stdout)}
    assert found == {"all": (2.0, 2.0), "length": (1.0, 1.0), "style": (1.0, 1.0)}


async def test_a_trial_spends_no_more_than_its_cap(tmp_path: Path) -> None:
    pairs = tmp_path / "pairs.jsonl"
    pairs.write_text("\n".join(map(json.dumps, PAIRS)))
    async with FakeUpstream(yes) as fake:
        config = str(settings_file(tmp_path, fake.base_url))
        done = await call("judge", "calibrate", "--pairs", str(pairs), "--cap-usd", "0.0000001", "--config", config)
        assert done.exit_code == 0, done.output
        assert fake.requests == []


def test_a_pair_whose_truth_nobody_knows_is_named(tmp_path: Path) -> None:
    pairs = tmp_path / "pairs.jsonl"
    pairs.write_text(json.dumps({"answer": "a", "requirement": "Sound kind"}))
    with pytest.raises(Exception, match=r"pairs\.jsonl:1: says no 'satisfied'"):
        read_pairs(pairs)


def test_the_area_is_the_chance_of_ranking_right() -> None:
    assert area([0.9, 0.8], [0.1, 0.8]) == 0.875
    assert area([], [0.1]) is None
