"""Chunks put together give the completion they are pieces of."""

import json
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from router.deltas import Assembly, merge


def events(*chunks: dict[str, Any]) -> list[bytes]:
    return [b"data: " + msgspec.json.encode(chunk) + b"\n\n" for chunk in chunks] + [b"data: [DONE]\n\n"]


def chunk(delta: dict[str, Any], finish: str | None = None, index: int = 0, **more: Any) -> dict[str, Any]:
    return {"id": "c1", "object": "chat.completion.chunk", "model": "m", **more} | {
        "choices": [{"index": index, "delta": delta, "finish_reason": finish, "logprobs": None}]
    }


def whole(*chunks: dict[str, Any]) -> Any:
    assembly = Assembly()
    for event in events(*chunks):
        assembly.feed(event)
    return json.loads(assembly.completion())


@given(st.lists(st.text(max_size=8), max_size=12))
def test_text_is_joined_whatever_the_pieces(pieces: list[str]) -> None:
    assembly = Assembly()
    for event in events(chunk({"role": "assistant", "content": ""}), *(chunk({"content": piece}) for piece in pieces)):
        assembly.feed(event)
    assert assembly.text == "".join(pieces)
    made = json.loads(assembly.completion("length"))
    assert (made["choices"][0]["message"]["content"] or "") == "".join(pieces)
    assert made["choices"][0]["finish_reason"] == "length"


def test_tool_calls_are_joined_by_their_index_and_lose_it() -> None:
    def call(index: int, **function: str) -> dict[str, Any]:
        return {"tool_calls": [{"index": index, "function": function}]}

    first = {"tool_calls": [{"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": ""}}]}
    second = {
        "tool_calls": [{"index": 1, "id": "b", "type": "function", "function": {"name": "g", "arguments": '{"y'}}]
    }
    made = whole(
        chunk(first),
        chunk(call(0, arguments='{"x"')),
        chunk(second),
        chunk(call(0, arguments=": 1}")),
        chunk(call(1, arguments='": 2}')),
        chunk({}, "tool_calls"),
    )
    choice = made["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["tool_calls"] == [
        {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}},
        {"id": "b", "type": "function", "function": {"name": "g", "arguments": '{"y": 2}'}},
    ]


def test_a_repeated_id_or_role_is_not_doubled() -> None:
    again = {"role": "assistant", "tool_calls": [{"index": 0, "id": "a", "type": "function", "function": {}}]}
    message = whole(chunk(again), chunk(again))["choices"][0]["message"]
    assert (message["role"], message["tool_calls"][0]["id"]) == ("assistant", "a")


def test_unknown_fields_reasoning_logprobs_and_usage_are_kept() -> None:
    token = {"token": "hi", "logprob": -0.1}
    pieces = [chunk({"content": "hi", "reasoning_content": "so "}), chunk({"reasoning_content": "be it"}, "stop")]
    pieces[0]["choices"][0]["logprobs"] = {"content": [token]}
    pieces[1]["choices"][0]["logprobs"] = {"content": [token]}
    made = whole(*pieces, {"id": "c1", "choices": [], "usage": {"prompt_tokens": 3}, "citations": ["x"]})
    assert made["choices"][0]["message"]["reasoning_content"] == "so be it"
    assert made["choices"][0]["logprobs"] == {"content": [token, token]}
    assert made["usage"] == {"prompt_tokens": 3}
    assert made["citations"] == ["x"]
    assert made["object"] == "chat.completion"


def test_choices_are_kept_apart_and_the_first_is_the_text() -> None:
    made = whole(chunk({"content": "b"}, index=1), chunk({"content": "a"}), chunk({}, "stop"), chunk({}, "stop", 1))
    assert [choice["message"]["content"] for choice in made["choices"]] == ["a", "b"]


@given(st.dictionaries(st.text(max_size=3), st.none() | st.integers() | st.text(max_size=3)))
def test_merging_a_piece_into_nothing_is_the_piece(piece: dict[str, Any]) -> None:
    known: dict[str, Any] = {}
    merge(known, piece)
    assert known == piece


def test_comments_and_broken_bodies_add_nothing() -> None:
    assembly = Assembly()
    assert not assembly.feed(b": keep-alive\n\n")
    assert not assembly.feed(b"data: [1]\n\n")
    assert not assembly.has_output
