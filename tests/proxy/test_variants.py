"""Prompt variants and numbers of tools, as a client of a real server meets them."""

from pathlib import Path
from typing import Any

import numpy as np
import openai
import pytest

from action_model.checkpoint import Card, save_checkpoint
from action_model.latent import LatentConfig
from action_model.outcomes import Grid
from action_model.train import train
from proxy.settings import Settings
from scripts.fake_upstream import FakeUpstream, Scripted
from tests.proxy.served import MESSAGES, serving, settings_for

pytestmark = pytest.mark.anyio
ABACUS = "Use the abacus."
ABOUT = {
    "get_weather": "The weather forecast of a city: rain, wind, temperature",
    "send_mail": "Write an e-mail to somebody",
    "book_flight": "Buy a plane ticket between two airports",
    "convert_money": "Exchange rates of currencies",
}
TOOLS: Any = [{"type": "function", "function": {"name": name, "description": text}} for name, text in ABOUT.items()]
RAIN: Any = [{"role": "user", "content": "Will I need an umbrella in Oslo tomorrow?"}]
CALL = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of outcomes in which "small" is bad as it is, and good with a prompt or with two tools."""
    success = {"small": 0.2, "small:tuned": 0.8, "small:tools2": 0.97, "big": 0.3}
    random, count = np.random.default_rng(0), 120
    score = (random.random((count, len(success))) < np.array(list(success.values()))).astype(float)
    ids = tuple(f"Say number {i}" for i in range(count))
    shape, nobody = score.shape, tuple((None,) * len(success) for _ in ids)
    usd, some = np.full(shape, 1e-4), np.full(shape, 20.0)
    grid = Grid(ids, ids, ("all",) * count, tuple(success), score, usd, some, some, np.full(count, 9.0), nobody)
    learnt = train({"t": grid}, LatentConfig(epochs=20, dimensions=2))
    path = tmp_path_factory.mktemp("checkpoint") / "mine"
    save_checkpoint(path, learnt, Card(learnt.models, dict(learnt.tables), prompts={"tuned": ABACUS}))
    return path


def system_of(seen: Any) -> str:
    return "".join(message["content"] for message in seen.body["messages"] if message["role"] == "system")


def tools_of(seen: Any) -> list[str]:
    return [tool["function"]["name"] for tool in seen.body.get("tools", ())]


def set_up(fake: FakeUpstream, folder: Path, **more: Any) -> Settings:
    (folder / "prompt.txt").write_text(ABACUS + "\n", "utf-8")
    variants = {"tool_limits": [2], "prompts": {"tuned": {"file": str(folder / "prompt.txt")}}}
    return settings_for(fake, folder, **{"variants": variants, **more})


async def test_an_operator_names_a_variant_and_sees_what_it_is(tmp_path: Path) -> None:
    async with (
        FakeUpstream(Scripted(text="fine")) as fake,
        serving(set_up(fake, tmp_path)) as served,
        served.client() as client,
    ):
        named = {"technique": "sample", "model": "a/small", "prompt": "tuned", "tool_limit": 2}
        answer = await client.chat.completions.create(
            model="maestro",
            messages=RAIN,
            tools=TOOLS,
            tool_choice={"type": "function", "function": {"name": "convert_money"}},
            extra_body={"maestro": named},
        )
        assert system_of(fake.requests[0]) == ABACUS
        assert tools_of(fake.requests[0]) == ["get_weather", "convert_money"], "the nearest, and the forced one"
        chosen = answer.maestro["chosen"]  # type: ignore[attr-defined]
        assert (chosen["prompt"], chosen["tool_limit"]) == ("tuned", 2)


@pytest.mark.parametrize(
    ("named", "param"),
    [
        ({"prompt": "nobody"}, "maestro.prompt"),
        ({"prompt": 7}, "maestro.prompt"),
        ({"tool_limit": 0}, "maestro.tool_limit"),
        ({"tool_limit": True}, "maestro.tool_limit"),
        ({"promt": "tuned"}, "maestro.promt"),
    ],
)
async def test_a_wrong_variant_is_named(tmp_path: Path, named: dict[str, Any], param: str) -> None:
    async with FakeUpstream(Scripted()) as fake, serving(set_up(fake, tmp_path)) as served, served.client() as client:
        with pytest.raises(openai.BadRequestError) as raised:
            await client.chat.completions.create(
                model="maestro", messages=MESSAGES, extra_body={"maestro": {"technique": "sample", **named}}
            )
        assert raised.value.param == param
        assert not fake.requests


async def test_a_learnt_prompt_is_taken_where_it_predicts_better(tmp_path: Path, checkpoint: Path) -> None:
    """Whole and streamed, though nothing is required; its text comes from the checkpoint's card."""
    async with FakeUpstream(Scripted(text="fine")) as fake:
        settings = settings_for(fake, tmp_path, checkpoint=str(checkpoint))
        async with serving(settings) as served, served.client() as client:
            whole = await client.chat.completions.create(model="maestro", messages=MESSAGES, temperature=0.5)
            block = whole.maestro  # type: ignore[attr-defined]
            assert (block["chosen"]["model"], block["chosen"]["prompt"]) == ("a/small", "tuned")
            assert block["predicted"]["success"] > 0.6
            pieces = await client.chat.completions.create(
                model="maestro", messages=MESSAGES, stream=True, temperature=0.5
            )
            text = "".join([c.choices[0].delta.content or "" async for c in pieces if c.choices])
            assert text == "fine"
            for seen in fake.requests:
                assert system_of(seen) == ABACUS
                assert seen.body["messages"][-1] == MESSAGES[0]
                assert seen.body["temperature"] == 0.5
            named = await client.chat.completions.create(model="small", messages=MESSAGES)
            assert named.choices[0].message.content == "fine"
            assert system_of(fake.requests[-1]) == "", "a concrete model is asked as the client did"


