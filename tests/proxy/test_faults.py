"""Upstream faults: what the client sees, and that no upstream call is left running."""

import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from scripts.fake_answers import Behaviour
from scripts.fake_upstream import FakeUpstream, Scripted
from tests.proxy.served import MESSAGES, Served, post, serving, settings_for

pytestmark = pytest.mark.anyio
WORDS = {"requirements": ["At most 9 words"]}
ROADS = [
    pytest.param({"model": "small"}, id="relay"),
    pytest.param({"model": "maestro"}, id="virtual"),
    pytest.param({"model": "maestro", **WORDS}, id="waves"),
]


async def ask(proxy: Served, body: Any) -> tuple[int, bytes, dict[str, str]]:
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{proxy.base_url}/chat/completions", json={"messages": MESSAGES, **body}) as answer,
    ):
        return answer.status, await answer.read(), {name.lower(): value for name, value in answer.headers.items()}


def error_of(body: bytes) -> Any:
    return json.loads(body)["error"]


@pytest.mark.parametrize("body", ROADS)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(
    ("behaviour", "status", "code"),
    [
        ("busy", 429, None),
        ("error", 502, "upstream_failed"),
        ("rejected", 400, "context_length_exceeded"),
        ("unauthorized", 502, "upstream_unauthorized"),
        ("malformed", 502, "upstream_failed"),
        ("html", 502, "upstream_failed"),
        ("empty", 502, "upstream_failed"),
        ("wrong_type", 502, "upstream_failed"),
    ],
)
async def test_a_fault_before_the_first_byte_is_a_status(
    tmp_path: Path, behaviour: Behaviour, status: int, code: str | None, stream: bool, body: dict[str, Any]
) -> None:
    async with FakeUpstream(Scripted(behaviour=behaviour)) as fake, serving(settings_for(fake, tmp_path)) as proxy:
        got, raw, headers = await ask(proxy, body | {"stream": stream})
        assert (got, error_of(raw)["code"]) == (status, code), raw
        assert b"sk-secret" not in raw
        if behaviour == "busy":
            assert headers["retry-after"] == "1"
        assert fake.live == 0
        assert len(fake.requests) <= 16


@pytest.mark.parametrize("behaviour", ["cut", "truncated", "error_in_stream"])
@pytest.mark.parametrize("model", ["small", "maestro"])
async def test_a_stream_that_breaks_ends_with_an_error(tmp_path: Path, behaviour: Behaviour, model: str) -> None:
    text = "one two three four five six"
    async with FakeUpstream(Scripted(text, behaviour)) as fake, serving(settings_for(fake, tmp_path)) as proxy:
        got, raw, _ = await ask(proxy, {"model": model, "stream": True})
        assert got == 200
        events = raw.split(b"\n\n")[:-1]
        assert b"[DONE]" not in raw
        error = json.loads(events[-1].removeprefix(b"data: "))["error"]
        assert set(error) >= {"message", "type", "param", "code"}
        assert b'"finish_reason": "stop"' not in raw
        assert fake.live == 0


async def test_json_to_a_stream_is_an_error_or_an_answer(tmp_path: Path) -> None:
    async with (
        FakeUpstream(Scripted(behaviour="json_to_stream")) as fake,
        serving(settings_for(fake, tmp_path)) as proxy,
    ):
        got, raw, _ = await ask(proxy, {"model": "small", "stream": True})
        assert got == 502, raw


async def test_an_upstream_that_is_not_there(tmp_path: Path) -> None:
    async with FakeUpstream() as fake:
        settings = settings_for(fake, tmp_path)
    async with serving(settings) as proxy:
        for body in ({"model": "small"}, {"model": "maestro", **WORDS}, {"model": "small", "stream": True}):
            got, raw, _ = await ask(proxy, body)
            assert (got, error_of(raw)["code"]) == (502, "upstream_lost")


async def test_a_slow_upstream_is_a_timeout(tmp_path: Path) -> None:
    async with FakeUpstream(Scripted(behaviour="hang")) as fake, serving(settings_for(fake, tmp_path)) as proxy:
        got, raw, _ = await ask(proxy, {"model": "small", "budget": {"seconds": 0.3}})
        assert (got, error_of(raw)["code"]) == (504, "upstream_timeout")
        await fake.wait_until(lambda it: it.live == 0)


async def test_a_400_is_not_retried_and_a_500_is_bounded(tmp_path: Path) -> None:
    for behaviour, most in (("rejected", 1), ("error", 4)):
        async with FakeUpstream(Scripted(behaviour=behaviour)) as fake:  # type: ignore[arg-type]
            settings = settings_for(fake, tmp_path)
            retrying = settings.upstream[0].model_copy(update={"retries": 2})
            async with serving(settings.model_copy(update={"upstream": (retrying,)})) as proxy:
                await ask(proxy, {"model": "small"})
                assert 1 <= len(fake.requests) <= most


async def test_a_fallback_answers(tmp_path: Path) -> None:
    def script(body: Any) -> Scripted:
        return Scripted(text="from big") if body["model"] == "big" else Scripted(behaviour="malformed")

    async with FakeUpstream(script) as fake:
        settings = settings_for(fake, tmp_path)
        small, big = settings.upstream[0].model
        models = (small.model_copy(update={"fallbacks": ("a/big",)}), big)
        upstream = settings.upstream[0].model_copy(update={"model": models})
        async with serving(settings.model_copy(update={"upstream": (upstream,)})) as proxy:
            got, raw, headers = await ask(proxy, {"model": "small"})
            assert (got, headers["x-maestro-model"]) == (200, "a/big")
            assert json.loads(raw)["choices"][0]["message"]["content"] == "from big"


async def test_no_secret_of_an_upstream_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_KEY", "sk-very-secret")
    body = b'{"error": {"message": "bad key sk-very-secret", "type": "x", "param": null, "code": null}}'
    async with FakeUpstream(Scripted(body=body, status=400)) as fake:
        settings = settings_for(fake, tmp_path)
        upstream = settings.upstream[0].model_copy(update={"api_key_env": "A_KEY"})
        async with serving(settings.model_copy(update={"upstream": (upstream,)})) as proxy:
            got, raw, _ = await ask(proxy, {"model": "small"})
            assert got == 400
            assert b"sk-very-secret" not in raw
            assert fake.requests[0].headers["Authorization"] == "Bearer sk-very-secret"


async def test_embeddings_and_completions_fail_alike(tmp_path: Path) -> None:
    async with (
        FakeUpstream(Scripted(behaviour="unauthorized")) as fake,
        serving(settings_for(fake, tmp_path)) as proxy,
        aiohttp.ClientSession() as session,
    ):
        for path, field in (("embeddings", "input"), ("completions", "prompt")):
            got, answer, _ = await post(session, f"{proxy.base_url}/{path}", {"model": "small", field: "x"})
            assert (got, answer["error"]["code"]) == (502, "upstream_unauthorized")
