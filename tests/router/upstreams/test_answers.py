"""What is counted of a delta is what it says, whichever of its fields are there."""

import json

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from router.upstreams.answers import Delta, delta_bytes

values = st.none() | st.text(max_size=8)
fields = st.dictionaries(st.sampled_from(["content", "reasoning", "reasoning_content", "refusal"]), values)


@given(said=fields, calls=st.none() | st.lists(st.just({"index": 0}), max_size=2))
def test_a_delta_says_the_bytes_of_its_fields_without_their_quotes(said: dict[str, str | None], calls: object) -> None:
    told = {**said, "tool_calls": calls}
    delta = msgspec.json.decode(json.dumps(told).encode(), type=Delta)
    thoughts = said.get("reasoning") if said.get("reasoning_content") is None else said.get("reasoning_content")
    parts = [part for part in (said.get("content"), thoughts, said.get("refusal"), calls) if part is not None]
    assert delta_bytes(delta) == sum(len(json.dumps(part)) - 2 for part in parts)


def test_an_empty_delta_says_nothing() -> None:
    assert delta_bytes(Delta()) == 0
