"""A completion replayed as a stream says the same."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletionChunk

from proxy.answers.replay import pieces, replay

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
calls = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.text("abc", min_size=1),
            "type": st.just("function"),
            "function": st.fixed_dictionaries({"name": st.text("f", min_size=1), "arguments": texts}),
        }
    ),
    max_size=3,
)


def completion(*messages: dict[str, Any], **more: Any) -> bytes:
    choices = [
        {"index": index, "message": {"role": "assistant", **message}, "finish_reason": "stop", **more}
        for index, message in enumerate(messages)
    ]
    return json.dumps({"id": "c", "created": 1, "model": "m", "choices": choices}).encode()


def joined(chunks: list[dict[str, Any]], index: int, field: str) -> str:
    choices = [choice for chunk in chunks for choice in chunk["choices"] if choice["index"] == index]
    return "".join(choice["delta"].get(field) or "" for choice in choices)


@given(texts)
def test_pieces_make_up_the_text(text: str) -> None:
    assert "".join(pieces(text)) == text
    assert all(len(piece) <= 64 for piece in pieces(text))


@given(st.lists(texts, min_size=1, max_size=3), texts, calls)
def test_nothing_is_lost(contents: list[str], refusal: str, tool_calls: list[dict[str, Any]]) -> None:
    messages = [{"content": content, "refusal": refusal, "tool_calls": tool_calls} for content in contents]
    chunks = list(replay(completion(*messages), {"maestro": 1}, {"prompt_tokens": 1}))
    for index, content in enumerate(contents):
        assert joined(chunks, index, "content") == content
        assert joined(chunks, index, "refusal") == refusal
        for number, call in enumerate(tool_calls):
            deltas = [
                delta
                for chunk in chunks
                for choice in chunk["choices"]
                if choice["index"] == index
                for delta in choice["delta"].get("tool_calls", ())
                if delta["index"] == number
            ]
            assert deltas[0]["id"] == call["id"]
            assert deltas[0]["function"]["name"] == call["function"]["name"]
            assert "".join(d["function"].get("arguments", "") for d in deltas) == call["function"]["arguments"]
    for chunk in chunks[:-1]:
        ChatCompletionChunk.model_validate_json(json.dumps(chunk), strict=True)
        assert chunk["id"] == "c"
        assert chunk["usage"] is None
    assert chunks[-1]["choices"] == []
    assert chunks[-2]["choices"][0]["delta"] == {"maestro": 1}
    assert chunks[-2]["choices"][0]["finish_reason"] == "stop"


def test_the_role_comes_first_and_rare_fields_stay() -> None:
    first, *_ = replay(completion({"content": "hi", "reasoning_content": "hm", "annotations": [1], "audio": None}))
    delta = first["choices"][0]["delta"]
    assert delta == {"role": "assistant", "content": "", "reasoning_content": "hm", "annotations": [1]}


def test_log_probabilities_go_with_their_tokens() -> None:
    tokens = [{"token": "he", "logprob": -1.0}, {"token": "y you", "logprob": -2.0}]
    chunks = list(replay(completion({"content": "hey you"}, logprobs={"content": tokens})))
    said = [(c["choices"][0]["delta"].get("content"), c["choices"][0]["logprobs"]) for c in chunks[1:-1]]
    assert [text for text, _ in said] == ["he", "y you"]
    assert [logprobs["content"] for _, logprobs in said] == [[tokens[0]], [tokens[1]]]
    other = list(replay(completion({"content": "other"}, logprobs={"content": tokens})))
    assert other[-1]["choices"][0]["logprobs"] == {"content": tokens}
