"""Every grader of the following set, on an answer that meets the demand and on ones that do not."""

from typing import Any

import pytest

from scripts.following.graders import GRADERS
from scripts.following.reading import Reading

SOURCE = 'The "assert" statement raises AssertionError. It was changed in version 3.7 of the language, i.e. long ago.'
LIST = "- one two\n- three\n* four"
TABLE = "| Term | Meaning |\n|---|:--:|\n| a | b |\n| c | d |"
CASES: list[tuple[str, dict[str, Any], str, tuple[str, ...]]] = [
    ("words_between", {"low": 2, "high": 4}, "Don't use x.y, please", ("one", "one two three four five")),
    ("sentences_between", {"low": 2, "high": 2}, "Use it, e.g. here. Then stop!", ("Only one.", "One. Two. Three?")),
    ("paragraphs_exactly", {"count": 2}, "A title\n\nOne thing.\n\nAnother thing.", ("One.", "A.\n\nB.\n\nC.")),
    ("bullets_between", {"low": 3, "high": 3}, f"Intro:\n{LIST}", ("- one", "no bullets at all")),
    ("short_bullets", {"most": 2}, LIST, ("- one two three", "no bullets")),
    ("only_bullets", {}, LIST, (f"Intro:\n{LIST}", "text")),
    ("steps_between", {"low": 2, "high": 3}, "1. One\n2) Two", ("1. One", "1. One\n3. Three", "- one\n- two")),
    ("short_sentences", {"most": 3}, "One two three. Four.", ("One two three four.",)),
    ("title_first", {}, "# A short title\n\nThe text.", ("A sentence.\nThe text.", "Only a title")),
    ("first_line_in_capitals", {}, "A TITLE\ntext", ("A Title\ntext", "123\ntext")),
    ("one_line", {}, "all on one line\n", ("two\nlines",)),
    ("starts_with", {"text": "This text"}, "**This text** is short", ("In this text",)),
    ("ends_with", {"text": "Cheers"}, "To you. *Cheers!*", ("Cheers to you",)),
    ("ends_with_question", {}, "Ready for “more?”", ("Ready? Yes.",)),
    (
        "json_with_keys",
        {"keys": ("a", "b")},
        '```json\n{"a": 1, "b": 2}\n```',
        ('Here: {"a": 1, "b": 2}', '{"a": 1}', "[1]"),
    ),
    ("json_list", {"key": "a", "low": 1, "high": 2}, '{"a": [1, 2]}', ('{"a": []}', '{"a": "x"}', "{}", "[]")),
    (
        "csv_with_header",
        {"header": ("term", "definition"), "low": 1, "high": 2},
        'Term,Definition\na,"b, c"',
        ("a,b\nc,d", "term,definition", "term,definition\na,b,c"),
    ),
    (
        "markdown_table",
        {"columns": ("Term", "Meaning"), "low": 2, "high": 3},
        f"Here:\n{TABLE}",
        ("| Term | Meaning |", TABLE.replace("Term", "Word")),
    ),
    (
        "questions_and_answers",
        {"pairs": 2},
        "Q: a\nA: b\n**Q2:** c\n**A2:** d",
        ("Q: a\nA: b", "Q: a\nQ: b\nA: c\nA: d"),
    ),
    (
        "labelled_lines",
        {"labels": ("Summary", "Details")},
        "**Summary:** a\n- Details: b",
        ("Details: b\nSummary: a", "Summary: a"),
    ),
    (
        "plain_text",
        {},
        "Just text: x * y, and __init__ too.".replace("__init__", "init"),
        ("# Head\ntext", "**bold**", "- one", "see [x](y)"),
    ),
    (
        "mentions",
        {"terms": ("assert", "the language")},
        "Assert, in THE\nlanguage",
        ("asserts in the language", "assert"),
    ),
    ("mentions_times", {"term": "list", "low": 2}, "A list of lists", ("a list",)),
    ("avoids", {"terms": ("Guido",)}, "Nobody is named", ("guido wrote it",)),
    ("gives_example", {}, "Take `x`, say", ("Nothing is shown",)),
    ("is_sober", {}, "It works.", ("It works!", "An amazing thing")),
    ("no_contractions", {}, "It is Python's and does not end", ("It's so", "they don’t", "we'll see")),
    ("addresses_reader", {}, "You'll see", ("One sees", "youth")),
    ("no_first_person", {}, "It says that US law holds, so it ends", ("I think so", "as we see", "tell me more")),
    ("greets", {}, "Hi team,\nhere it is", ("The team,",)),
    ("is_polite", {}, "Thanks for asking", ("Read this",)),
    ("numbers_from_source", {}, "1. In version 3.7\n2. it changed", ("in 2019", "version 37")),
    (
        "quotes_source",
        {"least": 4},
        "It says “the assert statement raises”.",
        ('"assert statement raises"', '"the assert statement yields"', "none"),
    ),
    (
        "names_from_source",
        {"least": 1},
        "It raises `AssertionError`",
        ("It raises AssertionError", "`AssertionError` or `KeyError`"),
    ),
    ("no_other_language", {}, "In Python it is short", ("unlike Java it is",)),
    ("no_links", {}, "see the manual", ("see https://x.y", "www.x.y")),
]


def test_every_grader_has_a_case() -> None:
    assert {name for name, *_ in CASES} == set(GRADERS)


@pytest.mark.parametrize(("name", "args", "good", "bad"), CASES, ids=[name for name, *_ in CASES])
def test_a_grader_tells_what_meets_the_demand_from_what_does_not(
    name: str, args: dict[str, Any], good: str, bad: tuple[str, ...]
) -> None:
    assert GRADERS[name](Reading(good, SOURCE), **args)
    for answer in bad:
        assert not GRADERS[name](Reading(answer, SOURCE), **args), answer
