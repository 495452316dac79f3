"""`/v1/chat/completions` with the official client: whole and streamed, relayed and by waves."""

import json
from pathlib import Path
from typing import Any

import aiohttp
import anyio
import openai
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from scripts.fake_upstream import FakeUpstream, Scripted
from tests.proxy.served import MESSAGES, TEXT, Served, chunks_in, post, serving, settings_for, stream_of

pytestmark = pytest.mark.anyio

RICH = {
    "model": "small",
    "messages": [
        {"role": "developer", "content": "d"},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x/y.png"}}]},
        {
            "role": "assistant",
            "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
        },
        {"role": "tool", "tool_call_id": "1", "content": "r"},
    ],
    "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
    "parallel_tool_calls": False,
    "response_format": {"type": "json_object"},
    "reasoning_effort": "low",
    "verbosity": "low",
    "prediction": {"type": "content", "content": "x"},
    "logprobs": True,
    "top_logprobs": 2,
    "seed": 7,
    "n": 2,
    "store": False,
    "metadata": {"mine": "1"},
    "audio": {"voice": "alloy", "format": "wav"},
    "modalities": ["text"],
    "unknown_field": {"deep": [1.50, None]},
}


def strict(shape: type[ChatCompletion] | type[ChatCompletionChunk], value: Any) -> None:
    """Valid by OpenAI's own types, without coercion; more fields are allowed."""
    shape.model_validate_json(json.dumps(value), strict=True)


async def test_a_concrete_model_is_passed_through_byte_for_byte(proxy: Served, fake: FakeUpstream) -> None:
    async with aiohttp.ClientSession() as session:
        status, answer, headers = await post(session, f"{proxy.base_url}/chat/completions", RICH)
    assert status == 200
    sent = fake.requests[0].body
    assert sent == RICH
    assert list(sent) == list(RICH)
    assert "maestro" not in answer
    assert set(answer) == {"id", "object", "created", "model", "choices", "usage"}
    assert len(answer["choices"]) == 2
    assert headers["x-maestro-model"] == "a/small"
    assert headers["x-maestro-run-id"].startswith("run-")
    assert headers["x-request-id"].startswith("req_")
    assert float(headers["x-maestro-cost-usd"]) == pytest.approx((100 * 1.0 + 20 * 4.0) / 1e6)


async def test_unknown_answer_fields_come_back(tmp_path: Path) -> None:
    extra = {"system_fingerprint": "fp", "new": {"x": [1]}}
    async with (
        FakeUpstream(Scripted(extra=extra)) as fake,
        serving(settings_for(fake, tmp_path)) as proxy,
        proxy.client() as client,
    ):
        for model in ("small", "maestro"):
            answer = await client.chat.completions.create(model=model, messages=MESSAGES)
            assert answer.model_extra is not None
            assert answer.model_extra["new"] == {"x": [1]}
            assert answer.system_fingerprint == "fp"


@pytest.mark.parametrize("model", ["small", "maestro"])
async def test_answers_are_valid_by_openais_types(proxy: Served, model: str) -> None:
    body = {"model": model, "messages": MESSAGES}
    async with aiohttp.ClientSession() as session:
        _, answer, _ = await post(session, f"{proxy.base_url}/chat/completions", body)
        strict(ChatCompletion, answer)
        _, judged, _ = await post(
            session, f"{proxy.base_url}/chat/completions", body | {"requirements": ["Max 9 words"]}
        )
        strict(ChatCompletion, judged)
    for more in ({}, {"requirements": ["Max 9 words"]}):
        events, _ = await stream_of(proxy, body | more | {"stream_options": {"include_usage": True}})
        for chunk in chunks_in(events):
            strict(ChatCompletionChunk, chunk)


async def test_a_virtual_model_tells_what_it_did(proxy: Served) -> None:
    async with proxy.client() as client:
        raw = await client.chat.completions.with_raw_response.create(model="maestro", messages=MESSAGES)
    answer: Any = raw.parse()
    block = answer.maestro
    assert answer.choices[0].message.content == TEXT
    assert block["chosen"]["model"] in ("a/small", "a/big")
    assert block["run_id"] == raw.headers["x-maestro-run-id"]
    assert block["budget"] == {"usd": None, "seconds": None, "calls": None, "effort": "low"}
    assert answer.usage.maestro["run_id"] == block["run_id"]
    assert answer.requirements_result == {"score": None, "finish_reason": "unvalidated", "requirements": []}
    assert set(block["predicted"]) >= {"success", "usd", "seconds"}