async def test_a_learnt_number_of_tools_is_offered_and_kept_in_the_tool_loop(tmp_path: Path, checkpoint: Path) -> None:
    """Two of four tools; in the loop the one that was called is among them."""
    script = [Scripted(behaviour="tools", tool_arguments="{}"), Scripted(text="Take one.")]
    async with FakeUpstream(script) as fake:
        settings = settings_for(fake, tmp_path, checkpoint=str(checkpoint))
        async with serving(settings) as served, served.client() as client:
            first = await client.chat.completions.create(model="maestro", messages=RAIN, tools=TOOLS)
            assert first.maestro["chosen"]["tool_limit"] == 2  # type: ignore[attr-defined]
            turn: Any = [{"role": "assistant", "content": "", "tool_calls": [CALL]}]
            answer: Any = {"role": "tool", "tool_call_id": "call_1", "content": "rain"}
            await client.chat.completions.create(model="maestro", messages=[*RAIN, *turn, answer], tools=TOOLS)
            before, after = fake.requests
            assert len(tools_of(before)) == 2
            assert "get_weather" in tools_of(before)
            assert tools_of(before) == tools_of(after)


async def test_a_set_prompt_is_tried_where_requirements_tell(tmp_path: Path) -> None:
    """Only the tuned prompt brings the word; the planner comes to it, and what it holds is predicted before."""

    def model(body: Any) -> Scripted:
        has_it = any("abacus" in message["content"] for message in body["messages"] if message["role"] == "system")
        return Scripted(text="seven" if has_it else "no idea")

    async with FakeUpstream(model) as fake, serving(set_up(fake, tmp_path)) as served, served.client() as client:
        answer = await client.chat.completions.create(
            model="maestro",
            messages=MESSAGES,
            extra_body={"requirements": ["Include the word seven"], "budget": "high"},
        )
        assert answer.choices[0].message.content == "seven"
        block = answer.maestro  # type: ignore[attr-defined]
        assert block["chosen"]["prompt"] == "tuned"
        planned = [action for wave in block["waves"] for action in wave["actions"]]
        assert any(action["prompt"] == "tuned" and action["predicted"]["success"] > 0 for action in planned)


async def test_a_prompt_that_cannot_be_read_stops_the_start(tmp_path: Path) -> None:
    from proxy.assembly import build_router
    from proxy.settings import SettingsError

    async with FakeUpstream(Scripted()) as fake:
        gone = {"prompts": {"tuned": {"file": str(tmp_path / "gone.txt")}}}
        with pytest.raises(SettingsError, match=r"variants\.prompts\.tuned"):
            await build_router(settings_for(fake, tmp_path, variants=gone))
