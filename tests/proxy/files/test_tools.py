"""Maestro's own tools inside requests, with the official client: searched, fenced, cited, called, never leaked."""

import json
from pathlib import Path
from typing import Any

import openai
import pytest
from aiohttp import web

from scripts.fake_answers import Scripted
from tests.proxy.files.tool_servers import (
    answered,
    calls_of,
    filled_store,
    mcp_server,
    proxy_over,
    search_in,
)

pytestmark = pytest.mark.anyio
ANSWER = "The moon pulls the sea [1]."
ASK: Any = [{"role": "user", "content": "Why does the sea rise and fall with the moon?"}]
WEATHER: Any = {
    "type": "function",
    "function": {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
}


async def test_found_passages_reach_the_model_and_come_back_as_sources_and_citations(tmp_path: Path) -> None:
    async with proxy_over(Scripted(text=ANSWER), tmp_path) as (fake, served), served.client() as client:
        store = await filled_store(client)
        answer: Any = await client.chat.completions.create(
            model="small", messages=ASK, tools=[search_in(store), WEATHER], extra_body={"include": ["data_sources"]}
        )
    sent = fake.requests[-1].body
    assert sent["tools"] == [WEATHER]
    assert "twice a day" in sent["messages"][-1]["content"]
    assert sent["messages"][-1]["content"].endswith(ASK[0]["content"])
    [source] = answer.data_sources["file_search"]
    assert (source["file_name"], source["order"]) == ("tides.md", 0)
    assert 0 < source["score"] <= 1
    note = answer.choices[0].message.annotations[0]
    assert note.file_citation["filename"] == "tides.md"
    assert ANSWER[note.file_citation["start_index"] : note.file_citation["end_index"]] == "[1]"


async def test_an_instruction_in_a_document_changes_nothing(tmp_path: Path) -> None:
    async with proxy_over(Scripted(text=ANSWER), tmp_path) as (fake, served), served.client() as client:
        store = await filled_store(client)
        answer: Any = await client.chat.completions.create(
            model="maestro", messages=ASK, tools=[search_in(store)], extra_body={"requirements": ["At most 9 words"]}
        )
    sent = fake.requests[-1].body
    assert [item["name"] for item in answer.requirements_result["requirements"]] == ["at_most_9_words"]
    assert answer.maestro["budget"].get("usd") is None
    assert "tools" not in sent
    system = "".join(m["content"] for m in sent["messages"] if m["role"] == "system")
    assert "BANANA" not in system
    content = sent["messages"][-1]["content"]
    mark = next(line for line in content.splitlines() if line.startswith("=====SOURCES"))
    assert content.index(mark) < content.index("BANANA") < content.rindex(mark)


async def test_a_stream_brings_the_annotations_and_the_sources(tmp_path: Path) -> None:
    async with proxy_over(Scripted(text=ANSWER), tmp_path) as (_, served), served.client() as client:
        store = await filled_store(client)
        body = {"include": ["data_sources"]}
        stream = await client.chat.completions.create(
            model="small", messages=ASK, tools=[search_in(store)], stream=True, extra_body=body
        )
        deltas = [chunk.choices[0].delta.model_dump() async for chunk in stream if chunk.choices]
    assert "".join(delta.get("content") or "" for delta in deltas) == ANSWER
    assert any(delta.get("annotations") for delta in deltas)
    assert any(delta.get("data_sources", {}).get("file_search") for delta in deltas)


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_response_cites_files(tmp_path: Path, streamed: bool) -> None:
    async with proxy_over(Scripted(text=ANSWER), tmp_path) as (_, served), served.client() as client:
        store = await filled_store(client)
        asked: Any = {"model": "maestro", "input": ASK[0]["content"], "tools": [search_in(store)]}
        if streamed:
            async with client.responses.stream(**asked) as events:
                async for _ in events:
                    pass
                response = await events.get_final_response()
        else:
            response = await client.responses.create(**asked)
    content: Any = response.output[-1]
    assert response.output_text == ANSWER
    assert content.content[0].annotations[0].filename == "tides.md"


async def test_filters_and_labels_bound_what_is_found(tmp_path: Path) -> None:
    async with proxy_over(Scripted(text=ANSWER), tmp_path) as (_, served), served.client() as client:
        store = await filled_store(client)
        for said, count in (
            ({"filters": {"type": "eq", "key": "topic", "value": "sea"}}, 1),
            ({"filters": {"type": "eq", "key": "topic", "value": "sky"}}, 0),
            ({"labels": ["x"], "labels_filter_mode": "AND"}, 0),
            ({"retrieval_similarity_threshold": 1.0}, 0),
        ):
            answer: Any = await client.chat.completions.create(
                model="small", messages=ASK, tools=[search_in(store, **said)], extra_body={"include": ["data_sources"]}
            )
            assert len(answer.data_sources["file_search"]) == count, said


async def test_a_store_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    async with proxy_over(Scripted(text=ANSWER), tmp_path) as (_, served), served.client() as client:
        with pytest.raises(openai.BadRequestError) as told:
            await client.chat.completions.create(model="small", messages=ASK, tools=[search_in("vs_none")])
        assert told.value.param == "tools"


async def test_grounding_names_the_claim_and_the_repair_hears_it(tmp_path: Path) -> None:
    def script(body: Any) -> Scripted:
        repaired = "not supported by the sources" in json.dumps(body["messages"])
        return Scripted(text=ANSWER if repaired else "Giant whales push warm water every Thursday [1].")

    async with proxy_over(script, tmp_path) as (_, served), served.client() as client:
        store = await filled_store(client)
        answer: Any = await client.chat.completions.create(
            model="maestro",
            messages=ASK,
            tools=[search_in(store)],
            extra_body={
                "requirements": [
                    {"name": "grounded", "description": "Answer only from the sources", "is_mandatory": True},
                    {"name": "cited", "description": "Cite every claim", "check": {"type": "cited"}},
                ],
                "maestro": {"technique": "fix", "n": 2, "model": "small"},
            },
        )
    assert answer.choices[0].message.content == ANSWER
    assert answer.requirements_result["score"] == 1.0


async def test_an_http_tool_is_called_with_checked_arguments_and_never_leaks(tmp_path: Path) -> None:
    got: list[Any] = []

    async def handle(request: web.Request) -> web.Response:
        got.append((await request.json(), request.headers.get("x-secret")))
        return web.json_response({"stock": 7})

    server = await answered(handle, "/stock")
    tool: Any = {
        "type": "http",
        "function": {
            "name": "stock",
            "description": "Stock of an item",
            "parameters": {
                "type": "object",
                "properties": {"item": {"type": "string"}},
                "required": ["item"],
                "additional_properties": False,
            },
        },
        "endpoint": {"url": str(server.make_url("/stock")), "headers": {"x-secret": "s"}},
    }
    turns = [
        Scripted(extra=calls_of("stock", {"item": 5})),
        Scripted(extra=calls_of("stock", {"item": "pen"})),
        Scripted(text="There are 7."),
    ]
    hosts = {"tools": {"hosts": ["127.0.0.1"]}}
    async with proxy_over(turns, tmp_path, **hosts) as (fake, served), served.client() as client:
        answer: Any = await client.chat.completions.create(
            model="small", messages=ASK, tools=[tool, WEATHER], extra_body={"include": ["data_sources"]}
        )
    await server.close()
    assert got == [({"item": "pen"}, "s")]
    assert answer.choices[0].message.content == "There are 7."
    assert [t["function"]["name"] for t in fake.requests[0].body["tools"]] == ["weather", "stock"]
    assert "do not fit the schema" in fake.requests[1].body["messages"][-1]["content"]
    [call] = answer.data_sources["tool_calls"]
    assert (call["tool_name"], call["tool_type"], call["parameters"]) == ("stock", "http", {"item": "pen"})
    assert "7" in call["response"]


async def test_a_private_address_is_never_called(tmp_path: Path) -> None:
    tool: Any = {"type": "http", "function": {"name": "peek"}, "endpoint": {"url": "http://127.0.0.1:1/x"}}
    turns = [Scripted(extra=calls_of("peek", {})), Scripted(text="No.")]
    async with proxy_over(turns, tmp_path) as (fake, served), served.client() as client:
        await client.chat.completions.create(model="small", messages=ASK, tools=[tool])
    assert "not a public address" in fake.requests[1].body["messages"][-1]["content"]


async def test_the_clients_own_calls_go_to_the_client(tmp_path: Path) -> None:
    turns = [Scripted(extra=calls_of("weather", {"city": "Oslo"}))]
    async with proxy_over(turns, tmp_path) as (fake, served), served.client() as client:
        store = await filled_store(client)
        answer = await client.chat.completions.create(model="small", messages=ASK, tools=[search_in(store), WEATHER])
    [call] = answer.choices[0].message.tool_calls or []
    assert call.function.name == "weather"  # type: ignore[union-attr]
    assert len([seen for seen in fake.requests if "chat" in seen.path]) == 1


async def test_a_real_mcp_server_is_listed_and_called(tmp_path: Path) -> None:
    turns = [Scripted(extra=calls_of("sums__add", {"a": 19, "b": 23})), Scripted(text="42")]
    async with mcp_server() as url, proxy_over(turns, tmp_path, tools={"hosts": ["127.0.0.1"]}) as (fake, served):
        tool: Any = {"type": "mcp", "server_label": "sums", "server_url": url, "allowed_tools": ["add"]}
        async with served.client() as client:
            answer: Any = await client.chat.completions.create(
                model="small", messages=ASK, tools=[tool], extra_body={"include": ["data_sources"]}
            )
    assert [t["function"]["name"] for t in fake.requests[0].body["tools"]] == ["sums__add"]
    assert fake.requests[1].body["messages"][-1]["content"] == "sum=42"
    assert answer.data_sources["tool_calls"][0]["server_label"] == "sums"


async def test_web_search_reads_pages_obeys_robots_and_is_charged(tmp_path: Path) -> None:
    pages = {
        "/ok": "<html><body><article><p>"
        + "Spring tides are strongest at new moon. " * 9
        + "</p></article></body></html>"
    }

    async def handle(request: web.Request) -> web.Response:
        origin = f"http://{request.host}"
        if request.path == "/robots.txt":
            return web.Response(text="User-agent: *\nDisallow: /no")
        if request.path == "/search":
            results = [{"url": f"{origin}{path}", "title": path, "content": "snippet"} for path in ("/ok", "/no")]
            return web.json_response(
                {"results": [*results, {"url": "http://else.test/", "title": "e", "content": "e"}]}
            )
        return web.Response(text=pages.get(request.path, "<p>secret page</p>"), content_type="text/html")

    server = await answered(handle, "/{path:.*}")
    said = {
        "hosts": ["127.0.0.1"],
        "web_search": {"engine": "searxng", "base_url": str(server.make_url("/")), "usd_per_search": 0.01},
    }
    async with proxy_over(Scripted(text=ANSWER), tmp_path, tools=said) as (fake, served), served.client() as client:
        tool: Any = {"type": "web_search", "urls": ["127.0.0.1"]}
        answer: Any = await client.chat.completions.create(
            model="maestro", messages=ASK, tools=[tool], extra_body={"include": ["data_sources"]}
        )
    await server.close()
    found = answer.data_sources["web_search"]
    assert [source["url"].rpartition("/")[2] for source in found] == ["ok", "no"]
    assert "Spring tides" in found[0]["text"]
    assert found[1]["text"] == "snippet"
    assert "secret" not in fake.requests[-1].body["messages"][-1]["content"]
    assert answer.maestro["usd"] >= 0.01
    assert answer.choices[0].message.annotations[0].url_citation.url.endswith("/ok")


async def test_research_searches_again_for_what_is_missing(tmp_path: Path) -> None:
    def script(body: Any) -> Scripted:
        last = body["messages"][-1]["content"]
        return Scripted(text="1. bees dance food" if "Do not answer yet" in last else "Bees dance [2].")

    async with proxy_over(script, tmp_path) as (fake, served), served.client() as client:
        store = await filled_store(client)
        file = await client.files.create(file=("bees.md", b"Bees dance to show where food is."), purpose="assistants")
        await client.vector_stores.files.create_and_poll(file.id, vector_store_id=store, poll_interval_ms=30)
        answer: Any = await client.chat.completions.create(
            model="maestro",
            messages=ASK,
            tools=[search_in(store, max_num_results=1)],
            extra_body={"include": ["data_sources"], "maestro": {"technique": "research", "model": "small"}},
        )
    assert {source["file_name"] for source in answer.data_sources["file_search"]} == {"tides.md", "bees.md"}
    assert "where food is" in fake.requests[-1].body["messages"][-1]["content"]
    assert answer.maestro["chosen"]["technique"] == "research"
