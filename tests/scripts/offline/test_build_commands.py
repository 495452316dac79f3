"""`maestro onboard`, `optimize-prompt`, `replay` and `portfolio`, as a user runs them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from action_model.checkpoint import DEFAULT, load_checkpoint, save_checkpoint
from action_model.onboard import Label, Newcomer, onboard
from proxy.assembly import build_router
from proxy.settings import load_settings
from router.replanning import task_again
from router.task import Caller
from scripts.fake_upstream import FakeUpstream, Scripted
from tests.scripts.offline.test_collect import answers, run, sums, write

pytestmark = pytest.mark.anyio


async def test_a_new_model_joins_the_checkpoint_under_its_cap(tmp_path: Path) -> None:
    async with FakeUpstream(lambda _: Scripted(text="no idea")) as fake:
        words = write(tmp_path, fake.base_url, sums(60))
        told = await run(
            [
                "onboard",
                "f/small",
                words[1],
                *words[2:4],
                "--cap-usd",
                "1",
                "--answers",
                "16",
                "--output",
                str(tmp_path / "grown"),
            ]
        )
        asked = [seen.body["messages"][-1]["content"] for seen in fake.requests]
        assert len(asked) == len(set(asked))
        assert "16 answers learnt from" in told.output
        assert "promoted" in told.output
        learnt, _ = load_checkpoint(tmp_path / "grown")
        assert "small" in learnt.joined.names
        before = len(fake.requests)
        await run(
            [
                "onboard",
                "f/small",
                words[1],
                *words[2:4],
                "--cap-usd",
                "1",
                "--answers",
                "16",
                "--output",
                str(tmp_path / "grown"),
            ]
        )
        assert len(fake.requests) == before, "what was asked is not asked again"
        unsure = ["--cap-usd", "1", "--held-out", "0", "--output", str(tmp_path / "unsure")]
        told = await run(["onboard", "f/small", *words[1:4], *unsure])
        assert "no held-out answers" in told.output and not (tmp_path / "unsure.safetensors").exists()
        told = await run(["onboard", "f/small", *words[1:4], *unsure, "--anyway"])
        assert "written anyway" in told.output and (tmp_path / "unsure.safetensors").exists()


async def test_a_prompt_that_wins_on_held_out_tasks_is_kept(tmp_path: Path) -> None:
    """The model answers right only where its system prompt has the word that the writer comes to."""

    def model(body: Any) -> Scripted:
        said = body["messages"]
        if body["model"] == "big":
            return Scripted(text="```\nUse the abacus.\n```")
        has_it = any("abacus" in message["content"] for message in said if message["role"] == "system")
        return answers(body | {"model": "big"}) if has_it else Scripted(text="I cannot")

    async with FakeUpstream(model) as fake:
        words = write(tmp_path, fake.base_url, sums(24))
        told = await run(
            [
                "optimize-prompt",
                words[1],
                *words[2:4],
                "--model",
                "f/small",
                "--writer",
                "f/big",
                "--cap-usd",
                "1",
                "--calls",
                "60",
                "--output",
                str(tmp_path / "tuned.txt"),
            ]
        )
        assert "written to" in told.output
        assert (tmp_path / "tuned.txt").read_text("utf-8").strip() == "Use the abacus."


async def test_a_prompt_that_does_not_win_is_not_kept(tmp_path: Path) -> None:
    async with FakeUpstream(lambda _: Scripted(text="I cannot")) as fake:
        words = write(tmp_path, fake.base_url, sums(24))
        told = await run(
            [
                "optimize-prompt",
                words[1],
                *words[2:4],
                "--model",
                "f/small",
                "--cap-usd",
                "0.0005",
                "--calls",
                "40",
                "--output",
                str(tmp_path / "tuned.txt"),
            ]
        )
        assert "not kept" in told.output
        assert not (tmp_path / "tuned.txt").exists()


async def test_stored_runs_are_planned_again_without_a_call(tmp_path: Path) -> None:
    async with FakeUpstream(Scripted(text="one two")) as fake:
        write(tmp_path, fake.base_url, sums(1))
        rooms = await build_router(load_settings(tmp_path / "m.toml"))
        try:
            request = {"text": "Say two words about the sea.", "input_tokens": 9, "kinds": ["max_words"]}
            check = {"name": "two", "description": "At most 2 words", "is_mandatory": True}
            task = task_again(request | {"requirements": [check]}, "low")
            for _ in range(3):
                await rooms.dispatcher.run(task, Caller(), rooms.dispatcher.choose(task, Caller()))
        finally:
            await rooms.close()
        before = len(fake.requests)
        words = ["replay", "--config", str(tmp_path / "m.toml")]
        same = json.loads((await run([*words, "--json"])).output)
        dear = json.loads((await run([*words, "--usd-value", "0", "--seconds-value", "0", "--json"])).output)
        assert len(fake.requests) == before
        assert len(same["runs"]) == 3
        assert all(one["before"] == one["after"] for one in same["runs"])
        assert all(one["new_success"] >= one["success"] - 1e-9 for one in dear["runs"])
        assert "3 runs planned again" in (await run([*words, "--effort", "high"])).output


async def test_a_portfolio_of_what_was_collected(tmp_path: Path) -> None:
    async with FakeUpstream(answers) as fake:
        words = write(tmp_path, fake.base_url, sums(40))
        await run([*words, "--sampling", "grid", "--held-out", "0.3"])
    page = tmp_path / "p.html"
    found = await run(["portfolio", "--data", str(tmp_path / "out"), "--tables", "t", "--html", str(page)])
    assert "held-out" in found.output
    text = page.read_text("utf-8")
    assert "plotly" in text
    assert "<table>" in text


async def test_runs_in_a_shared_ledger_are_planned_again_too(tmp_path: Path, new_database: Callable[[], str]) -> None:
    """On PostgreSQL as on SQLite, by another operating point and by another checkpoint; what changes is counted."""
    async with FakeUpstream(Scripted(text="one two")) as fake:
        write(tmp_path, fake.base_url, sums(1))
        config = tmp_path / "m.toml"
        said = config.read_text("utf-8").replace(f"sqlite:///{tmp_path}/ledger.db", new_database())
        config.write_text(said, "utf-8")
        rooms = await build_router(load_settings(config))
        try:
            check = {"name": "two", "description": "At most 2 words", "is_mandatory": True}
            task = task_again({"input_tokens": 9, "requirements": [check]}, "low")
            for _ in range(2):
                await rooms.dispatcher.run(task, Caller(), rooms.dispatcher.choose(task, Caller()))
        finally:
            await rooms.close()
        learnt, card = load_checkpoint(DEFAULT)
        labels = [Label("word " * 9, float(i % 10 > 0), 5.0) for i in range(60)]
        save_checkpoint(tmp_path / "other", onboard(learnt, Newcomer("big"), labels), card)
        before = len(fake.requests)
        words = ["replay", "--config", str(config)]
        same = json.loads((await run([*words, "--json"])).output)
        free = json.loads((await run([*words, "--usd-value", "0", "--seconds-value", "0", "--json"])).output)
        other = json.loads((await run([*words, "--checkpoint", str(tmp_path / "other"), "--json"])).output)
        assert len(fake.requests) == before, "nothing is called"
        assert len(same["runs"]) == len(other["runs"]) == 2
        assert all(one["new_success"] == one["success"] for one in same["runs"])
        assert all(one["new_success"] >= one["success"] - 1e-9 for one in free["runs"])
        assert all(one["new_success"] != one["success"] for one in other["runs"])
