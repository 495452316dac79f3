"""The other routes: models, embeddings, completions, runs, health, the OpenAPI page."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from openai.types import Completion, CreateEmbeddingResponse, Model

from proxy.exchange import Answer, Exchange
from proxy.files.routes import FILES, STORES
from scripts.fake_upstream import FakeUpstream, Scripted
from tests.proxy.served import MESSAGES, Served, post, serving, settings_for

pytestmark = pytest.mark.anyio


@pytest.fixture
async def fake() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream(Scripted(text="Hello there.", input_tokens=100, output_tokens=10)) as upstream:
        yield upstream


@pytest.fixture
async def proxy(fake: FakeUpstream, tmp_path: Path) -> AsyncIterator[Served]:
    settings = settings_for(fake, tmp_path, aliases={"gpt-4": "maestro", "old": "small"})
    other = settings.upstream[0].model_copy(update={"name": "b"})
    async with serving(settings.model_copy(update={"upstream": (*settings.upstream, other)})) as served:
        yield served


async def get(proxy: Served, path: str) -> tuple[int, Any]:
    async with aiohttp.ClientSession() as session, session.get(proxy.origin + path) as answer:
        return answer.status, await answer.json()


async def test_models_are_listed_with_prices(proxy: Served) -> None:
    status, listed = await get(proxy, "/v1/models")
    assert (status, listed["object"]) == (200, "list")
    names = [model["id"] for model in listed["data"]]
    assert names == ["maestro", "maestro-low", "maestro-medium", "maestro-high", "small", "big", "b/small", "b/big"]
    for model in listed["data"]:
        Model.model_validate_json(json.dumps(model), strict=True)
    small = next(model for model in listed["data"] if model["id"] == "small")
    assert small["pricing"]["input_usd_per_mtok"] == 1.0
    assert "tools" in small["supports"]
    virtual = listed["data"][0]
    assert virtual["pricing"]["input_usd_per_mtok"] == {"min": 1.0, "max": 10.0}
    assert virtual["owned_by"] == "maestro"


@pytest.mark.parametrize("name", ["small", "a/small", "b/big", "maestro", "maestro-high", "gpt-4", "old"])
async def test_one_model_is_found_by_every_name(proxy: Served, name: str) -> None:
    async with proxy.client() as client:
        assert (await client.models.retrieve(name)).id == name


async def test_embeddings_pass_through_metered(proxy: Served, fake: FakeUpstream) -> None:
    body = {"model": "small", "input": ["a", "b"], "dimensions": 2, "encoding_format": "float", "unknown": 1}
    async with aiohttp.ClientSession() as session:
        status, answer, headers = await post(session, f"{proxy.base_url}/embeddings", body)
    assert status == 200
    assert fake.requests[0].body == body
    CreateEmbeddingResponse.model_validate_json(json.dumps(answer), strict=True)
    assert len(answer["data"]) == 2
    assert float(headers["x-maestro-cost-usd"]) == pytest.approx(100 / 1e6)


async def test_completions_pass_through_metered(proxy: Served, fake: FakeUpstream) -> None:
    body = {"model": "small", "prompt": "Say", "max_tokens": 5, "echo": True}
    async with aiohttp.ClientSession() as session:
        status, answer, headers = await post(session, f"{proxy.base_url}/completions", body)
    assert status == 200
    assert fake.requests[0].body == body
    Completion.model_validate_json(json.dumps(answer), strict=True)
    assert float(headers["x-maestro-cost-usd"]) == pytest.approx((100 + 10 * 4) / 1e6)


async def test_completions_stream(proxy: Served) -> None:
    async with proxy.client() as client:
        stream = await client.completions.create(model="small", prompt="Say", stream=True)
        chunks = [chunk async for chunk in stream]
    assert "".join(chunk.choices[0].text for chunk in chunks) == "Hello there."
    assert chunks[-1].choices[0].finish_reason == "stop"


@pytest.mark.parametrize(("path", "field"), [("embeddings", "input"), ("completions", "prompt")])
async def test_their_own_field_is_needed_and_requirements_are_refused(proxy: Served, path: str, field: str) -> None:
    async with aiohttp.ClientSession() as session:
        status, answer, _ = await post(session, f"{proxy.base_url}/{path}", {"model": "small"})
        assert (status, answer["error"]["param"]) == (400, field)
        body = {"model": "small", field: "x", "requirements": ["y"]}
        status, answer, _ = await post(session, f"{proxy.base_url}/{path}", body)
        assert (status, answer["error"]["param"]) == (400, "requirements")


async def test_a_run_is_found_afterwards(proxy: Served) -> None:
    async with proxy.client() as client:
        answer: Any = await client.chat.completions.create(
            model="maestro", messages=MESSAGES, extra_body={"requirements": ["At most 9 words"]}
        )
    for prefix in ("/v1", "/studio/v1"):
        status, run = await get(proxy, f"{prefix}/maestro/runs/{answer.maestro['run_id']}")
        assert (status, run["id"], run["status"]) == (200, answer.maestro["run_id"], "completed")


async def test_health_and_counters(proxy: Served) -> None:
    assert await get(proxy, "/healthz") == (200, {"status": "ok"})
    assert await get(proxy, "/readyz") == (200, {"status": "ready"})
    await get(proxy, "/v1/models")
    async with aiohttp.ClientSession() as session, session.get(f"{proxy.origin}/metrics") as answer:
        text = await answer.text()
    assert 'maestro_requests_total{route="/v1/models",status="200"} 1.0' in text
    assert "maestro_request_seconds_bucket" in text


async def test_the_openapi_page_describes_the_routes(proxy: Served) -> None:
    status, page = await get(proxy, "/schema/openapi.json")
    assert status == 200
    wanted = {"/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/responses", "/v1/models"}
    assert wanted <= set(page["paths"])
    chat = page["paths"]["/v1/chat/completions"]["post"]
    assert "requirements" in chat["requestBody"]["content"]["application/json"]["schema"]["properties"]
    assert {"400", "401", "404", "429", "502"} <= set(chat["responses"])


async def test_every_route_that_is_served_is_on_the_openapi_page(proxy: Served) -> None:
    _, page = await get(proxy, "/schema/openapi.json")
    described = {
        (re.sub(r"\{[^}]+\}", "{}", path), method.upper())
        for path, item in page["paths"].items()
        for method in item
        if method in ("get", "post", "put", "patch", "delete")
    }
    app = proxy.server.config.loaded_app
    mounted = {
        (re.sub(r"\{[^}]+\}", "{}", prefix + path), method)
        for prefix, table in (("/v1/files", FILES), ("/v1/vector_stores", STORES))
        for path, methods in table.items()
        for method in methods
    }
    served = {
        (re.sub(r"\{[^}]+\}", "{}", route.path), method)
        for route in app.routes
        for method in getattr(route, "methods", ())
        if method != "OPTIONS" and not route.path.startswith(("/dashboard", "/schema"))
    }
    assert served | mounted <= described
    raw = {route.path for route in app.routes if not getattr(route, "methods", ())}
    assert raw <= {path for path, _ in described}
    ids = [said["operationId"] for item in page["paths"].values() for said in item.values() if "operationId" in said]
    assert len(ids) == len(set(ids))


async def test_head_has_no_body(proxy: Served) -> None:
    async with aiohttp.ClientSession() as session, session.head(f"{proxy.base_url}/models") as answer:
        assert answer.status == 200
        assert int(answer.headers["content-length"]) > 0
        assert await answer.read() == b""


async def test_our_rate_limits_are_told_in_place_of_the_upstream_s() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    exchange = Exchange({"type": "http", "method": "POST", "headers": []}, receive, send, "req_1")
    exchange.told = {"x-ratelimit-limit-requests": "10"}
    upstream = {"x-ratelimit-limit-requests": "5000", "openai-version": "2020-10-01"}
    await exchange.send(Answer(b"{}", headers=upstream))
    names = [name for name, _ in sent[0]["headers"]]
    assert (b"x-ratelimit-limit-requests", b"10") in sent[0]["headers"]
    assert names.count(b"x-ratelimit-limit-requests") == 1
    assert b"openai-version" in names
