"""What is read from a request before any call."""

import json
import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.facts import CLIP_CHARACTERS, choice_count, facts_of, slim_facts
from router.language import COMMON, LOOKED_AT, SPOKEN, language_of
from router.task import Payload, Requirement, Task


def task(*requirements: Requirement, **fields: Any) -> Task:
    raw = {name: msgspec.Raw(json.dumps(value).encode()) for name, value in fields.items()}
    return Task("maestro", Payload(raw), requirements)


def message(role: str, content: Any) -> dict[str, Any]:
    return {"role": role, "content": content}


def test_the_text_is_the_system_message_and_the_last_question_clipped() -> None:
    messages = [
        message("system", "Be kind."),
        message("user", "old"),
        message("assistant", "a"),
        message("user", "new"),
    ]
    facts = facts_of(task(messages=messages), ())
    assert facts.text == "Be kind.\nnew"
    assert facts.turn_count == 2
    assert len(facts_of(task(messages=[message("user", "x" * 99_999)]), ()).text) <= CLIP_CHARACTERS


def test_needs_are_seen_in_tools_parts_and_formats() -> None:
    image = [{"type": "text", "text": "what?"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}]
    audio = [{"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}}]
    schema = {"type": "json_schema", "json_schema": {"name": "x", "schema": {}}}
    assert facts_of(task(messages=[message("user", image)]), ()).needs == {"images"}
    assert facts_of(task(messages=[message("user", audio)]), ()).needs == {"audio"}
    made = facts_of(task(messages=[], tools=[{"type": "function"}], response_format=schema, logprobs=True), ())
    assert made.needs == {"tools", "json_schema", "logprobs"}
    assert made.tool_count == 1
    assert facts_of(task(messages=[message("user", 'say "type": "image_url"')]), ()).needs == frozenset()


def test_requirements_are_counted_by_kind() -> None:
    facts = facts_of(task(Requirement("a", "x", is_mandatory=True), Requirement("b", "y")), ("max_words", "judge"))
    assert (facts.requirement_kinds, facts.mandatory_count) == (("max_words", "judge"), 1)


@pytest.mark.parametrize(
    ("limit", "expected"), [(50, 50), (0, None), (-1, None), (True, None), ("50", None), (1.5, None), (None, None)]
)
def test_only_a_true_limit_limits(limit: Any, expected: int | None) -> None:
    assert slim_facts(task(messages=[], max_tokens=limit)).max_output_tokens == expected


def test_the_newer_name_of_the_limit_is_stronger() -> None:
    assert slim_facts(task(max_tokens=9, max_completion_tokens=5)).max_output_tokens == 5


@pytest.mark.parametrize(("n", "expected"), [(3, 3), (None, 1), (0, 1), (True, 1), ("2", 1)])
def test_choices(n: Any, expected: int) -> None:
    assert choice_count(task(n=n)) == expected


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["role", "content", "type"]), inner),
    max_leaves=8,
)


@given(json_values, json_values)
def test_no_body_makes_it_raise(messages: Any, tools: Any) -> None:
    facts = facts_of(task(messages=messages, tools=tools, n=tools, max_tokens=messages), ())
    assert facts.input_tokens > 0


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("What is the capital of France?", "en"),
        ("Wie weit ist es von hier und was kostet die Fahrt mit der Bahn?", "de"),
        ("Quelle est la distance entre les deux villes, et comment y aller avec le train ?", "fr"),
        ("¿Cómo se dice esto en la lengua de los padres y por qué no es igual?", "es"),
        ("法国的首都是什么？", "zh"),
        ("フランスの首都はどこですか", "ja"),
        ("Какая столица Франции?", "ru"),
        ("", "en"),
        ("def f(x): return x + 1", "en"),
    ],
)
def test_languages(text: str, language: str) -> None:
    assert language_of(text) == language


@given(words=st.lists(st.sampled_from([*sorted(SPOKEN), "Cicero", "17", "die-the", "日"]), max_size=60))
def test_a_language_is_the_one_most_words_are_common_in(words: list[str]) -> None:
    text = " ".join(words)
    seen = re.findall(r"[^\W\d_]+", text[:LOOKED_AT].lower())
    hits = {language: sum(word in common for word in seen) for language, common in COMMON.items()}
    best = max(hits, key=lambda language: hits[language])
    plain = best if hits[best] > max(1, hits["en"]) else "en"
    assert language_of(text) == (plain if text[:LOOKED_AT].isascii() or "日" not in text[:LOOKED_AT] else "zh")
