"""Bytes that are passed on in one piece are read as they would be event by event."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from router.errors import UpstreamError
from router.upstreams.streams import StreamReader

CHAT = "/chat/completions"
PLAIN = b'data: {"id": "c", "choices": [{"index": 0, "delta": {"content": "w\xc3\xb6rd"}}]}\n\n'
EVENTS = (
    PLAIN,
    PLAIN,
    b'data: {"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": null}]}\n\n',
    b'data: {"choices": [{"index": 1, "delta": {"tool_calls": [{"index": 0}]}}], "usage": null}\n\n',
    b'data: {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}\n\n',
    b'data: {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}}\n\n',
    b'data: {"choices": [{"index": 0, "text": "legacy"}]}\n\n',
    b"data: [DONE]\n\n",
    b": keep-alive\n\n",
    b'event: x\ndata: {"choices": []}\n\n',
    b'data: {"choices": [{"index": 0, "delta": {"content": "crlf"}}]}\r\n\r\n',
    b'data: {"choices": [{"index": 0,\ndata: "delta": {"content": "two lines"}}]}\n\n',
    b'data: {"error": {"message": "no"}}\n\n',
    b"data: {broken\n\n",
    b"\n\n",
)


def read(pieces: list[bytes], hides_usage: bool, quickly: bool) -> object:
    """What is passed on, what was counted, and the failure, if any."""
    reader, passed, failure = StreamReader("a", CHAT, hides_usage), b"", None
    try:
        for piece in pieces:
            plain = reader.pass_on(piece) if quickly else 0
            passed += piece[:plain]
            for event in reader.feed(piece[plain:]):
                passed += event
        for event in reader.end():
            passed += event
    except UpstreamError as error:
        failure = str(error)
    return passed, reader.progress, reader.is_done, failure


@given(st.lists(st.sampled_from(EVENTS), max_size=8), st.booleans(), st.data())
def test_the_quick_way_and_the_careful_one_agree_however_a_stream_is_cut(
    events: list[bytes], hides_usage: bool, data: st.DataObject
) -> None:
    whole = b"".join(events)
    ends = {0, len(whole)}
    for event in events:
        ends.add(min(len(whole), max(ends - {len(whole)}, default=0) + len(event)))
    cuts = data.draw(st.sets(st.one_of(st.sampled_from(sorted(ends)), st.integers(0, len(whole))), max_size=8))
    pieces = [whole[start:end] for start, end in pairwise(sorted({0, len(whole), *cuts}))]
    assert read(pieces, hides_usage, True) == read(pieces, hides_usage, False)


def test_plain_chunks_of_one_read_go_on_in_one_piece() -> None:
    reader = StreamReader("a", CHAT, hides_usage=True)
    assert reader.pass_on(PLAIN * 3) == 3 * len(PLAIN)
    assert (reader.progress.content_events, reader.progress.content_bytes) == (3, 15)
    assert reader.pass_on(PLAIN[:-1]) == 0


def test_plain_chunks_before_others_are_read_once() -> None:
    reader = StreamReader("a", CHAT, hides_usage=True)
    assert reader.pass_on(PLAIN * 2 + EVENTS[5] + PLAIN) == 2 * len(PLAIN)
    assert reader.progress.content_events == 2
