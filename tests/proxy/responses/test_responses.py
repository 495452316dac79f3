"""`/v1/responses` with the official client: whole and streamed, translated and passed through."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import openai
import pytest
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from scripts.fake_upstream import FakeUpstream, Scripted
from tests.proxy.served import Served, post, serving, settings_for

pytestmark = pytest.mark.anyio
TEXT = "Hello there, my good friend."
TOOL: Any = {"type": "function", "name": "get_weather", "parameters": {"type": "object"}, "strict": False}
WORDS = {"requirements": ["At most 9 words"]}
ROADS = [
    pytest.param("small", {}, id="relay"),
    pytest.param("maestro", {}, id="virtual"),
    pytest.param("maestro", WORDS, id="waves"),
]


@pytest.fixture
async def fake() -> AsyncIterator[FakeUpstream]:
    def script(body: Any) -> Scripted:
        return Scripted(TEXT, "tools" if body.get("tools") else "normal", input_tokens=100, output_tokens=10)

    async with FakeUpstream(script) as upstream:
        yield upstream


@pytest.fixture
async def proxy(fake: FakeUpstream, tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(settings_for(fake, tmp_path)) as served:
        yield served


@pytest.mark.parametrize(("model", "more"), ROADS)
async def test_whole(proxy: Served, model: str, more: Any) -> None:
    async with proxy.client() as client:
        answer: Any = await client.responses.create(model=model, input="hi", instructions="Be kind.", extra_body=more)
    assert (answer.output_text, answer.status, answer.instructions) == (TEXT, "completed", "Be kind.")
    assert (answer.usage.input_tokens, answer.usage.output_tokens, answer.usage.total_tokens) == (100, 10, 110)
    if model == "maestro":
        assert answer.maestro["run_id"] == answer.metadata["maestro_run_id"]
        assert answer.usage.maestro["run_id"] == answer.maestro["run_id"]
    if more:
        assert answer.metadata["maestro_score"] == "1.0"
        assert json.loads(answer.metadata["maestro_requirements"]) == {"at_most_9_words": 1.0}
        assert answer.requirements_result["finish_reason"] == "all_satisfied"


@pytest.mark.parametrize(("model", "more"), ROADS)
async def test_shapes_are_openais(proxy: Served, model: str, more: Any) -> None:
    body = {"model": model, "input": "hi", "metadata": {"mine": "1", "maestro_quality": "0.5"}, **more}
    async with aiohttp.ClientSession() as session:
        _, answer, headers = await post(session, f"{proxy.base_url}/responses", body)
        Response.model_validate_json(json.dumps(answer), strict=True)
        assert answer["metadata"]["mine"] == "1"
        assert "maestro_quality" not in answer["metadata"]
        assert headers["x-maestro-run-id"]
        adapter: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
        async with session.post(f"{proxy.base_url}/responses", json={**body, "stream": True}) as streamed:
            raw = await streamed.read()
    numbers = []
    for event in raw.split(b"\n\n")[:-1]:
        if not event.startswith(b":"):
            name, data = event.split(b"\n")
            value = adapter.validate_json(data.removeprefix(b"data: "), strict=True)
            assert name == b"event: " + value.type.encode()
            numbers.append(value.sequence_number)
    assert numbers == list(range(len(numbers)))


@pytest.mark.parametrize(("model", "more"), ROADS)
async def test_streamed(proxy: Served, model: str, more: Any) -> None:
    async with (
        proxy.client() as client,
        client.responses.stream(model=model, input="hi", extra_body=more) as stream,
    ):
        kinds = [event.type async for event in stream]
        final: Any = await stream.get_final_response()
    assert kinds[0] == "response.created"
    assert kinds[-1] == "response.completed"
    assert "response.output_text.delta" in kinds
    assert final.output_text == TEXT
    assert final.usage.output_tokens == 10
    if more:
        assert final.metadata["maestro_score"] == "1.0"


@pytest.mark.parametrize(("model", "more"), ROADS)
async def test_calls(proxy: Served, model: str, more: Any) -> None:
    async with proxy.client() as client:
        whole = await client.responses.create(model=model, input="hi", tools=[TOOL], extra_body=more)
        async with client.responses.stream(model=model, input="hi", tools=[TOOL], extra_body=more) as stream:
            kinds = [event.type async for event in stream]
            streamed = await stream.get_final_response()
    assert "response.function_call_arguments.delta" in kinds
    for answer in (whole, streamed):
        call: Any = answer.output[0]
        assert (call.type, call.name, json.loads(call.arguments)) == ("function_call", "get_weather", {"city": "Paris"})
        assert call.call_id == "call_1"


async def test_blocks_are_taken_out_of_instructions_and_items(proxy: Served, fake: FakeUpstream) -> None:
    block = "<maestro budget-calls='3'>\n- At most 9 words\n</maestro>"
    items: Any = [{"role": "developer", "content": f"Be kind. {block}"}, {"role": "user", "content": block}]
    async with proxy.client() as client:
        for said in ({"instructions": block, "input": "hi"}, {"input": items}):
            answer: Any = await client.responses.create(model="maestro", **said)
            assert answer.maestro["budget"]["calls"] == 3
            assert [r["description"] for r in answer.requirements_result["requirements"]] == ["At most 9 words"]
    sent = fake.requests[1].body["messages"]
    assert sent[-1] == {"role": "user", "content": block}
    assert all("<maestro" not in str(message["content"]) for message in sent[:-1])


async def test_errors(proxy: Served) -> None:
    async with proxy.client() as client:
        with pytest.raises(openai.BadRequestError) as caught:
            await client.responses.create(model="small", input="hi", previous_response_id="resp_1")
        assert caught.value.param == "previous_response_id"
        with pytest.raises(openai.NotFoundError):
            await client.responses.create(model="nope", input="hi")


async def test_a_stream_that_breaks_ends_with_an_error(tmp_path: Path) -> None:
    async with (
        FakeUpstream(Scripted("one two three four", "cut")) as fake,
        serving(settings_for(fake, tmp_path)) as proxy,
        proxy.client() as client,
    ):
        stream = await client.responses.create(model="small", input="hi", stream=True)
        with pytest.raises(openai.APIError):
            async for _ in stream:
                pass


async def test_an_upstream_that_has_it_gets_the_request_as_it_came(tmp_path: Path) -> None:
    given = {
        "id": "resp_up",
        "object": "response",
        "created_at": 1,
        "model": "small",
        "output": [{"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": []}],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": {"input_tokens": 7, "output_tokens": 3, "total_tokens": 10},
    }

    def script(body: Any) -> Scripted:
        return Scripted(body=json.dumps(given).encode()) if "input" in body else Scripted(TEXT)

    async with FakeUpstream(script) as fake:
        settings = settings_for(fake, tmp_path)
        upstream = settings.upstream[0].model_copy(update={"responses": True})
        async with serving(settings.model_copy(update={"upstream": (upstream,)})) as proxy, proxy.client() as client:
            body: Any = {"input": "hi", "include": ["reasoning.encrypted_content"], "previous_response_id": "r", "x": 1}
            extra = {"x": 1}
            asked = {name: value for name, value in body.items() if name != "x"}
            answer = await client.responses.create(model="small", **asked, extra_body=extra)
            assert answer.id == "resp_up"
            assert fake.requests[0].path == "/v1/responses"
            assert fake.requests[0].body == {"model": "small", **body}
            await proxy.house.rooms.ledger.flush()
            assert (await proxy.house.rooms.ledger.totals())["output_tokens"] == 3
            judged: Any = await client.responses.create(model="small", input="hi", extra_body=WORDS)
            assert judged.output_text == TEXT
            assert judged.metadata["maestro_score"] == "1.0"


@pytest.mark.parametrize(("model", "more"), ROADS)
@pytest.mark.parametrize("metadata", ["x", 3, [["a", "b"]], True])
async def test_metadata_that_are_no_object_are_refused_before_anything_is_spent(
    fake: FakeUpstream, proxy: Served, model: str, more: dict[str, Any], metadata: Any
) -> None:
    async with aiohttp.ClientSession() as session:
        said = {"model": model, "input": "Hi", "metadata": metadata, **more}
        status, answer, _ = await post(session, f"{proxy.base_url}/responses", said)
    assert (status, answer["error"]["param"]) == (400, "metadata")
    assert not fake.requests
