"""Final answers are found in free text, and equal ones are equal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from action_model.actions import Action
from router.judging.agreement import agreement, asks_for_one_answer, final_answer, resemblance
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
        ("Answer: [4]", "[4]"),
        ("Answer: ['4']", "['4']"),
        ('Answer: {"fr": "AAA"}', "{'fr':'AAA'}"),
        ("zz0574zz", "zz0574zz"),
        ("snTs", "snTs"),
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


CATS = [
    "Cats sleep for most of the day because they hunt at dawn and at dusk, and save their strength in between. " * 2,
    "A cat hunts at dawn and dusk; in between it sleeps most of the day to save its strength for the next hunt. " * 2,
    "Because they hunt at dusk and dawn, cats save strength by sleeping through most of the day, in between hunts. "
    * 2,
]
STOCKS = "The stock market fell by three per cent as investors sold shares of banks and bought government bonds. " * 2


def test_of_free_texts_the_one_in_the_middle_is_supported_most_and_the_stray_one_least() -> None:
    texts = [CATS[0], STOCKS, *CATS[1:]]
    found = agreement([Candidate(str(i), Action("a/m"), b"", text) for i, text in enumerate(texts)])
    assert min(found, key=found.__getitem__) == "1"
    assert all(0.0 <= share <= 1.0 for share in found.values())


@given(st.lists(st.text(max_size=200), min_size=2, max_size=6))
def test_equal_texts_resemble_the_others_equally(texts: list[str]) -> None:
    candidates = [Candidate(str(i), Action("a/m"), b"", text) for i, text in enumerate([*texts, texts[0]])]
    found = resemblance(candidates)
    assert found["0"] == pytest.approx(found[str(len(texts))], abs=1e-6)


def test_a_single_text_resembles_nothing() -> None:
    assert resemblance([Candidate("0", Action("a/m"), b"", "alone")]) == {}


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
