import pytest

from router.checks.compiler import compile_requirement
from router.checks.conflicts import find_problems
from router.task import Requirement


def problems(*texts: str) -> tuple[str, ...]:
    requirements = [Requirement(f"r{i}", text) for i, text in enumerate(texts)]
    return find_problems(requirements, [compile_requirement(requirement) for requirement in requirements])


@pytest.mark.parametrize(
    "texts",
    [
        ("At least 100 words", "At most 50 words"),
        ("Use exactly 3 sentences", "At least 5 sentences"),
        ("Include the word 'sea'", "Do not use the word 'sea'"),
        ("End with 'yes, sir'", "Do not use any commas"),
        ("Answer in German", "Answer in French"),
        ("Write in lowercase", "Write in all caps"),
        ("Answer in valid JSON", "Answer in valid XML"),
        ("Start with 'Hello'", "Start with 'Bye'"),
    ],
)
def test_contradictions_name_both(texts: tuple[str, str]) -> None:
    (problem,) = problems(*texts)
    assert "'r0' and 'r1' contradict" in problem


def test_duplicates_are_named_however_they_are_said() -> None:
    assert problems("At most 50 words", "Use no more than fifty words") == ("'r0' and 'r1' say the same",)
    assert problems("Be polite", "be polite.") == ("'r0' and 'r1' say the same",)


@pytest.mark.parametrize(
    "texts",
    [
        ("At least 10 words", "At most 50 words"),
        ("Start with 'Hello'", "Start with 'Hello there'"),
        ("Include the word 'sea'", "Do not use the word 'season'"),
        ("Answer in valid JSON", 'Answer with a JSON object with the keys "a" and "b"'),
        ("Be polite", "Be brief"),
    ],
)
def test_what_goes_together_is_no_problem(texts: tuple[str, str]) -> None:
    assert problems(*texts) == ()
