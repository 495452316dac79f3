"""`maestro collect`, as a user runs it, against a scripted upstream on a real socket."""

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from pyarrow import parquet

from action_model.outcomes import read_grids, selection_of
from scripts.fake_upstream import FakeUpstream, Scripted
from scripts.main import main

pytestmark = pytest.mark.anyio

CONFIG = """
[ledger]
url = "sqlite:///{folder}/ledger.db"
[[upstream]]
name = "f"
base_url = "{base_url}"
retries = 0
max_parallel = 16
[[upstream.model]]
name = "small"
input_usd_per_mtok = 0.1
output_usd_per_mtok = 0.4
[[upstream.model]]
name = "big"
input_usd_per_mtok = 1.0
output_usd_per_mtok = 4.0
"""


def write(folder: Path, base_url: str, tasks: list[dict[str, Any]]) -> list[str]:
    (folder / "m.toml").write_text(CONFIG.format(folder=folder, base_url=base_url), "utf-8")
    (folder / "t.jsonl").write_text("".join(json.dumps(task) + "\n" for task in tasks), "utf-8")
    return ["collect", str(folder / "t.jsonl"), "--config", str(folder / "m.toml"), "--output", str(folder / "out")]


async def run(words: list[str]) -> Result:
    result = await asyncio.to_thread(CliRunner().invoke, main, words)
    assert result.exit_code == 0, result.output
    return result


def sums(count: int) -> list[dict[str, Any]]:
    return [{"id": f"q{i}", "prompt": f"What is {i} plus {i}?", "reference": 2 * i} for i in range(count)]


def answers(body: Any) -> Scripted:
    """The big one can add; the small one only small numbers."""
    number = int(body["messages"][-1]["content"].split()[2])
    wrong = body["model"] == "small" and number >= 10
    return Scripted(text=f"Answer: {2 * number + wrong}")


async def test_every_pair_is_asked_once_and_becomes_an_outcome(tmp_path: Path) -> None:
    async with FakeUpstream(answers) as fake:
        words = write(tmp_path, fake.base_url, sums(20))
        first = await run([*words, "--sampling", "grid", "--cap-usd", "1"])
        assert "40 outcomes" in first.output
        assert fake.billed_calls == 40
        await run([*words, "--sampling", "grid", "--cap-usd", "1"])
        assert fake.billed_calls == 40, "nothing is asked again"
    rows = parquet.read_table(tmp_path / "out" / "t" / "outcomes.parquet").to_pylist()
    success = {model: [r["score"] for r in rows if r["model"] == model] for model in ("small", "big")}
    assert sum(success["big"]) == 20
    assert sum(success["small"]) == 10
    selection = selection_of("t", tmp_path / "out")
    assert selection is not None
    grids = read_grids(tmp_path / "out", selection, ["train", "dev"])
    assert grids["train"].models == ("big", "small")
    assert len(grids["train"].prompts) + len(grids["dev"].prompts) == 20
    totals = await run(["ledger", "totals", "--json", "--config", str(tmp_path / "m.toml")])
    assert json.loads(totals.output)["teams"]["collect"]["calls"] == 40


async def test_the_cap_is_never_passed_and_more_money_goes_on(tmp_path: Path) -> None:
    async with FakeUpstream(answers) as fake:
        words = write(tmp_path, fake.base_url, sums(20))
        tight = await run([*words, "--sampling", "grid", "--max-tokens", "50", "--cap-usd", "0.0004"])
        assert "pass the cap" in tight.output
        asked = fake.billed_calls
        assert 0 < asked < 40
        totals = await run(["ledger", "totals", "--json", "--config", str(tmp_path / "m.toml")])
        assert json.loads(totals.output)["usd"] <= 0.0004
        await run([*words, "--sampling", "grid", "--max-tokens", "50", "--cap-usd", "1"])
        assert fake.billed_calls == 40


async def test_kill_9_and_start_again_asks_nothing_twice(tmp_path: Path) -> None:
    async with FakeUpstream(lambda body: Scripted(text=answers(body).text, seconds=0.05)) as fake:
        words = [*write(tmp_path, fake.base_url, sums(60)), "--sampling", "grid", "--cap-usd", "1"]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", "from scripts.main import main; main()", *words, stderr=asyncio.subprocess.DEVNULL
        )
        async with asyncio.timeout(60):
            async with fake._changed:
                await fake._changed.wait_for(lambda: len(fake.requests) >= 40)
        process.kill()
        await process.wait()
        again = await run(words)
        asked = [(seen.body["model"], seen.body["messages"][-1]["content"]) for seen in fake.requests]
        assert len(asked) == len(set(asked)), "nothing twice"
        assert 40 <= len(asked) <= 120, "what was claimed but not yet sent is lost too"
        assert "lost" in again.output
        finished = await run([*words, "--ask-lost"])
        assert " 0 lost" in finished.output
        assert "120 outcomes" in finished.output


async def test_recheck_asks_nothing(tmp_path: Path) -> None:
    async with FakeUpstream(Scripted(text="one two three")) as fake:
        task = {"id": "a", "prompt": "Say three words.", "requirements": ["At most 3 words"]}
        words = write(tmp_path, fake.base_url, [task])
        await run([*words, "--sampling", "grid"])
        asked = fake.billed_calls
        again = await run([*words, "--recheck"])
        assert "2 answers checked again" in again.output
        assert fake.billed_calls == asked


