"""How people write constraints: each compiles to the right checks, or is left to the judge, never to a wrong check."""

from typing import Any

import pytest

from router.checks.compiler import read_requirement

WORDS: list[tuple[str, list[tuple[str, Any]]]] = [
    ("in just 50 words", [("min_words", 45), ("max_words", 50)]),
    ("keep it under 3 paragraphs", [("max_paragraphs", 2)]),
    ("max. 100 words", [("max_words", 100)]),
    ("min. 50 words", [("min_words", 50)]),
    ("max. of 20 words", [("max_words", 20)]),
    ("word count: 100-150", [("min_words", 100), ("max_words", 150)]),
    ("two sentences max", [("max_sentences", 2)]),
    ("not exceeding 3 sentences", [("max_sentences", 3)]),
    ("200+ words", [("min_words", 200)]),
    ("a dozen words", [("exact_words", 12)]),
    ("1,000 words max", [("max_words", 1000)]),
    ("without using the word love", [("excludes", ["love"])]),
    ("refrain from using the words good or bad", [("excludes", ["good", "bad"])]),
    ("do not use the letter e", [("excludes_characters", "eE")]),
    ("respond in French only", [("language", "fr")]),
    ("3 to 5 bullet points", [("min_bullets", 3), ("max_bullets", 5)]),
    ("Include exactly one semicolon and no colons.", [("exact_semicolons", 1), ("excludes_characters", ":")]),
    ("no commas or semicolons", [("excludes_characters", ",;")]),
    ("as a numbered list of 5", [("exact_numbered_items", 5)]),
    ("a 5-item bulleted list", [("exact_bullets", 5)]),
    ("a list of ten items", [("exact_list_items", 10)]),
    ("an ordered list of at least three items", [("min_numbered_items", 3)]),
    ("zero commas", [("exact_commas", 0)]),
    ("Mention 'foo' but not 'bar'.", [("contains", ["foo"]), ("excludes", ["bar"])]),
]


@pytest.mark.parametrize(("text", "wanted"), WORDS)
def test_what_is_understood_compiles(text: str, wanted: list[tuple[str, Any]]) -> None:
    specs, judged = read_requirement(text)
    assert [(spec["type"], spec["value"]) for spec in specs] == wanted
    assert judged == ""


@pytest.mark.parametrize(
    "text",
    [
        "approx. 50 words",
        "ca. 50 words",
        "50 words or so",
        "Use 50 words, give or take",
        "You don't have to keep it under 50 words",
        "it need not be under 50 words",
        "Less than 100 words unless necessary.",
        "Ideally under 100 words.",
        "summary under 20 words, details over 100 words",
        "title not counted, max 100 words",
        "Only the first paragraph may exceed 50 words",
        "mention French",
        "a list of 5 fruits",
        "don't give a numbered list of 5",
        "a list of 5 items, each under 10 words",
        "The response must not include English",
        "in English or French",
        "all lowercase except proper nouns",
        "each bullet starts with a verb",
        "JSON or YAML",
        "don't use JSON",
        "more than 50 words is too long",
        "either 'cat' or 'dog' but not both",
        "Use British spelling.",
        "Include 'foo' before 'bar'.",
        "as a numbered list of 5, one for each planet that has rings",
        "none of the sentences should be longer than 10 words",
    ],
)
def test_what_is_not_understood_is_judged(text: str) -> None:
    specs, judged = read_requirement(text)
    assert specs == []
    assert judged == text
