from hypothesis import given
from hypothesis import strategies as st

from router.upstreams.sse import EventCutter, data_of, without_null_usage

EVENTS = [
    b'data: {"a": "\xf0\x9f\x8c\x8a"}\n\n',
    b": keep-alive\n\n",
    b"id: 1\nevent: x\ndata: one\ndata: two\n\n",
    b"data: crlf\r\n\r\n",
    b"data: [DONE]\n\n",
]


@given(st.lists(st.sampled_from(EVENTS), max_size=8), st.data())
def test_events_come_out_as_they_went_in_however_they_are_cut(events: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(events)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=12)))
    cutter, found = EventCutter(), list[bytes]()
    for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True):
        found += cutter.feed(whole[start:end])
    assert b"".join(found) + cutter.rest == whole
    assert found == events


def test_the_data_of_an_event_is_its_data_lines() -> None:
    assert [data_of(event) for event in EVENTS[1:4]] == [None, b"one\ntwo", b"crlf"]


def test_a_null_usage_is_taken_out_and_nothing_else() -> None:
    assert without_null_usage(b'data: {"choices": [], "usage": null}\n\n') == b'data: {"choices": []}\n\n'
    assert without_null_usage(b'data: {"x": 1}\n\n') == b'data: {"x": 1}\n\n'
