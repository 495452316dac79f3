from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.checks.explicit import build_check
from router.checks.grammar.reader import read_text

LOOSE: list[tuple[str, list[dict[str, Any]]]] = [
    ("Your response should be no longer than twenty-five words.", [{"type": "max_words", "value": 25}]),
    ("The answer mustn't exceed 200 words", [{"type": "max_words", "value": 200}]),
    ("Limit yourself to two sentences.", [{"type": "max_sentences", "value": 2}]),
    ("Word limit: 75", [{"type": "max_words", "value": 75}]),
    ("300+ words", [{"type": "min_words", "value": 300}]),
    ("200 words max", [{"type": "max_words", "value": 200}]),
    ("Do not answer in more than 40 words.", [{"type": "max_words", "value": 40}]),
    (
        "Between one hundred and two hundred words",
        [{"type": "min_words", "value": 100}, {"type": "max_words", "value": 200}],
    ),
    (
        "Use at least 60 sentences, but less than 600 words.",
        [{"type": "min_sentences", "value": 60}, {"type": "max_words", "value": 599}],
    ),
    (
        "Sentences must not be longer than 20 words",
        [_each := {"type": "each", "unit": "sentence", "check": {"type": "max_words", "value": 20}}],
    ),
    ("No sentence may be longer than 20 words", [_each]),
    ("At most 20 words per sentence", [_each]),
    (
        "The last sentence must be a question",
        [{"type": "part", "unit": "sentence", "n": -1, "check": {"type": "ends_with_mark", "value": "?？"}}],
    ),
    (
        'The second paragraph must begin with the word "However"',
        [{"type": "part", "unit": "paragraph", "n": 2, "check": {"type": "starts_with", "value": "However"}}],
    ),
    ("Never use the words good, bad or ugly.", [{"type": "excludes", "value": ["good", "bad", "ugly"]}]),
    ('Mention both "Paris" and "London".', [{"type": "contains", "value": ["Paris", "London"]}]),
    ("The word ocean should appear at least twice.", [{"type": "keyword_count", "keyword": "ocean", "min": 2}]),
    ("Don't use exclamation points or question marks.", [{"type": "excludes_characters", "value": "!?"}]),
    ("The answer must be one of: red, green, blue.", [{"type": "one_of", "value": ["red", "green", "blue"]}]),
    ("The answer must be an integer between 1 and 10.", [{"type": "number", "min": 1, "max": 10, "integer": True}]),
    ('Output only a JSON object with the keys "a" and "b"', [{"type": "json_keys", "value": ["a", "b"]}]),
    (
        "Write in French, using at least 20 words.",
        [{"type": "language", "value": "fr"}, {"type": "min_words", "value": 20}],
    ),
    (
        "There should be exactly 3 paragraphs separated by the markdown divider: ***.",
        [{"type": "exact_paragraphs", "value": 3, "separator": "***"}],
    ),
    (
        "Give two different responses. Responses and only responses should be separated by 6 asterisk symbols: ******.",
        [{"type": "different_answers", "value": 2, "separator": "******"}],
    ),
    (
        "Finish your response with this exact phrase Any other questions?. No other words should follow this phrase.",
        [{"type": "ends_with", "value": "Any other questions?"}],
    ),
]
HALVES = [
    ("Explain recursion in just 50 words.", "Explain recursion"),
    ("Be brief: at most 40 words.", "Be brief"),
    ("Make it zany, but do not include the keywords 'ice', 'fire'.", "Make it zany"),
]
TRAPS = [
    "Do not use at least 3 sentences",
    "Do not use more than 3 sentences and more than 50 words",
    "The introduction must have at most 50 words",
    "Use at most 50 words for the summary and 100 words for the analysis",
    "At least half of the sentences must have at most 10 words",
    "Use 50 words or 300 characters",
    "Use at most 50 words, except in the introduction",
    "Tell the user to be brief and write at most 5 words",
    "Describe each character in at most 50 words",
    "Include an introduction. Keep it under 50 words",
    "The first sentence should be short. It should have at most 5 words.",
    "Mention JSON",
    "Compare JSON and YAML",
    "Explain how to say hello in German",
    "Do not mention French",
    "Answer in German or French",
    "Capital letters are allowed",
    "You may use bullet points",
    "If possible, avoid commas",
    "Use commas only in lists",
    "Answer the two questions",
    "Include at least 3 characters",
    "Include a sentence in French",
    "Write the title in uppercase",
    "Mention 'Paris' before 'London'",
    'Only say "yes" if true',
    "It must be less than 20",
    "Use at least 20 words to describe the cat",
    "Write one sentence about cats and two sentences about dogs",
    "Do not start with 'I' and end with 'you'",
    "Use around 50 words",
    "Your answer should have 3 sections",
]


@pytest.mark.parametrize(("text", "specs"), LOOSE)
def test_loose_wording_is_understood(text: str, specs: list[dict[str, Any]]) -> None:
    reading = read_text(text)
    assert (list(reading.specs), reading.judged) == (specs, "")
    for spec in reading.specs:
        build_check(spec)


@pytest.mark.parametrize(("text", "judged"), HALVES)
def test_half_checkable_texts_split(text: str, judged: str) -> None:
    reading = read_text(text)
    assert reading.specs
    assert reading.judged == judged


@pytest.mark.parametrize("text", TRAPS)
def test_what_could_be_misread_goes_to_the_judge_whole(text: str) -> None:
    assert read_text(text).specs == ()


@given(st.integers(1, 5000), st.sampled_from(["words", "sentences", "paragraphs", "bullet points"]))
def test_a_negated_more_is_a_limit(n: int, unit: str) -> None:
    assert read_text(f"Do not use more than {n} {unit}").specs == read_text(f"Use at most {n} {unit}").specs


@given(
    st.lists(
        st.sampled_from(["at most 5 words", "use no commas", "be kind", "if asked", "each", "'x'", "and", ",", "."])
    )
)
def test_every_reading_builds(pieces: list[str]) -> None:
    for spec in read_text(" ".join(pieces)).specs:
        build_check(spec)


@given(st.text(alphabet="abc ,.", min_size=1, max_size=30))
def test_a_quoted_text_is_never_an_instruction(quoted: str) -> None:
    reading = read_text(f'Do not use "{quoted} use at most 5 words"')
    assert all(spec["type"] == "excludes" for spec in reading.specs)


@pytest.mark.parametrize(
    "piece",
    [
        "every sentence ",
        "a and ",
        "e.g. ",
        "the word x, ",
        "at most 5 words and ",
        "in the first sentence ",
        "'",
        "[a, ",
        "1 to ",
    ],
)
def test_hostile_texts_are_read_in_no_time(piece: str) -> None:
    for length in (300, 900, 1990):
        read_text((piece * 2000)[:length])
        read_text((piece * 2000)[:length] + "!x")
