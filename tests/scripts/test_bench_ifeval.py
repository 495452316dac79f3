"""IFEval through the router: arms play against a scripted upstream, nothing is asked twice, figures are graded."""

import json
from pathlib import Path

import anyio
import pytest
from click.testing import CliRunner

from proxy.settings import load_settings
from scripts.bench_ifeval import carry_out
from scripts.fake_answers import Scripted
from scripts.fake_upstream import FakeUpstream
from scripts.ifeval.arms import Played
from scripts.ifeval.figures import figures
from scripts.ifeval.journal import Journal
from scripts.ifeval.prompts import half_of, read_prompts
from scripts.main import main

pytestmark = pytest.mark.anyio

ROWS = [
    {
        "key": number,
        "prompt": f"Write a line about number {number}. Do not use any commas.",
        "instruction_id_list": ["punctuation:no_comma"],
        "kwargs": [{}],
    }
    for number in range(6)
]
OPTIONS = {"models": None, "fixed": None, "n": 2, "efforts": "low", "modes": "code", "max_tokens": 50, "parallel": 2}


def write_prompts(folder: Path) -> Path:
    path = folder / "input_data.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in ROWS), "utf-8")
    return path


def write_config(folder: Path, base_url: str) -> Path:
    path = folder / "maestro.toml"
    path.write_text(
        f'[ledger]\nurl = "sqlite:///{folder}/maestro.db"\n[[upstream]]\nname = "a"\nbase_url = "{base_url}"\n'
        '[[upstream.model]]\nname = "small"\ninput_usd_per_mtok = 1.0\noutput_usd_per_mtok = 2.0\n',
        "utf-8",
    )
    return path


def test_halves_part_the_prompts_and_any_first_part_is_by_hash(tmp_path: Path) -> None:
    prompts = write_prompts(tmp_path)
    dev, kept, every = (read_prompts(prompts, half) for half in ("dev", "kept", "all"))
    assert sorted(p.key for p in (*dev, *kept)) == [p.key for p in every]
    assert all(half_of(p.key) == "kept" for p in kept)


async def test_every_arm_is_played_once_and_graded_by_the_independent_grader(tmp_path: Path) -> None:
    def answer(body: object) -> Scripted:
        return Scripted("a line, with a comma") if "number 3" in str(body) else Scripted("a line without one")

    prompts = read_prompts(write_prompts(tmp_path), "all")
    async with FakeUpstream(answer) as fake:
        settings = load_settings(write_config(tmp_path, fake.base_url))
        await carry_out(settings, prompts[:3], Journal(tmp_path / "j", {}), OPTIONS)
        first = len(fake.requests)
        await carry_out(settings, prompts[:3], Journal(tmp_path / "j", {}), OPTIONS)
        assert len(fake.requests) == first
        await carry_out(settings, prompts, Journal(tmp_path / "j", {}), OPTIONS)
    result = figures(Journal(tmp_path / "j", {}).played, prompts)["code"]
    assert result["prompts"] == 6
    assert set(result["arms"]) == {"single a/small", "best_of_2 a/small", "fix_2 a/small", "maestro low"}
    assert result["arms"]["single a/small"]["prompt_accuracy"] == pytest.approx(5 / 6)
    assert result["arms"]["best_of_2 a/small"]["calls"] == pytest.approx(2.0)
    assert result["arms"]["single a/small"]["usd"] > 0.0
    assert {row["against"] for row in result["paired"]} == {"single a/small", "best_of_2 a/small"}


async def test_fixed_policies_that_are_not_asked_for_are_not_played(tmp_path: Path) -> None:
    prompts = read_prompts(write_prompts(tmp_path), "all")[:1]
    async with FakeUpstream(Scripted("a line")) as fake:
        settings = load_settings(write_config(tmp_path, fake.base_url))
        await carry_out(settings, prompts, Journal(tmp_path / "j", {}), {**OPTIONS, "arms": "best_of"})
    assert {one.arm for one in Journal(tmp_path / "j", {}).played} == {"best_of_2 a/small", "maestro low"}


def test_a_torn_line_is_dropped_and_other_settings_are_refused(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j", {"max_tokens": 3})
    journal.add(Played("k", "single", "code", text="yes"))
    with (tmp_path / "j").open("a") as file:
        file.write('{"key": "torn')
    again = Journal(tmp_path / "j", {"max_tokens": 3})
    assert [one.text for one in again.played] == ["yes"] and again.has("k", "single", "code")
    with pytest.raises(ValueError, match="other settings"):
        Journal(tmp_path / "j", {"max_tokens": 4})


async def test_the_command_writes_its_figures(tmp_path: Path) -> None:
    async with FakeUpstream(Scripted("fine")) as fake:
        config = write_config(tmp_path, fake.base_url)
        words = ["bench", "ifeval", "--prompts", str(write_prompts(tmp_path)), "--config", str(config), "--half", "all"]
        words += ["--most", "2", "--n", "2", "--efforts", "low", "--json", str(tmp_path / "out.json")]
        outcome = await anyio.to_thread.run_sync(lambda: CliRunner().invoke(main, words))
    assert outcome.exit_code == 0, outcome.output
    result = json.loads((tmp_path / "out.json").read_text())
    assert result["code"]["prompts"] == 2 and result["settings"]["n"] == 2


async def test_the_following_set_plays_the_same_arms_and_tells_its_figures_by_kind(tmp_path: Path) -> None:
    async with FakeUpstream(Scripted("Please see: you have it. Best regards")) as fake:
        config, out = write_config(tmp_path, fake.base_url), tmp_path / "following.json"
        words = ["bench", "following", "--config", str(config), "--most", "2", "--n", "2", "--efforts", "low"]
        outcome = await anyio.to_thread.run_sync(lambda: CliRunner().invoke(main, [*words, "--json", str(out)]))
        asked = json.loads(fake.requests[0].raw)["messages"]
    assert outcome.exit_code == 0, outcome.output
    result = json.loads(out.read_text())
    row = result["code"]["arms"]["maestro low"]
    assert result["bench"] == "following" and result["code"]["prompts"] == 2
    assert set(row["by_kind"]) <= {"content", "format", "tone", "grounding"} and 0.0 < row["instruction_accuracy"] < 1.0
    assert "Requirements:" in asked[-1]["content"]
