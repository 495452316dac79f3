"""The `<maestro>` block: grammar, and surgery on messages."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.control.block import peek_messages, take_blocks, take_from_text
from proxy.control.requirements import Size
from proxy.control.wishes import Wishes
from router.errors import BadRequest, TooLarge

BLOCK = (
    '<maestro effort="high" quality="0.9" budget-usd="0.02" budget-seconds=\'8\' budget-calls="3">\n- One\n</maestro>'
)


def take(messages: list[Any]) -> tuple[list[Any], Wishes]:
    raw = json.dumps(messages).encode()
    left, wishes = take_blocks(raw, peek_messages(raw), Size())
    return json.loads(left), wishes


def test_a_block_says_everything_and_is_taken_out() -> None:
    left, wishes = take(
        [{"role": "system", "content": f"Be nice.\n{BLOCK}\nBe brief."}, {"role": "user", "content": "hi"}]
    )
    assert left == [{"role": "system", "content": "Be nice.\nBe brief."}, {"role": "user", "content": "hi"}]
    assert (wishes.effort, wishes.quality, wishes.usd, wishes.seconds, wishes.calls) == ("high", 0.9, 0.02, 8.0, 3)
    assert [requirement.description for requirement in wishes.requirements] == ["One"]


def test_marks_set_the_requirement() -> None:
    text = (
        "<maestro>\n- [mandatory] [weight=2.5] [check_only] [name=tone] Be kind\n"
        "- [Your name] must be\n  filled in\n</maestro>"
    )
    _, said = take_from_text(text, "x", Size())
    first, second = said[0].requirements
    assert (first.name, first.description) == ("tone", "Be kind")
    assert (first.is_mandatory, first.weight, first.check_only) == (True, 2.5, True)
    assert second.description == "[Your name] must be filled in"


@pytest.mark.parametrize("role", ["user", "assistant", "tool", "function"])
def test_other_roles_cannot_steer(role: str) -> None:
    messages = [{"role": "system", "content": "s"}, {"role": role, "content": BLOCK}]
    assert take(messages) == (messages, Wishes())


def test_developer_messages_and_parts_are_read() -> None:
    part = {"type": "text", "text": f"Rules. {BLOCK}", "cache_control": {"type": "ephemeral"}}
    left, wishes = take([{"role": "developer", "content": [part, {"type": "text", "text": "More."}], "name": "dev"}])
    assert left == [
        {
            "role": "developer",
            "content": [part | {"text": "Rules."}, {"type": "text", "text": "More."}],
            "name": "dev",
        }
    ]
    assert wishes.effort == "high"


def test_a_message_that_was_only_a_block_is_left_out() -> None:
    left, _ = take([{"role": "system", "content": BLOCK}, {"role": "user", "content": "hi"}])
    assert left == [{"role": "user", "content": "hi"}]
    left, _ = take([{"role": "system", "content": BLOCK}])
    assert left == [{"role": "system", "content": ""}]


def test_escaped_and_upper_case_blocks_are_found() -> None:
    raw = rb'[{"role":"system","content":"a \u003cMAESTRO effort=\"low\"/\u003e b"}]'
    left, wishes = take_blocks(raw, peek_messages(raw), Size())
    assert json.loads(left)[0]["content"] == "a  b"
    assert wishes.effort == "low"


def test_a_later_block_is_stronger_and_requirements_add_up() -> None:
    text = '<maestro effort="low" budget-usd="1">\n- A\n</maestro><maestro effort="high">\n- B\n</maestro>'
    _, wishes = take([{"role": "system", "content": text}, {"role": "user", "content": "x"}])
    assert (wishes.effort, wishes.usd) == ("high", 1.0)
    assert {requirement.description for requirement in wishes.requirements} == {"A", "B"}


def test_other_messages_stay_byte_for_byte() -> None:
    user = b'{ "role" : "user",  "content":"\\u00e9 1.0e0 \\/", "x":1.50 }'
    raw = b'[{"role":"system","content":"<maestro/>s", "z": 1.00},' + user + b"]"
    left, _ = take_blocks(raw, peek_messages(raw), Size())
    assert user in left
    assert b'"z":1.00' in left


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<maestro effort='max'></maestro>", "low, medium, high"),
        ("<maestro budget-usd='-1'></maestro>", "budget-usd"),
        ("<maestro budget-usd='nan'></maestro>", "budget-usd"),
        ("<maestro budget-calls='1.5'></maestro>", "budget-calls"),
        ("<maestro quality='2'></maestro>", "quality"),
        ("<maestro colour='red'></maestro>", "colour"),
        ("<maestro effort=low></maestro>", "malformed"),
        ("<maestro>\nno dash\n</maestro>", "does not start"),
        ("<maestro>\n- [mandatory]\n</maestro>", "empty"),
        ("<maestro>\n- [weight=0] x\n</maestro>", "above 0"),
        ("<maestro effort='low'> - a", "no </maestro>"),
        ("<maestro effort='low", "not closed"),
    ],
)
def test_a_malformed_block_names_its_message(text: str, words: str) -> None:
    with pytest.raises(BadRequest, match=words) as caught:
        take([{"role": "user", "content": "x"}, {"role": "system", "content": text}])
    assert caught.value.param is not None
    assert caught.value.param.startswith("messages[1].content")


def test_sizes_are_bounded() -> None:
    many = "<maestro>\n" + "- x\n" * 40 + "</maestro>"
    long = "<maestro>\n- " + "x" * 5000 + "\n</maestro>"
    huge = "<maestro>" + " " * 70_000 + "</maestro>"
    for text in (many, long, huge):
        with pytest.raises(TooLarge):
            take([{"role": "system", "content": text}])


@pytest.mark.parametrize(
    ("messages", "param"),
    [
        ("[]", "messages"),
        ('"x"', "messages"),
        ('[{"content":"x"}]', "messages[0].role"),
        ('[{"role":"user"},{"role":3}]', "messages[1].role"),
        ("[3]", "messages[0]"),
    ],
)
def test_bad_messages_are_named(messages: str, param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        peek_messages(messages.encode())
    assert caught.value.param == param


plain = st.text(st.characters(exclude_categories=["Cs"]), max_size=80).filter(lambda t: "<maestro" not in t.lower())


@given(plain, plain)
def test_text_around_a_block_is_kept(before: str, after: str) -> None:
    left, said = take_from_text(f"{before}{BLOCK}{after}", "x", Size())
    assert len(said) == 1
    kept = before + after.removeprefix("\n")
    assert left in (kept, kept.rstrip())


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
def test_any_system_text_is_read_or_refused(text: str) -> None:
    raw = msgspec.json.encode([{"role": "system", "content": "<maestro " + text}, {"role": "user", "content": "x"}])
    try:
        left, _ = take_blocks(raw, peek_messages(raw), Size())
    except BadRequest:
        return
    assert json.loads(left)
