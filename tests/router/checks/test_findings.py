"""Every kind of check on an answer that holds and one that does not."""

from typing import Any

import pytest

from router.checks.check import Answer
from router.checks.explicit import KINDS, build_check
from tests.router.checks.specs import sample_spec

CASES: list[tuple[dict[str, Any], str, str]] = [
    ({"type": "exact_sentences", "value": 2}, "Dr. Who came. He left!", "One. Two. Three."),
    ({"type": "exact_sentences", "value": 2}, "1. One thing.\n2. Another thing.", "One thing"),
    ({"type": "exact_paragraphs", "value": 2}, "a\n\n\nb", "a\nb"),
    ({"type": "exact_paragraphs", "value": 2, "separator": "***"}, "a\n***\nb", "a\n\nb"),
    ({"type": "exact_bullets", "value": 2}, "* **a** b\n- c\n---", "1. a\n2. b"),
    ({"type": "min_highlights", "value": 2}, "*a* and **b**", "* a\n* b"),
    ({"type": "min_placeholders", "value": 1}, "Dear [name]", "Dear (name)"),
    ({"type": "max_capital_words", "value": 1}, "NASA is here", "NASA IS here"),
    ({"type": "min_sections", "value": 2, "marker": "SECTION"}, "SECTION 1 a SECTION 2 b", "section 1 section 2"),
    ({"type": "min_tables", "value": 1}, "| a | b |\n|---|---|\n| 1 | 2 |", "| a | b |"),
    ({"type": "exact_numbers", "value": 2}, "3.5 of 1,000", "1 2 3"),
    ({"type": "keyword_count", "keyword": "cat", "min": 2}, "A cat, two cats", "A category, a cat"),
    ({"type": "letter_count", "letter": "e", "max": 1}, "Hers", "Eve"),
    ({"type": "some_of", "of": ["a", "b"], "min": 2}, "b a", "a a"),
    ({"type": "contains", "value": ["red", "blue"]}, "Blue and RED", "red"),
    ({"type": "contains_any", "value": ["red", "blue"]}, "blue", "green"),
    ({"type": "excludes", "value": "art"}, "start", "The ART"),
    ({"type": "starts_with", "value": "Yes"}, "**Yes**, it is", "Yesterday"),
    ({"type": "ends_with", "value": "Bye."}, 'So. "bye."', "Bye. Now"),
    ({"type": "ends_with_mark", "value": "?"}, "Is it?\n", "It is."),
    ({"type": "first_word", "value": "Yes"}, "yes, sir", "Oh yes"),
    ({"type": "last_word", "value": "end"}, "The END.", "The end is"),
    ({"type": "lowercase"}, "all small.", "Not so"),
    ({"type": "uppercase"}, "ALL BIG 1", "ALL BIg"),
    ({"type": "title_case"}, "The Art of War", "The art Of War"),
    ({"type": "regex", "pattern": r"^\d+$"}, "123", "12a"),
    ({"type": "one_of", "value": ["yes", "no"]}, "Yes.", "Not sure, yes"),
    ({"type": "language", "value": "de"}, "Das ist ein deutscher Satz über Hunde.", "This is an English sentence."),
    ({"type": "json"}, '```json\n{"a": 1}\n```', "{a: 1}"),
    ({"type": "json_keys", "value": ["a"], "only": True}, '{"a": 1}', '{"a": 1, "b": 2}'),
    ({"type": "json_schema", "schema": {"type": "array", "maxItems": 1}}, "[1]", "[1, 2]"),
    ({"type": "yaml"}, "a: 1\nb: [1, 2]", "just text"),
    ({"type": "xml"}, "<a><b/></a>", "<a><b></a>"),
    ({"type": "xml"}, "<a/>", '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'),
    ({"type": "csv", "columns": ["a", "b"], "rows": 1}, "a,b\n1,2", "a,b\n1,2,3"),
    ({"type": "sql"}, "SELECT a FROM b WHERE c = 1", "SELEC a FROM"),
    ({"type": "python"}, "Here:\n```python\nx = 1\n```", "```python\nx = = 1\n```"),
    ({"type": "number", "min": 1, "max": 10, "integer": True}, "7", "7.5"),
    ({"type": "dates"}, "On 2024-02-29.", "On 2023-02-29."),
    ({"type": "urls"}, "See https://example.com/a.", "See http:///nothing."),
    ({"type": "quoted"}, '"all of it"', '"half" of it'),
    ({"type": "title"}, "<<A title>>\ntext", "<<>> text"),
    ({"type": "postscript", "value": "P.S."}, "Bye\nP. S. one more", "Bye"),
    ({"type": "different_answers", "value": 2}, "a ****** b", "a ****** a"),
    ({"type": "template", "value": ["A:", "B:"]}, "A: 1 B: 2", "B: 2 A: 1"),
    ({"type": "no_whitespace"}, "abc", "a c"),
    ({"type": "word_lines"}, "a\nb", "a b"),
    ({"type": "stairs"}, "a\n b\n  c", "a\nb"),
    ({"type": "nested", "value": 3}, "(a [b {c}])", "(a) [b] {c}"),
    ({"type": "sub_bullets"}, "* a\n  - b\n* c\n  - d", "* a\n  - b\n* c"),
    ({"type": "sign_items", "value": "!?"}, "!? a\n!? b", "- a\n- b"),
    ({"type": "all_punctuation"}, "A, b; c: d! e. f? g?!", "A, b."),
    ({"type": "prime_lengths"}, "is the", "four"),
    ({"type": "word_lengths", "max": 4}, "tiny word", "enormous"),
    ({"type": "consonant_clusters"}, "strong bright", "a cat"),
    ({"type": "alphabet_words"}, "Yes zebras are big", "Yes we can"),
    ({"type": "no_same_initials"}, "a big cat", "big bad cat"),
    ({"type": "max_repeats", "value": 1}, "a b c", "a b A"),
    ({"type": "palindromes", "value": 1, "letters": 5}, "my radar", "my mum"),
    ({"type": "min_conjunctions", "value": 2}, "this and that or", "this and that"),
    ({"type": "min_pronouns", "value": 2}, "she/her", "she ran"),
    ({"type": "vowel_kinds", "value": 2}, "an egg", "an egg is"),
    ({"type": "chained_sentences"}, "I see you. You see me.", "I see you. We see me."),
    ({"type": "framed_paragraphs"}, "Time is time.", "Time is up."),
    ({"type": "growing_sentences", "value": 1}, "Go. Go now.", "Go. Go."),
    ({"type": "sentence_ratio", "value": [2, 1]}, "So. It is. Is it?", "So. Is it?"),
    (
        {"type": "each", "unit": "sentence", "check": {"type": "max_words", "value": 3}},
        "It is. So be it.",
        "So it is now. Yes.",
    ),
    ({"type": "part", "unit": "line", "n": -1, "check": {"type": "first_word", "value": "b"}}, "a\nb c", "b\na"),
    ({"type": "each", "unit": "sentence", "check": {"type": "ends_with_emoji"}}, "Hi 😀. Bye 🎉", "Hi. Bye 🎉"),
]


