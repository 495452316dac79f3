"""Search engines in their documented wire shapes, over real sockets."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from router.errors import UpstreamFailed
from router.tools.search.adapters import EngineError, load_adapter
from router.tools.search.engine import Engine, SearchTerms, within
from router.tools.specs import WebSearch

RESULT = {"url": "https://a.test/x", "title": "A <b>title</b>", "content": "said", "description": "said", "score": 0.7}
SHAPES: dict[str, Any] = {
    "searxng": {"results": [RESULT]},
    "tavily": {"results": [RESULT]},
    "brave": {"web": {"results": [RESULT | {"extra_snippets": ["more"]}]}},
}


@pytest.fixture
async def engine_server() -> AsyncIterator[tuple[TestServer, list[Any]]]:
    seen: list[Any] = []

    async def handle(request: web.Request) -> web.Response:
        body = await request.json() if request.method == "POST" else dict(request.query)
        seen.append((request.path, body, request.headers))
        if request.headers.get("x-subscription-token") == "wrong":
            return web.json_response({"type": "ErrorResponse"}, status=422)
        kind = "brave" if "res/v1" in request.path else "tavily" if request.method == "POST" else "searxng"
        return web.json_response(SHAPES[kind])

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    server = TestServer(app)
    await server.start_server()
    yield server, seen
    await server.close()


@pytest.mark.anyio
@pytest.mark.parametrize("name", sorted(SHAPES))
async def test_an_engine_is_asked_and_read_in_its_own_shape(name: str, engine_server: Any) -> None:
    server, seen = engine_server
    async with httpx.AsyncClient() as client:
        engine = Engine(load_adapter(name, str(server.make_url("/")), "key"), client)
        for _ in range(2):
            [found] = await engine.passages("why tides", WebSearch(("a.test",)), SearchTerms())
    assert (found.source, found.title, found.text.splitlines()[0]) == ("https://a.test/x", "A title", "said")
    [(_, body, headers)] = seen
    assert "a.test" in str(body)
    assert "key" in (headers.get("authorization", ""), headers.get("x-subscription-token", "")) or name != "brave"


@pytest.mark.anyio
async def test_a_refusal_is_told_without_the_key(engine_server: Any) -> None:
    server, _ = engine_server
    async with httpx.AsyncClient() as client:
        engine = Engine(load_adapter("brave", str(server.make_url("/")), "wrong"), client)
        with pytest.raises(UpstreamFailed) as told:
            await engine.passages("x", WebSearch(), SearchTerms())
    assert "422" in told.value.message
    assert "wrong" not in told.value.message


def test_an_unknown_engine_names_those_that_are_known() -> None:
    with pytest.raises(EngineError, match="brave, searxng, tavily"):
        load_adapter("gogle", None, None, ())


@pytest.mark.parametrize(
    ("prefix", "url", "matches"),
    [
        ("example.com", "https://sub.example.com/x", True),
        ("https://example.com", "http://example.com/", False),
        ("example.com/docs", "https://example.com/docs/a", True),
        ("example.com/docs", "https://example.com/docsother", False),
        ("example.com", "https://example.com.evil.test/", False),
        ("example.com", "https://notexample.com/", False),
    ],
)
def test_url_prefixes(prefix: str, url: str, matches: bool) -> None:
    assert within(url, [prefix]) is matches
