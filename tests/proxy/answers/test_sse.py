"""The block spliced into a relayed stream: one chunk is held, all others pass byte for byte."""

import json
from collections.abc import AsyncIterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proxy.answers.sse import DONE, Splice, comment, event, in_usage, with_block
from router.upstreams.sse import events_of

pytestmark = pytest.mark.anyio


def chunk(text: str | None, finish_reason: str | None = None, index: int = 0) -> bytes:
    delta = {} if text is None else {"content": text}
    return (
        b"data: "
        + json.dumps({"choices": [{"index": index, "delta": delta, "finish_reason": finish_reason}]}).encode()
        + b"\n\n"
    )


async def spliced(*pieces: bytes) -> list[bytes]:
    async def events() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    return list(events_of(b"".join([piece async for piece in with_block(events(), told)])))


def told() -> tuple[dict[str, None], dict[str, str]]:
    return {"score": None}, {"run_id": "r"}


async def test_only_the_last_finish_chunk_changes() -> None:
    odd = b'id: 7\nevent: x\ndata:  {"choices": []}\n\n'
    pieces = (b": hi\n\n", chunk("a"), odd, chunk(None, "stop"), chunk("b", None, 1), chunk(None, "stop", 1), DONE)
    got = await spliced(*pieces)
    assert got[:5] == list(pieces[:5])
    last = json.loads(got[5][6:])["choices"][0]
    assert last["delta"] == {"requirements_result": {"score": None}, "maestro": {"run_id": "r"}}
    assert (last["index"], last["finish_reason"]) == (1, "stop")
    assert got[6] == DONE


EVENTS = (
    b": hi\n\n",
    chunk("a"),
    chunk("b", None, 1),
    chunk(None, "stop"),
    chunk(None, "stop", 1),
    event({"choices": [], "usage": {"prompt_tokens": 1}}),
    event({"choices": [{"index": 0, "delta": {"content": '"usage"'}, "finish_reason": None}], "usage": None}),
    b'data: {"choices": []}\r\n\r\n',
    DONE,
)


@given(st.lists(st.tuples(st.sampled_from(EVENTS), st.booleans()), max_size=12))
@example([(EVENTS[-2], False), (chunk(None, "stop"), False)])  # line ends of two kinds in one block
def test_how_events_come_together_changes_nothing_that_is_said(drawn: list[tuple[bytes, bool]]) -> None:
    blocks = [b""]
    for piece, ends in drawn:
        blocks[-1] += piece
        blocks += [b""] if ends else []
    singly, together = Splice(told), Splice(told)
    wanted = b"".join([singly.pass_on(piece) for piece, _ in drawn]) + singly.end()
    assert b"".join([together.pass_on(block) for block in blocks if block]) + together.end() == wanted


async def test_usage_carries_the_block_too() -> None:
    usage = event({"choices": [], "usage": {"prompt_tokens": 1, "x": 1}})
    got = await spliced(chunk("a"), chunk(None, "stop"), usage, DONE)
    assert json.loads(got[2][6:])["usage"] == {
        "prompt_tokens": 1,
        "x": 1,
        "requirements_result": {"score": None},
        "maestro": {"run_id": "r"},
    }
    assert in_usage(event({"usage": None}), {}, {}) == event({"usage": None})


async def test_a_stream_that_ends_without_done_still_gets_its_block() -> None:
    got = await spliced(chunk("a"), chunk(None, "length"))
    assert b"run_id" in got[-1]


def test_a_comment_cannot_end_its_line() -> None:
    assert comment("a\r\ndata: x\n\n") == b": a data: x\n\n"
