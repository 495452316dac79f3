"""Conversations are recognised, pins expire, and a cache is worth what it saves."""

import hashlib
import json
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from action_model.actions import Action, Offer, Portfolio
from action_model.facts import Facts
from action_model.prices import Price
from action_model.prior import PriorEstimator
from router.conversation import conversation_of
from router.pins import CACHE_SECONDS, PIN_SECONDS, WAYS, Pin, Pins, cache_saving_usd, with_saving
from router.task import Payload, Task
from router.upstreams.upstream import Model

MODEL = Model("a", "m", "m", Price(1.0, 2.0, cached_input_usd_per_mtok=0.1))


def task(messages: list[dict[str, Any]]) -> Task:
    return Task("maestro", Payload({"messages": msgspec.Raw(json.dumps(messages).encode())}))


def said(role: str, content: Any = "x", **more: Any) -> dict[str, Any]:
    return {"role": role, "content": content, **more}


texts = st.lists(st.text(max_size=5), min_size=1, max_size=4)


@given(texts, texts)
def test_a_later_request_knows_the_earlier_one(before: list[str], after: list[str]) -> None:
    first = [said("user", text) for text in before]
    then = [*first, said("assistant", "answer"), *(said("user", text) for text in after)]
    assert conversation_of(task(first)).whole in conversation_of(task(then)).earlier


@given(texts)
def test_a_changed_beginning_is_another_conversation(before: list[str]) -> None:
    first = [said("user", text) for text in before]
    then = [said("system", "new"), *first, said("assistant", "answer"), said("user")]
    assert conversation_of(task(first)).whole not in conversation_of(task(then)).earlier


@given(st.lists(st.tuples(st.sampled_from(["user", "assistant", "tool"]), st.text(max_size=3)), max_size=20))
def test_a_conversation_is_named_by_its_messages_byte_for_byte(talk: list[tuple[str, str]]) -> None:
    messages = [said(role, text) for role, text in talk]
    raw = [json.dumps(message).encode() + b"\0" for message in messages]
    names = [hashlib.sha256(b"".join(raw[:count])).digest()[:16] for count in range(len(raw) + 1)]
    spoken = [name for name, message in zip(names, messages, strict=False) if message["role"] == "assistant"]
    found = conversation_of(task(messages))
    assert (found.whole, found.earlier) == (names[-1], tuple(spoken[::-1][:8]))


def test_tool_loops_and_signed_reasoning_bind() -> None:
    call = said("assistant", None, tool_calls=[{"id": "1"}])
    assert conversation_of(task([said("user"), call, said("tool", "sunny", tool_call_id="1")])).is_bound
    signed = said("assistant", [{"type": "thinking", "thinking": "...", "signature": "EqQB"}])
    assert conversation_of(task([said("user"), signed, said("user")])).is_bound
    assert not conversation_of(task([said("user"), said("assistant"), said("user")])).is_bound
    assert not conversation_of(task([said("user")])).is_bound


def test_a_body_without_messages_is_no_conversation() -> None:
    assert conversation_of(Task("maestro", Payload({"messages": msgspec.Raw(b'"text"')}))).earlier == ()


def test_pins_are_kept_per_key_and_forgotten_in_time() -> None:
    now = [0.0]
    pins = Pins(lambda: now[0])
    first, then = [said("user")], [said("user"), said("assistant"), said("user")]
    pins.keep("k1", conversation_of(task(first)), Pin("a/m", 0.0, 2000))
    found = pins.find("k1", conversation_of(task(then)))
    assert found is not None
    assert found.model == "a/m"
    assert pins.find("k2", conversation_of(task(then))) is None
    now[0] = PIN_SECONDS - 1.0
    assert pins.find("k1", conversation_of(task(then))) is not None
    now[0] = PIN_SECONDS
    assert pins.find("k1", conversation_of(task(then))) is None


def test_a_full_table_forgets_the_oldest_and_takes_no_more_room() -> None:
    pins, count = Pins(lambda: 100.0, buckets=1), WAYS + 3
    room = len(pins._table)
    talks = [[said("user", str(number))] for number in range(count)]
    for number, talk in enumerate(talks):
        pins.keep("k", conversation_of(task(talk)), Pin(f"a/{number}", float(number), 10**12, "careful"))
    later = [[*talk, said("assistant"), said("user")] for talk in talks]
    found = [pins.find("k", conversation_of(task(talk))) for talk in later]
    assert found[:3] == [None] * 3
    assert [(pin.model, pin.variant) for pin in found[3:] if pin] == [(f"a/{n}", "careful") for n in range(3, count)]
    assert len(pins._table) == room


def test_a_conversation_kept_again_is_with_its_latest_model() -> None:
    pins, talk = Pins(lambda: 2.0, buckets=1), [said("user")]
    for number in range(2):
        pins.keep("k", conversation_of(task(talk)), Pin(f"a/{number}", float(number), 5))
    found = pins.find("k", conversation_of(task([*talk, said("assistant"), said("user")])))
    assert found == Pin("a/1", 1.0, 5)


def test_a_warm_cache_saves_the_difference_and_a_cold_one_nothing() -> None:
    pin = Pin("a/m", 100.0, 10_000)
    assert cache_saving_usd(pin, MODEL, 101.0) == 0.9 * 10_000 / 1e6
    assert cache_saving_usd(pin, MODEL, 101.0 + CACHE_SECONDS) == 0.0
    assert cache_saving_usd(Pin("b/m", 100.0, 10_000), MODEL, 101.0) == 0.0
    assert cache_saving_usd(Pin("a/m", 100.0, 500), MODEL, 101.0) == 0.0


def test_the_saving_makes_only_that_model_cheaper_and_never_the_hold() -> None:
    actions = [Action("a/m"), Action("b/m")]
    portfolio = Portfolio(tuple(Offer(action, Price(1.0, 2.0)) for action in actions))
    belief = PriorEstimator().believe(Facts("x", 10_000), portfolio)
    cheaper = with_saving(belief, MODEL, 0.005)
    assert cheaper.estimates[0].usd < belief.estimates[0].usd
    assert cheaper.estimates[0].usd_high == belief.estimates[0].usd_high
    assert cheaper.estimates[1] == belief.estimates[1]
