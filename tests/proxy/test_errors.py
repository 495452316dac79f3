"""Every error in OpenAI's shape: the table, and the paths of HTTP."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import openai
import pytest

from proxy.errors import TABLE, error_answer
from router import errors
from router.errors import (
    BadRequest,
    BudgetExceeded,
    BudgetReserved,
    Limit,
    PeerAnswer,
    RateLimited,
    RunLimitReached,
    UpstreamBusy,
    UpstreamRejected,
    UpstreamUnauthorized,
)
from scripts.fake_upstream import FakeUpstream
from tests.proxy.served import MESSAGES, Served, post, serving, settings_for

LIMIT = Limit("team", "search", "month", 2_000_000_000, 1_500_000_000, 500_000_000, 1000.0)


def told(error: BaseException, now: float = 0.0, status: int = 429) -> tuple[int, dict[str, Any], dict[str, str]]:
    answer = error_answer(error, now, status)
    body = json.loads(answer.body)
    assert set(body) == {"error"}
    assert set(body["error"]) >= {"message", "type", "param", "code"}
    return answer.status, body["error"], dict(answer.headers)


def test_every_kind_of_the_tree_has_a_row() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.MaestroError)]
    assert set(kinds) == set(TABLE)


def test_spent_money_says_which_and_is_not_retried() -> None:
    status, error, headers = told(BudgetExceeded("spent", LIMIT), now=500.0)
    assert (status, error["type"], error["code"]) == (429, "insufficient_quota", "team_budget_exceeded")
    assert error["maestro"] == {
        "scope": "team",
        "id": "search",
        "window": "month",
        "limit_usd": 2.0,
        "spent_usd": 1.5,
        "reserved_usd": 0.5,
        "resets_at": 1000.0,
    }
    assert headers == {"x-should-retry": "false"}
    assert told(BudgetExceeded("spent", LIMIT), now=950.0)[2]["retry-after"] == "50"
    assert told(BudgetExceeded("spent", LIMIT), status=402)[0] == 402


def test_reserved_money_is_retried() -> None:
    status, error, headers = told(BudgetReserved("held", LIMIT, 2.0))
    assert (status, error["code"], headers["retry-after"]) == (429, "budget_reserved", "2")
    assert "x-should-retry" not in headers
    assert told(RateLimited("slow", 0.2))[2]["retry-after"] == "1"


def test_a_run_budget_that_pays_for_nothing_names_the_budget() -> None:
    status, error, _ = told(RunLimitReached("no"))
    assert (status, error["param"], error["code"]) == (400, "budget", "budget_too_small")


def test_an_upstreams_own_words_pass() -> None:
    body = b'{"error": {"message": "long", "type": "invalid_request_error", "code": "context_length_exceeded", "x": 1}}'
    answer = error_answer(UpstreamRejected("x", "a", PeerAnswer(400, body, {"x-should-retry": "false"})), 0.0)
    assert (answer.status, answer.body, answer.headers) == (400, body, {"x-should-retry": "false"})
    busy = error_answer(UpstreamBusy("x", "a", PeerAnswer(429, b"slow down", {"retry-after": "7"})), 0.0)
    assert (busy.status, busy.headers["retry-after"]) == (429, "7")
    assert json.loads(busy.body)["error"]["code"] == "upstream_rate_limited"


@pytest.mark.parametrize("body", [b'{"detail": "bad"}', b'{"object":"error","message":"bad"}', b'{"error":"bad"}'])
def test_other_shapes_are_put_into_ours(body: bytes) -> None:
    answer = error_answer(UpstreamRejected("x", "a", PeerAnswer(422, body)), 0.0)
    assert (answer.status, json.loads(answer.body)["error"]["message"]) == (422, "bad")


def test_what_is_not_foreseen_tells_nothing() -> None:
    status, error, _ = told(RuntimeError("secret"))
    assert status == 500
    assert "secret" not in json.dumps(error)
    assert told(UpstreamUnauthorized("refused", "a"))[0] == 502
    assert told(BadRequest("m", "p", "c"))[1] == {
        "message": "m",
        "type": "invalid_request_error",
        "param": "p",
        "code": "c",
    }


@pytest.fixture
async def proxy(tmp_path: Path) -> AsyncIterator[Served]:
    async with (
        FakeUpstream() as fake,
        serving(settings_for(fake, tmp_path, server={"port": 0, "max_body_mb": 1})) as it,
    ):
        yield it


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nope", 404, "unknown_url"),
        ("POST", "/", 404, "unknown_url"),
        ("POST", "/v1/chat", 404, "unknown_url"),
        ("GET", "/v1/chat/completions/extra", 404, "unknown_url"),
        ("GET", "/v1/chat/completions", 405, "method_not_supported"),
        ("PUT", "/v1/embeddings", 405, "method_not_supported"),
        ("DELETE", "/v1/models", 405, "method_not_supported"),
        ("DELETE", "/v1/models/small", 405, "method_not_supported"),
        ("POST", "/healthz", 405, "method_not_supported"),
        ("GET", "/v1/models/unknown", 404, "model_not_found"),
        ("GET", "/v1/maestro/runs/unknown", 404, "run_not_found"),
        ("GET", "/v1/%2e%2e/v1/nope", 404, "unknown_url"),
    ],
)
async def test_http_errors_have_the_shape_and_an_id(
    proxy: Served, method: str, path: str, status: int, code: str
) -> None:
    async with aiohttp.ClientSession() as session, session.request(method, proxy.origin + path) as answer:
        error = (await answer.json())["error"]
    assert (answer.status, error["code"]) == (status, code)
    assert set(error) == {"message", "type", "param", "code"}
    assert answer.headers["x-request-id"].startswith("req_")
    if status == 405:
        assert answer.headers["allow"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        (b"", 400, None),
        (b"{", 400, None),
        (b"[]", 400, None),
        (b'"x"', 400, None),
        (b'{"model":"small","messages":[{"role":"user","content":"x"}],"temperature":NaN}', 400, None),
        (b'{"model":"small","messages":[{"role":"user","content":"\xff"}]}', 400, None),
        (b'{"messages":[{"role":"user","content":"x"}]}', 400, "model"),
        (b'{"model":"small"}', 400, "messages"),
        (b'{"model":"small","messages":[{"content":"x"}]}', 400, "messages[0].role"),
        (b'{"model":"small","messages":{}}', 400, "messages"),
        (b'{"model":"small","messages":[{"role":"user","content":"x"}],"stream":"true"}', 400, "stream"),
        (b'{"model":"nope","messages":[{"role":"user","content":"x"}]}', 404, "model"),
        (b'{"model":"small","x":"' + b"x" * 2**20 + b'"}', 413, None),
    ],
)
async def test_bad_bodies_are_refused(proxy: Served, body: bytes, status: int, param: str | None) -> None:
    async with aiohttp.ClientSession() as session:
        got, answer, headers = await post(session, f"{proxy.base_url}/chat/completions", body)
    assert (got, answer["error"]["param"]) == (status, param)
    assert headers["x-request-id"].startswith("req_")


@pytest.mark.anyio
async def test_the_official_client_raises_its_own_classes(proxy: Served) -> None:
    async with proxy.client() as client:
        with pytest.raises(openai.NotFoundError) as missing:
            await client.chat.completions.create(model="nope", messages=MESSAGES)
        assert (missing.value.code, missing.value.type) == ("model_not_found", "invalid_request_error")
        assert missing.value.request_id is not None
        with pytest.raises(openai.BadRequestError) as bad:
            await client.chat.completions.create(model="small", messages=[])
        assert bad.value.param == "messages"