async def test_a_repair_is_asked_only_where_something_failed(tmp_path: Path) -> None:
    def talkative(body: Any) -> Scripted:
        repaired = len(body["messages"]) > 2
        return Scripted(text="short" if repaired or body["model"] == "big" else "far too many words")

    async with FakeUpstream(talkative) as fake:
        task = {"id": "a", "prompt": "Say one word.", "requirements": ["At most 1 word"]}
        words = write(tmp_path, fake.base_url, [task])
        await run([*words, "--sampling", "grid", "--repairs", "2"])
        assert fake.billed_calls == 3, "small: one repair; big: none"
    rows = parquet.read_table(tmp_path / "out" / "t" / "outcomes.parquet").to_pylist()
    assert {row["model"] for row in rows} == {"small:fix:r1", "small:fix:r2", "big:fix:r1", "big:fix:r2"}
    assert all(row["score"] == 1.0 for row in rows)


async def test_a_busy_upstream_is_asked_again_later(tmp_path: Path) -> None:
    seen = 0

    def busy_at_first(body: Any) -> Scripted:
        nonlocal seen
        seen += 1
        return Scripted(behaviour="busy", retry_after=None) if seen <= 3 else answers(body)

    async with FakeUpstream(busy_at_first) as fake:
        words = write(tmp_path, fake.base_url, sums(4))
        found = await run([*words, "--sampling", "grid", "--parallel", "4"])
        assert "8 answered, 0 failed" in found.output


async def test_hundreds_are_in_flight_at_once(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with FakeUpstream(lambda body: Scripted(text=answers(body).text, gate=gate)) as fake:
        words = write(tmp_path, fake.base_url, sums(150))
        (tmp_path / "m.toml").write_text((tmp_path / "m.toml").read_text("utf-8").replace("= 16", "= 256"), "utf-8")
        collecting = asyncio.create_task(run([*words, "--sampling", "grid"]))
        await fake.wait_until(lambda it: it.live >= 250, 60)
        assert fake.live <= 256
        gate.set()
        assert "300 answered, 0 failed" in (await collecting).output


async def test_an_upstream_that_asks_for_a_rest_is_left_alone_for_it(tmp_path: Path) -> None:
    """It takes eighty calls, then refuses what comes before the second that it asked for is over."""
    clock = asyncio.get_running_loop().time
    taken, refused = 0, list[float]()

    def limited(body: Any) -> Scripted:
        nonlocal taken
        taken += 1
        if taken in (80, 160):
            refused.append(clock())
        if refused and clock() < refused[-1] + 0.99:
            early.append(clock() - refused[-1])
            return Scripted(behaviour="busy", retry_after="1")
        return answers(body)

    early = list[float]()
    async with FakeUpstream(limited) as fake:
        words = write(tmp_path, fake.base_url, sums(120))
        found = await run([*words, "--sampling", "grid"])
        assert "240 answered, 0 failed" in found.output
    assert len(refused) == 2
    assert len(early) <= 2 * 16, "only what was in flight when it said so"


async def test_a_provider_without_money_ends_it(tmp_path: Path) -> None:
    body = b'{"error": {"message": "You exceeded your current quota", "type": "insufficient_quota", "code": null}}'
    async with FakeUpstream(Scripted(status=429, body=body)) as fake:
        words = write(tmp_path, fake.base_url, sums(60))
        found = await run([*words, "--sampling", "grid"])
        assert "ended: f: " in found.output
        assert len(fake.requests) <= 16


async def test_active_sampling_spends_nothing_more_on_what_is_never_chosen(tmp_path: Path) -> None:
    def hopeless(body: Any) -> Scripted:
        number = int(body["messages"][-1]["content"].split()[2])
        return Scripted(text=f"Answer: {2 * number + (body['model'] == 'big')}")

    async with FakeUpstream(hopeless) as fake:
        words = write(tmp_path, fake.base_url, sums(150))
        found = await run([*words, "--cap-usd", "1"])
        models = [request.body["model"] for request in fake.requests]
        assert "dropped early: f/big" in found.output
        assert models.count("small") == 150
        assert models.count("big") < 75


async def test_collectors_on_one_journal_share_the_work_and_the_living_one_finishes_it(
    tmp_path: Path, new_database: Callable[[], str]
) -> None:
    """Two processes, journal and ledger on PostgreSQL; one is killed with `kill -9`."""
    url = new_database()
    async with FakeUpstream(lambda body: Scripted(text=answers(body).text, seconds=0.1)) as fake:
        started = []
        for name in ("a", "b"):
            folder = tmp_path / name
            folder.mkdir()
            words = write(folder, fake.base_url, sums(100))
            config = (folder / "m.toml").read_text("utf-8").replace(f"sqlite:///{folder}/ledger.db", url)
            named = config.replace("retries = 0", f'retries = 0\nheaders = {{ "x-collector" = "{name}" }}')
            (folder / "m.toml").write_text(named, "utf-8")
            words += ["--sampling", "grid", "--cap-usd", "1", "--journal", f"{url}#shared"]
            started.append((await asyncio.create_subprocess_exec(sys.executable, "-c", RUN, *words), words))
        (killed, _), (living, words) = started
        async with asyncio.timeout(90):
            async with fake._changed:
                await fake._changed.wait_for(lambda: asked_by(fake, "a") >= 20 and asked_by(fake, "b") >= 20)
            killed.kill()
            assert await living.wait() == 0
        await killed.wait()
        asked = [(seen.body["model"], seen.body["messages"][-1]["content"]) for seen in fake.requests]
        assert len(asked) == len(set(asked)), "nothing twice"
        assert asked_by(fake, "b") > asked_by(fake, "a")
        finished = await run([*words, "--ask-lost"])
        assert "200 outcomes" in finished.output
        totals = await run(["ledger", "totals", "--json", "--config", str(tmp_path / "b" / "m.toml")])
        assert json.loads(totals.output)["calls"] >= 200


RUN = "from scripts.main import main; main()"


def asked_by(fake: FakeUpstream, name: str) -> int:
    return sum(seen.headers.get("x-collector") == name for seen in fake.requests)
