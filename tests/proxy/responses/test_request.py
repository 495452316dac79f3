"""From a request of `/v1/responses` to a chat request."""

import json
from typing import Any

import msgspec
import pytest

from proxy.responses.request import chat_fields, messages_of
from router.errors import BadRequest


def translate(body: dict[str, Any]) -> dict[str, Any]:
    fields = msgspec.json.decode(json.dumps(body).encode(), type=dict[str, msgspec.Raw])
    return {name: json.loads(bytes(raw)) for name, raw in chat_fields(fields).items()}


def test_a_plain_request() -> None:
    assert translate({"model": "m", "input": "hi", "instructions": "Be kind.", "temperature": 0.5, "stream": True}) == {
        "model": "m",
        "stream": True,
        "temperature": 0.5,
        "messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "hi"}],
    }


def test_options_change_their_names_and_unknown_ones_stay() -> None:
    schema = {"type": "object"}
    chat = translate(
        {
            "model": "m",
            "input": "x",
            "max_output_tokens": 9,
            "reasoning": {"effort": "low"},
            "text": {
                "format": {"type": "json_schema", "name": "n", "schema": schema, "strict": True},
                "verbosity": "low",
            },
            "tools": [{"type": "function", "name": "f", "parameters": schema, "strict": True, "description": None}],
            "tool_choice": {"type": "function", "name": "f"},
            "include": ["message.output_text.logprobs"],
            "top_logprobs": 2,
            "truncation": "auto",
            "requirements": ["r"],
            "unknown": [1],
        }
    )
    assert chat.pop("messages") == [{"role": "user", "content": "x"}]
    assert chat == {
        "model": "m",
        "max_completion_tokens": 9,
        "reasoning_effort": "low",
        "verbosity": "low",
        "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": schema, "strict": True}},
        "tools": [{"type": "function", "function": {"name": "f", "parameters": schema, "strict": True}}],
        "tool_choice": {"type": "function", "function": {"name": "f"}},
        "logprobs": True,
        "top_logprobs": 2,
        "requirements": ["r"],
        "unknown": [1],
    }


def test_a_conversation_with_calls() -> None:
    items = [
        {
            "role": "user",
            "content": [{"type": "input_text", "text": "look"}, {"type": "input_image", "image_url": "u"}],
        },
        {"type": "reasoning", "id": "r", "summary": []},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "calling"}]},
        {"type": "function_call", "call_id": "1", "name": "f", "arguments": "{}"},
        {"type": "custom_tool_call", "call_id": "2", "name": "g", "input": "i"},
        {"type": "function_call_output", "call_id": "1", "output": "one"},
        {"type": "custom_tool_call_output", "call_id": "2", "output": [{"type": "input_text", "text": "two"}]},
    ]
    assert messages_of(None, items) == [
        {
            "role": "user",
            "content": [{"type": "text", "text": "look"}, {"type": "image_url", "image_url": {"url": "u"}}],
        },
        {
            "role": "assistant",
            "content": "calling",
            "tool_calls": [
                {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}},
                {"id": "2", "type": "custom", "custom": {"name": "g", "input": "i"}},
            ],
        },
        {"role": "tool", "tool_call_id": "1", "content": "one"},
        {"role": "tool", "tool_call_id": "2", "content": "two"},
    ]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "input"),
        ({"input": []}, "input"),
        ({"input": [3]}, "input[0]"),
        ({"input": [{"type": "computer_call"}]}, "input[0].type"),
        ({"input": [{"content": "x"}]}, "input[0].role"),
        ({"input": [{"role": "user", "content": 3}]}, "input[0].content"),
        ({"input": [{"role": "user", "content": [{"type": "odd"}]}]}, "input[0].content[0].type"),
        ({"input": "x", "instructions": ["x"]}, "instructions"),
        ({"input": "x", "previous_response_id": "resp_1"}, "previous_response_id"),
        ({"input": "x", "conversation": "c"}, "conversation"),
        ({"input": "x", "background": True}, "background"),
        ({"input": "x", "tools": [{"type": "code_interpreter"}]}, "tools[0].type"),
        ({"input": "x", "tools": {}, "text": "x"}, "text"),
        ({"input": "x", "tool_choice": {"type": "code_interpreter"}}, "tool_choice.type"),
        ({"input": "x", "tool_choice": {"type": ["function"]}}, "tool_choice.type"),
        ({"input": "x", "tools": [{"type": {}}]}, "tools[0].type"),
        ({"input": "x", "tools": [{"name": "f"}]}, "tools[0].type"),
        ({"input": [{"type": []}]}, "input[0].type"),
        ({"input": [{"role": "user", "content": [{"type": "input_text", "text": 3}]}]}, "input[0].content[0].text"),
    ],
)
def test_what_chat_cannot_say_is_refused_by_name(body: dict[str, Any], param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        translate({"model": "m", **body})
    assert caught.value.param == param