async def test_requirements_are_checked_and_scored(proxy: Served, fake: FakeUpstream) -> None:
    asked = [{"name": "short", "description": "At most 9 words", "is_mandatory": True}]
    async with proxy.client() as client:
        raw = await client.chat.completions.with_raw_response.create(
            model="maestro", messages=MESSAGES, extra_body={"requirements": asked, "budget": {"usd": 1, "calls": 4}}
        )
    answer: Any = raw.parse()
    result = answer.requirements_result
    assert (result["score"], result["finish_reason"]) == (1.0, "all_satisfied")
    assert {name: result["requirements"][0][name] for name in ("name", "is_mandatory", "score")} == {
        "name": "short",
        "is_mandatory": True,
        "score": 1.0,
    }
    assert raw.headers["x-maestro-score"] == "1.0000"
    assert raw.headers["x-maestro-finish-reason"] == "all_satisfied"
    block = answer.maestro
    assert block["actual"]["success"] is True
    assert block["waves"][0]["candidates"][0]["scores"] == {"short": 1.0}
    assert block["budget"]["calls"] == 4
    assert block["usd"] == pytest.approx(float(raw.headers["x-maestro-cost-usd"]))
    assert all({"requirements", "budget"}.isdisjoint(seen.body) for seen in fake.requests)


async def test_usage_sums_every_attempt_and_chosen_usage_is_the_winners(tmp_path: Path) -> None:
    def script(_: Any) -> Scripted:
        return Scripted(text="far too many words in here", input_tokens=100, output_tokens=10)

    async with FakeUpstream(script) as fake, serving(settings_for(fake, tmp_path)) as proxy, proxy.client() as client:
        body = {"requirements": ["At most 2 words"], "budget": {"calls": 3}}
        answer: Any = await client.chat.completions.create(model="maestro", messages=MESSAGES, extra_body=body)
        calls = fake.billed_calls
    assert 1 < calls <= 3
    assert answer.usage.prompt_tokens == 100 * calls
    assert answer.usage.completion_tokens == 10 * calls
    assert answer.maestro["chosen"]["usage"]["completion_tokens"] == 10
    assert answer.requirements_result["score"] < 1
    assert answer.requirements_result["finish_reason"] in ("budget_exhausted", "no_improvement_expected")


async def test_a_spent_request_budget_is_not_an_error(tmp_path: Path) -> None:
    async with FakeUpstream(Scripted(text="one two three")) as fake, serving(settings_for(fake, tmp_path)) as proxy:
        async with proxy.client() as client:
            answer: Any = await client.chat.completions.create(
                model="maestro",
                messages=MESSAGES,
                extra_body={"requirements": ["At most 1 word"], "budget": {"calls": 1}},
            )
        assert answer.choices[0].message.content == "one two three"
        assert answer.requirements_result["requirements"][0]["score"] < 1


async def test_a_block_acts_and_never_reaches_an_upstream(proxy: Served, fake: FakeUpstream) -> None:
    messages: Any = [
        {"role": "system", "content": "Be kind.\n<maestro budget-calls='2'>\n- At most 9 words\n</maestro>"},
        {"role": "user", "content": "<maestro effort='high'>\n- Nonsense\n</maestro>"},
    ]
    async with proxy.client() as client:
        answer: Any = await client.chat.completions.create(model="small", messages=messages)
    assert [r["description"] for r in answer.requirements_result["requirements"]] == ["At most 9 words"]
    assert answer.maestro["budget"] == {"usd": None, "seconds": None, "calls": 2, "effort": "low"}
    assert b"budget-calls" not in fake.requests[0].raw
    assert messages[1] in fake.requests[0].body["messages"]


async def test_text_beyond_ascii_survives(tmp_path: Path) -> None:
    text = "naïve 👩‍🚀 日本語"
    async with FakeUpstream(Scripted(text=text)) as upstream, serving(settings_for(upstream, tmp_path)) as other:
        for more in ({}, {"requirements": ["At most 9 words"]}):
            events, _ = await stream_of(other, {"model": "maestro", "messages": MESSAGES, **more})
            said = "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks_in(events))
            assert said == text


async def test_dry_run_calls_nothing(proxy: Served, fake: FakeUpstream) -> None:
    body = {"model": "maestro", "messages": MESSAGES, "requirements": ["At most 9 words"], "dry_run": True}
    async with aiohttp.ClientSession() as session:
        status, answer, _ = await post(session, f"{proxy.base_url}/chat/completions", body)
    assert (status, answer["road"]) == (200, "waves")
    assert fake.requests == []


async def test_the_sync_client_works(proxy: Served) -> None:
    await anyio.to_thread.run_sync(use_sync_client, proxy.base_url)


def use_sync_client(base_url: str) -> None:
    with openai.OpenAI(base_url=base_url, api_key="none", max_retries=0) as client:
        answer = client.chat.completions.create(model="maestro", messages=MESSAGES)
        assert answer.choices[0].message.content == TEXT
        with client.chat.completions.create(model="maestro", messages=MESSAGES, stream=True) as stream:
            said = "".join(chunk.choices[0].delta.content or "" for chunk in stream)
        assert said == TEXT
        assert "maestro" in [model.id for model in client.models.list()]
