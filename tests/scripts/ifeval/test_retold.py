"""An answer told again as a stream: whole it costs what it cost, left early what was read of it."""

import json
from typing import Any, cast

import pytest

from action_model.prices import Price, Usage
from router.upstreams.transport import Request, Tries
from router.upstreams.upstream import Call, Model, Purse, Reply
from scripts.ifeval.retold import RetoldStream

pytestmark = pytest.mark.anyio
TEXT = "one two three four five six seven eight"
MODEL = Model("a", "small", "small", Price(1.0, 2.0))


def stream() -> RetoldStream:
    told: dict[str, Any] = {"choices": [{"message": {"content": TEXT}, "finish_reason": "length"}]}
    told["usage"] = {"prompt_tokens": 5, "completion_tokens": 8, "total_tokens": 13}
    reply = Reply(200, {}, json.dumps(told).encode(), MODEL, Usage(5, 8), 1.0)
    call = Call(MODEL, "/chat/completions", b"{}", cast(Purse, None), Usage(5, 8), stream=True)
    return RetoldStream(reply, Request(call, MODEL, b"{}", Tries(1), hides_usage=True))


async def test_a_whole_stream_says_the_text_and_costs_what_the_answer_cost() -> None:
    whole = stream()
    chunks = [json.loads(event[6:]) async for event in whole.events() if event.startswith(b"data: {")]
    said = "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks)
    assert said == TEXT
    assert chunks[-1]["choices"][0]["finish_reason"] == "length"
    assert whole.usage == Usage(5, 8) and whole.progress.is_finished


async def test_a_stream_that_is_left_has_cost_the_input_and_the_pieces_that_came() -> None:
    left, seen = stream(), 0
    async for _ in left.events():
        seen += 1
        if seen == 4:
            break
    assert left.usage.input_tokens == 5 and 0 < left.usage.output_tokens < 8
