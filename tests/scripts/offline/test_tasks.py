"""Task files: our own lines, IFEval's, and questions with answers."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.settings import Settings
from router.checks.check import Answer
from scripts.offline.foreign import INSTRUCTIONS, native_line
from scripts.offline.references import judge_by, read_reference
from scripts.offline.tasks import OfflineTask, ReadOptions, TaskFileError, read_tasks, split_of

OPTIONS = ReadOptions(Settings(), {})


def read(tmp_path: Path, *rows: Any) -> list[OfflineTask]:
    path = tmp_path / "tasks.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return read_tasks(path, OPTIONS)


def test_a_native_line_is_a_chat_request_with_what_is_expected(tmp_path: Path) -> None:
    row = {
        "id": "a",
        "category": "sea",
        "split": "dev",
        "messages": [{"role": "user", "content": "Tell me of the sea."}],
        "requirements": ["At most 5 words"],
        "temperature": 0.3,
    }
    (task,) = read(tmp_path, row)
    assert (task.id, task.category, task.split) == ("a", "sea", "dev")
    assert task.task.payload.read("temperature") == 0.3
    assert task.task.payload.read("max_tokens") == OPTIONS.max_tokens
    assert task.subject.kinds == ("max_words",)
    assert "category" not in task.task.payload.fields


def test_an_instruction_line_brings_its_checks_and_keeps_them_from_the_prompt(tmp_path: Path) -> None:
    row = {
        "key": 7,
        "prompt": "Write of rain without commas, under 10 words.",
        "instruction_id_list": ["punctuation:no_comma", "length_constraints:number_words"],
        "kwargs": [{}, {"relation": "less than", "num_words": 10}],
    }
    (task,) = read(tmp_path, row)
    assert task.id == "7"
    assert all(requirement.check_only and requirement.is_mandatory for requirement in task.task.requirements)
    answer = Answer("Rain, rain and rain, rain again on every roof tonight")
    scores = [check.evaluate(answer).passed for compiled in task.subject.compiled for check in compiled.checks]
    assert scores == [False, False]


def test_every_family_of_instructions_is_known() -> None:
    assert len(INSTRUCTIONS) == 25


def test_a_question_with_choices_is_asked_with_letters(tmp_path: Path) -> None:
    row = {"question": "Which is a fruit?", "choices": ["iron", "apple"], "answer": "apple", "subject": "food"}
    (task,) = read(tmp_path, row)
    assert "B. apple" in task.text
    assert task.category == "food"
    assert task.reference is not None
    assert task.reference.answers == ("B",)


def test_a_worked_answer_is_read_at_its_mark() -> None:
    assert native_line({"question": "6 × 7?", "answer": "six times seven\n#### 42"})["reference"] == "42"


@pytest.mark.parametrize(
    ("reference", "match", "text", "holds"),
    [
        ("42", "auto", "So 6 × 7 = 42.", True),
        ("42", "auto", "42 is what some say, but it is 41", False),
        ("1,000", "auto", "Answer: 1000", True),
        ("B", "auto", "I would choose (B).", True),
        ("B", "auto", "A is right, not b", False),
        ("Paris", "auto", "The capital is Paris.", True),
        ("Paris", "exact", "The capital is Paris.", False),
        ("Paris", "exact", "Paris", True),
        ("Pari", "contains", "The capital is Paris.", False),
    ],
)
def test_references(reference: str, match: str, text: str, holds: bool) -> None:
    expected = read_reference(reference, match)
    assert expected is not None
    verdict = judge_by(expected, text)
    assert verdict.passed is holds
    assert holds or reference in text or reference not in verdict.reason


@pytest.mark.parametrize(
    ("row", "wrong"),
    [
        ([], "JSON object"),
        ({"prompt": "x"}, "neither 'requirements' nor 'reference'"),
        ({"reference": "1"}, "needs 'messages' or 'prompt'"),
        ({"prompt": "x", "requirements": [{"description": "y", "check": {"type": "nonsense"}}]}, "Unknown check type"),
        ({"prompt": "x", "reference": "1", "match": "nearly"}, "'match'"),
        ({"prompt": "x", "instruction_id_list": ["a:b"], "kwargs": [{}]}, "unknown instruction"),
        ({"question": "x", "choices": ["a", "b"], "answer": "c"}, "none of the choices"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, row: Any, wrong: str) -> None:
    with pytest.raises(TaskFileError, match="tasks.jsonl:1: .*" + wrong):
        read(tmp_path, row)


def test_ids_differ(tmp_path: Path) -> None:
    with pytest.raises(TaskFileError, match=":2: the id 'a' is taken"):
        read(tmp_path, *[{"id": "a", "prompt": "x", "reference": "1"}] * 2)


@given(st.text(), st.floats(0, 1))
def test_equal_texts_are_on_the_same_side(text: str, share: float) -> None:
    assert split_of(text, share) == split_of(text, share)
    assert split_of(text, 0.0) == "train"
