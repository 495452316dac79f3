"""`maestro train --from-ledger`: real runs of the proxy over an upstream whose success rates are known."""

import asyncio
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from action_model.actions import Action, Offer, Portfolio
from action_model.checkpoint import DEFAULT, load_checkpoint
from action_model.facts import Facts
from action_model.learned import LearnedEstimator
from action_model.prices import Price
from proxy.settings import load_settings
from scripts.fake_upstream import FakeUpstream, Scripted
from scripts.main import main
from tests.proxy.served import serving

pytestmark = pytest.mark.anyio
CONFIG = """
exploration_share = {share}
[ledger]
url = "{url}"
store_texts = {texts}
[server]
port = 0
[limits]
hedging = false
[efforts.medium]
usd = 1000.0
seconds = 0.0
[[upstream]]
name = "f"
base_url = "{base_url}"
retries = 0
[[upstream.model]]
name = "small"
input_usd_per_mtok = 0.1
output_usd_per_mtok = 0.4
[[upstream.model]]
name = "big"
input_usd_per_mtok = 1.0
output_usd_per_mtok = 4.0
"""
TOPICS = ("birds", "the sea", "old maps", "a bridge", "winter", "bread", "a violin", "the moon")


def upstream(rates: dict[str, float]) -> Callable[[Any], Scripted]:
    """Each model answers in few words on a share of the texts that is known, always the same ones."""

    def answer(body: Any) -> Scripted:
        text = body["messages"][-1]["content"]
        digest = hashlib.sha256(f"{body['model']} {text}".encode()).digest()
        satisfies = int.from_bytes(digest[:4], "big") / 2**32 < rates[body["model"]]
        return Scripted("short and good" if satisfies else "one two three four five six seven", output_tokens=40)

    return answer


async def ask(config: Path, count: int) -> None:
    """Real requests of the official client, eight at a time."""
    gate = asyncio.Semaphore(8)
    async with serving(load_settings(config)) as served, served.client() as client:

        async def one(i: int) -> None:
            said: Any = [{"role": "user", "content": f"Tell me fact number {i} about {TOPICS[i % 8]}."}]
            async with gate:
                await client.chat.completions.create(model="maestro", messages=said, extra_body=BODY)

        await asyncio.gather(*(one(i) for i in range(count)))


BODY = {"requirements": [{"name": "w", "description": "Answer in at most 4 words"}], "budget": {"calls": 2}}


def write(folder: Path, base_url: str, url: str | None = None, share: float = 0.0, texts: bool = False) -> Path:
    config = folder / "m.toml"
    url = url or f"sqlite:///{folder}/ledger.db"
    said = CONFIG.format(base_url=base_url, url=url, share=share, texts=str(texts).lower())
    config.write_text(said, "utf-8")
    return config


async def train(config: Path, *words: str) -> str:
    given = ["train", "--from-ledger", "--config", str(config), "--output", str(config.parent / "new"), *words]
    result = await asyncio.to_thread(CliRunner().invoke, main, given)
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


def chances(path: Path) -> list[float]:
    """What serving would expect of both models on a text like those asked."""
    learnt, _ = load_checkpoint(path)
    offers = tuple(Offer(Action(f"f/{name}"), Price(1.0, 4.0), family=name) for name in ("small", "big"))
    facts = Facts("Tell me fact number 999 about winter.", 20, requirement_kinds=("max_words",))
    return [e.success for e in LearnedEstimator(learnt).believe(facts, Portfolio(offers)).estimates]


@pytest.mark.parametrize("backend", ["sqlite", "postgres"])
async def test_what_runs_show_is_learnt_and_promoted_without_their_texts(
    backend: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("new_database")() if backend == "postgres" else None
    async with FakeUpstream(upstream({"small": 0.95, "big": 0.15})) as fake:
        config = write(tmp_path, fake.base_url, url, share=0.3)
        await ask(config, 320)
        before = len(fake.requests)
        page = tmp_path / "report.html"
        told = await train(config, "--html", str(page))
        assert len(fake.requests) == before, "learning calls nothing"
    assert " promoted: its choices are surely worth more" in told
    assert "big → small" in told
    small, big = chances(tmp_path / "new")
    assert small == pytest.approx(0.95, abs=0.1)
    assert big < 0.5
    assert "plotly" in page.read_text("utf-8")
    old, new = (load_checkpoint(path)[0] for path in (DEFAULT, tmp_path / "new"))
    assert set(new.joined.names) == {"small", "big"}
    assert (old.latent.theta == new.latent.theta).all()
    card = json.loads((tmp_path / "new.json").read_text("utf-8"))
    assert card["trained_on"]["ledger"]["actions"] == ["big", "small"]


async def test_choices_that_are_made_already_are_not_worth_more_again(tmp_path: Path) -> None:
    async with FakeUpstream(upstream({"small": 0.95, "big": 0.15})) as fake:
        config = write(tmp_path, fake.base_url, share=0.3)
        await ask(config, 320)
        assert " promoted: its choices are surely worth more" in await train(config)
        again = await train(config, "--against", str(tmp_path / "new"))
    assert "surely worth more" not in again
    assert "big → small" not in again


async def test_too_few_runs_promote_nothing(tmp_path: Path) -> None:
    async with FakeUpstream(upstream({"small": 0.1, "big": 0.9})) as fake:
        config = write(tmp_path, fake.base_url)
        await ask(config, 12)
        assert "not promoted: only" in await train(config)
    assert not (tmp_path / "new.json").exists()


async def test_what_cannot_be_learnt_from_is_said_and_bad_options_are_refused(tmp_path: Path) -> None:
    async with FakeUpstream(upstream({"small": 1.0, "big": 1.0})) as fake:
        config = write(tmp_path, fake.base_url)
        await ask(config, 3)
        other = config.read_text("utf-8").replace('name = "small"', 'name = "tiny"')
        config.write_text(other, "utf-8")
        assert "3 × not a sample of a model that is configured" in await train(config)
    for words in (["train"], ["train", "--from-ledger", "--data", str(tmp_path)]):
        assert CliRunner().invoke(main, words).exit_code == 2
    missing = CliRunner().invoke(main, ["train", "--from-ledger", "--config", str(tmp_path / "none.toml")])
    assert missing.exit_code == 2
    assert "no such file" in missing.output
