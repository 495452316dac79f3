"""`/v1/chat/completions` streamed: relayed and by waves, with the official client."""

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from scripts.fake_upstream import FakeUpstream, Scripted
from tests.proxy.served import MESSAGES, TEXT, Served, chunks_in, serving, settings_for, stream_of

pytestmark = pytest.mark.anyio


async def test_no_field_is_added_to_a_stream_but_the_usage_we_ask_for(proxy: Served, fake: FakeUpstream) -> None:
    await stream_of(proxy, {"model": "small", "messages": MESSAGES})
    assert set(fake.requests[0].body) - {"stream_options"} == {"model", "messages", "stream"}


async def test_a_relayed_stream_is_the_upstreams_bytes(proxy: Served) -> None:
    events, headers = await stream_of(proxy, {"model": "small", "messages": MESSAGES})
    assert headers["content-type"].startswith("text/event-stream")
    assert headers["x-maestro-model"] == "a/small"
    assert events[-1] == b"data: [DONE]"
    chunks = chunks_in(events)
    assert all("usage" not in chunk for chunk in chunks)
    assert len({chunk["id"] for chunk in chunks}) == 1
    assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"
    assert "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks) == TEXT
    assert all("maestro" not in chunk["choices"][0]["delta"] for chunk in chunks)


@pytest.mark.parametrize("more", [{}, {"requirements": ["At most 9 words"]}], ids=["relay", "waves"])
async def test_a_streams_block_is_in_its_last_delta_and_in_its_usage(proxy: Served, more: Any) -> None:
    body = {"model": "maestro", "messages": MESSAGES, "stream_options": {"include_usage": True}, **more}
    events, headers = await stream_of(proxy, body)
    chunks = chunks_in(events)
    *_, last, usage = chunks
    assert events[-1] == b"data: [DONE]"
    assert last["choices"][0]["finish_reason"] == "stop"
    assert "content" not in last["choices"][0]["delta"]
    assert last["choices"][0]["delta"]["maestro"]["run_id"] == headers["x-maestro-run-id"]
    assert usage["choices"] == []
    assert usage["usage"]["maestro"]["run_id"] == headers["x-maestro-run-id"]
    assert usage["usage"]["requirements_result"]["requirements"] is not None
    assert len({chunk["id"] for chunk in chunks}) == 1
    without, _ = await stream_of(proxy, body | {"stream_options": None})
    assert all("usage" not in chunk for chunk in chunks_in(without))
    assert "maestro" in chunks_in(without)[-1]["choices"][0]["delta"]


@pytest.mark.parametrize("more", [{}, {"requirements": ["At most 9 words"]}], ids=["relay", "waves"])
async def test_the_stream_helper_shows_the_block(proxy: Served, more: Any) -> None:
    async with (
        proxy.client() as client,
        client.chat.completions.stream(
            model="maestro", messages=MESSAGES, extra_body=more, stream_options={"include_usage": True}
        ) as stream,
    ):
        kinds = [event.type async for event in stream]
        final: Any = await stream.get_final_completion()
    assert kinds.count("content.done") == 1
    assert final.choices[0].message.content == TEXT
    assert final.choices[0].message.maestro["run_id"].startswith("run-")
    assert final.usage.maestro["run_id"] == final.choices[0].message.maestro["run_id"]


@pytest.mark.parametrize("model", ["small", "maestro"])
async def test_tool_calls_stream(tmp_path: Path, model: str) -> None:
    tool: Any = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}
    async with FakeUpstream(Scripted(behaviour="tools")) as fake, serving(settings_for(fake, tmp_path)) as proxy:
        for more in ({}, {"requirements": ["Be nice"], "budget": {"calls": 4}}):
            async with (
                proxy.client() as client,
                client.chat.completions.stream(model=model, messages=MESSAGES, tools=[tool], extra_body=more) as stream,
            ):
                final = await stream.get_final_completion()
            call = final.choices[0].message.tool_calls
            assert call is not None
            assert (call[0].function.name, call[0].function.arguments) == ("get_weather", '{"city": "Paris"}')
            assert final.choices[0].finish_reason == "tool_calls"


async def test_waves_send_comments_while_they_run(tmp_path: Path) -> None:
    gate = asyncio.Event()
    scripted = Scripted(text="ok", gate=gate)
    async with FakeUpstream(scripted) as fake:
        server = {"port": 0, "keep_alive_seconds": 0.05}
        async with serving(settings_for(fake, tmp_path, server=server)) as proxy, aiohttp.ClientSession() as session:
            body = {"model": "maestro", "messages": MESSAGES, "stream": True, "requirements": ["At most 9 words"]}
            async with session.post(f"{proxy.base_url}/chat/completions", json=body) as answer:
                assert answer.status == 200
                seen = b""
                while seen.count(b": keep-alive") < 2:
                    seen += await answer.content.readany()
                assert b": wave 0" in seen
                gate.set()
                rest = await answer.read()
    assert b'"content":"ok"' in rest
    assert rest.endswith(b"data: [DONE]\n\n")


async def test_a_relay_keeps_a_silent_stream_alive(tmp_path: Path) -> None:
    server = {"port": 0, "keep_alive_seconds": 0.05}
    async with (
        FakeUpstream(Scripted(text="one two", chunk_seconds=0.2)) as fake,
        serving(settings_for(fake, tmp_path, server=server)) as proxy,
    ):
        for model in ("small", "maestro"):
            events, _ = await stream_of(proxy, {"model": model, "messages": MESSAGES})
            assert b": keep-alive" in events
            said = "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks_in(events))
            assert said == "one two"
            assert events[-1] == b"data: [DONE]"
