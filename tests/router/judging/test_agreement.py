"""Final answers are found in free text, and equal ones are equal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from action_model.actions import Action
from router.judging.agreement import agreement, asks_for_one_answer, final_answer
from router.task import Candidate


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("The answer is 42.", "42"),
        ("Long work.\n#### 1,234", "1234"),
        ("So \\boxed{\\frac{1}{2}} it is", "0.5"),
        ("Answer: 1/2", "0.5"),
        ("Answer: x^2 - 1", "x^2-1"),
        ("Answer: $x^2+1$", "x^2+1"),
        ("Answer: [1, -1]", "[1,-1]"),
        ("Answer: ['a', \"b\"]", "['a','b']"),
        ("Answer: \\left(1, 2\\right)", "(1,2)"),
        ("Here:\n```python\nprint(1)\n```\nDone " + "x" * 100, "print(1)"),
        ("**Answer:** (B)", "B"),
        ("Answer: B) Paris", "B"),
        ("B", "B"),
        ("The final answer is $18.50", "18.5"),
        ("The answer is 18.5 dollars.", "18.5"),
        ("work\nAnswer: -3", "-3"),
        ("Answer: 50%", "50%"),
        ("A dog", "dog"),
        ("The Dog.", "dog"),
        ("First the answer is 3. No: the answer is 4.", "4"),
        ("x" * 200, None),
        ("", None),
    ],
)
def test_final_answers(text: str, answer: str | None) -> None:
    assert final_answer(text) == answer


@given(st.text(max_size=300))
def test_any_text_is_read_without_raising(text: str) -> None:
    found = final_answer(text)
    assert found is None or found


@given(st.integers(-(10**9), 10**9))
def test_a_number_is_the_same_however_it_is_written(number: int) -> None:
    assert final_answer(f"The answer is {number}.") == final_answer(f"work\n#### {number:,}") == str(number)


def test_support_is_the_share_that_says_the_same() -> None:
    said = ["The answer is 2.", "#### 2", "The answer is 3.", "x" * 100]
    found = agreement([Candidate(str(i), Action("a/m"), b"", text) for i, text in enumerate(said)])
    assert found == {"0": 0.5, "1": 0.5, "2": 0.25, "3": 0.0}


@pytest.mark.parametrize(
    ("prompt", "comparable"),
    [
        ("How many apples are left?", True),
        ("Which?\nA) red\nB) blue\n", True),
        ("Solve x + 1 = 2", True),
        ("Write a poem about apples", False),
        ("Summarise this text", False),
    ],
)
def test_which_questions_have_one_answer(prompt: str, comparable: bool) -> None:
    assert asks_for_one_answer(prompt) is comparable