@pytest.mark.parametrize(("spec", "good", "bad"), CASES)
def test_a_check_tells_good_from_bad(spec: dict[str, Any], good: str, bad: str) -> None:
    check = build_check(spec)
    assert check.evaluate(Answer(good)).passed, check.evaluate(Answer(good)).reason
    failed = check.evaluate(Answer(bad))
    assert failed.score is not None
    assert failed.score < 1.0


def test_the_request_repeated_may_leave_out_the_instruction() -> None:
    check = build_check({"type": "repeats_prompt"})
    prompt = "What is love? First repeat the request word for word."
    assert check.evaluate(Answer("what is love? It hurts.", prompt)).passed
    assert not check.evaluate(Answer("Sure! What is love?", prompt)).passed
    assert check.evaluate(Answer("anything")).score is None


def test_a_schema_is_not_fetched_from_elsewhere() -> None:
    with pytest.raises(Exception, match="not followed"):
        build_check({"type": "json_schema", "schema": {"$ref": "http://127.0.0.1:9/x.json"}})


def test_hostile_patterns_and_documents_end_soon() -> None:
    assert not build_check({"type": "regex", "pattern": "(a+)+$"}).evaluate(Answer("a" * 50_000 + "b")).passed
    assert not build_check({"type": "json"}).evaluate(Answer("[" * 100_000)).passed
    bomb = "a: &a [x, x]\n" + "\n".join(f"b{i}: [*a, *a, *a]" for i in range(1000))
    assert build_check({"type": "yaml"}).evaluate(Answer(bomb)).score is not None


@pytest.mark.parametrize(
    ("word", "text", "occurs"),
    [
        ("cat", "two cats", True),
        ("walk", "walked and walking", True),
        ("pow", "great power", False),
        ("be", "to bed", False),
        ("i", "it is his", False),
        ("ear", "too early", False),
        ("fox", "the fox's den", True),
    ],
)
def test_a_keyword_occurs_in_its_inflections_not_in_other_words(word: str, text: str, occurs: bool) -> None:
    assert build_check({"type": "contains", "value": word}).evaluate(Answer(text)).passed is occurs


@pytest.mark.parametrize(("kind", "text"), [("sql", "SELECT a, "), ("python", "a = 1\n"), ("yaml", "a: [1]\n")])
def test_what_is_too_long_to_be_parsed_is_neither_right_nor_wrong(kind: str, text: str) -> None:
    finding = build_check({"type": kind}).evaluate(Answer(text * 20_000))
    assert finding.score is None
    assert "not parsed" in finding.reason


@pytest.mark.parametrize("sign", ["*", "- ", "<<", "“", "[", "1.", "repeat ", "a.", "|a|\n|-|\n", "\n\n"])
def test_hostile_answers_are_checked_in_no_time(sign: str) -> None:
    text = (sign * 20_000)[:20_000]
    for kind in KINDS:
        assert build_check(sample_spec(kind)).evaluate(Answer(text, text)).reason
        assert build_check(sample_spec(kind)).evaluate(Answer(f"* {text.replace('*', 'b ')}", text)).reason


@pytest.mark.parametrize(
    ("text", "count"),
    [("👍🏽", 1), ("👨‍👩‍👧", 1), ("🇫🇷🇩🇪", 2), ("1️⃣", 1), ("❤️ ✔", 2), ("✓ ★ → ©", 0), ("plain 1 # *", 0)],
)
def test_an_emoji_counts_once_whatever_it_is_made_of(text: str, count: int) -> None:
    assert build_check({"type": "exact_emojis", "value": count}).evaluate(Answer(text)).passed


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("We go. 😀 You stay! 🎉", 2),
        ("I said no. He left.", 2),
        ("See No. 5 there. Then rest.", 2),
        ("Anna B. Doe came. So do I. Take vitamin C. Go.", 4),
        ("Cats, dogs, etc. The end.", 2),
        ("Cats, etc. and dogs.", 1),
        ("He wrote (…) And then he left.", 1),
    ],
)
def test_short_forms_end_a_sentence_only_where_a_reader_would_end_it(text: str, count: int) -> None:
    assert build_check({"type": "exact_sentences", "value": count}).evaluate(Answer(text)).passed
