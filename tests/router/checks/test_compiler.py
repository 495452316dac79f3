import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.checks.check import Answer
from router.checks.compiler import compile_requirement, read_requirement
from router.checks.explicit import KINDS, build_check
from router.errors import BadRequest
from router.task import Requirement
from tests.router.checks.specs import sample_spec

UNDERSTOOD = [
    ("Answer in at most 50 words", [{"type": "max_words", "value": 50}]),
    ("Your answer must be in just 50 words.", [{"type": "min_words", "value": 45}, {"type": "max_words", "value": 50}]),
    ("no more than three paragraphs", [{"type": "max_paragraphs", "value": 3}]),
    ("Use fewer than 5 sentences", [{"type": "max_sentences", "value": 4}]),
    ("Keep it under 100 words", [{"type": "max_words", "value": 99}]),
    ("Answer with at least 300 words", [{"type": "min_words", "value": 300}]),
    ("Between 10 and 20 words", [{"type": "min_words", "value": 10}, {"type": "max_words", "value": 20}]),
    ("Don't use the word 'foo'", [{"type": "excludes", "value": ["foo"]}]),
    ("Do not use any commas", [{"type": "excludes_characters", "value": ","}]),
    ("Respond in German", [{"type": "language", "value": "de"}]),
    ("Use exactly 3 bullet points", [{"type": "exact_bullets", "value": 3}]),
    ("Answer in valid JSON", [{"type": "json"}]),
    ('Start your answer with "Hello"', [{"type": "starts_with", "value": "Hello"}]),
    ("End with 'bye'", [{"type": "ends_with", "value": "bye"}]),
    (
        "Write 3 sentences and do not use commas",
        [{"type": "exact_sentences", "value": 3}, {"type": "excludes_characters", "value": ","}],
    ),
]
LEFT_TO_THE_JUDGE = [
    "Do not mention any specific person",
    "each bullet starts with a verb",
    "Write in an upbeat tone",
    "Use around 50 words",
    "If the user is rude, answer in at most 5 words",
    "Respond in a friendly way",
    "Mention why fewer than 5 sentences would not do",
]


@pytest.mark.parametrize(("text", "specs"), UNDERSTOOD)
def test_a_text_that_is_understood_becomes_checks(text: str, specs: list[object]) -> None:
    assert read_requirement(text) == (specs, "")


@pytest.mark.parametrize("text", LEFT_TO_THE_JUDGE)
def test_a_text_that_is_not_fully_understood_goes_to_the_judge(text: str) -> None:
    specs, judged = read_requirement(text)
    assert not specs
    assert judged


def test_a_text_half_understood_splits() -> None:
    compiled = compile_requirement(Requirement("r", "Be polite. Use at least 30 words"))
    assert [check.kind for check in compiled.checks] == ["min_words"]
    assert compiled.judged == "Be polite"


@given(st.text(max_size=200))
def test_whatever_is_written_compiles_or_goes_to_the_judge(text: str) -> None:
    compiled = compile_requirement(Requirement("r", text))
    for check in compiled.checks:
        finding = check.evaluate(Answer("Some answer, with words."))
        assert finding.score is None or 0.0 <= finding.score <= 1.0


@given(st.text(max_size=400), st.sampled_from(sorted(KINDS)))
def test_no_check_raises_and_every_score_is_a_share(text: str, kind: str) -> None:
    finding = build_check(sample_spec(kind)).evaluate(Answer(text, "prompt"))
    assert finding.score is None or 0.0 <= finding.score <= 1.0
    assert finding.reason


@given(
    st.text(alphabet="ab, .\nA", max_size=120), st.sampled_from(sorted(KINDS)), st.text(alphabet="ab, .", max_size=40)
)
def test_what_failed_for_good_stays_failed(partial: str, kind: str, rest: str) -> None:
    check = build_check(sample_spec(kind))
    if check.already_failed(partial):
        assert not check.evaluate(Answer(partial + rest)).passed


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_checks_own_form_builds_an_equal_check(kind: str) -> None:
    check = build_check(sample_spec(kind))
    assert build_check(check.spec) == check


def test_scores_are_graded_and_reasons_carry_numbers() -> None:
    finding = build_check({"type": "max_words", "value": 50}).evaluate(Answer("word " * 62))
    assert finding.reason == "62 words, limit 50"
    assert finding.score == pytest.approx(0.76)


@pytest.mark.parametrize(
    ("spec", "param"),
    [
        ({"type": "nonsense"}, "check.type"),
        ({"type": "max_words"}, "check.value"),
        ({"type": "max_words", "value": -1}, "check.value"),
        ({"type": "max_words", "value": 5, "extra": 1}, "check.extra"),
        ({"type": "regex", "pattern": "("}, "check.pattern"),
        ({"type": "json_schema", "schema": {"type": "nothing"}}, "check.schema"),
    ],
)
def test_a_bad_explicit_check_names_its_parameter(spec: dict[str, object], param: str) -> None:
    with pytest.raises(BadRequest) as refusal:
        build_check(spec)
    assert refusal.value.param == param
