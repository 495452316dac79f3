"""The best candidate, and verdicts put together."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from action_model.actions import Action
from router.candidates import best_of, is_settled, merge_verdicts, texts_of, tool_calls_of, worst_verdicts
from router.task import Candidate, Verdict

scores = st.none() | st.floats(0, 1)


def candidate(
    name: str, score: float | None = None, *verdicts: Verdict, cost: int = 0, ended: float = 0.0
) -> Candidate:
    made = Candidate(name, Action("a/m"), b"", "", verdicts=verdicts, score=score)
    return replace(made, nanodollars=cost, ended_seconds=ended)


def verdict(score: float | None, source: str = "check", name: str = "r") -> Verdict:
    return Verdict(name, score, "", source)  # type: ignore[arg-type]


def test_score_then_failures_then_agreement_then_price_then_time() -> None:
    assert best_of([candidate("low", 0.2), candidate("high", 0.9)]).id == "high"
    assert best_of([candidate("one", 0.5, verdict(0.5)), candidate("none", 0.5, verdict(1.0))]).id == "none"
    alike = [candidate("dear", 0.5, cost=9), candidate("cheap", 0.5, cost=1), candidate("late", 0.5, cost=1, ended=2.0)]
    assert best_of(alike).id == "cheap"
    assert best_of(alike, {"dear": 0.7, "cheap": 0.3}).id == "dear"


@given(st.lists(scores, min_size=1, max_size=6))
def test_no_known_better_score_is_passed_over(found: list[float | None]) -> None:
    made = [candidate(str(i), score) for i, score in enumerate(found)]
    best = best_of(made).score
    assert all(score is None or score <= (0.5 if best is None else best) for score in found)


def test_only_exact_sources_settle_a_matter() -> None:
    assert is_settled(candidate("c", 1.0, verdict(1.0), verdict(1.0, "validator")))
    assert not is_settled(candidate("c", 1.0, verdict(1.0), verdict(1.0, "judge")))
    assert not is_settled(candidate("c", None, verdict(1.0), verdict(None)))
    assert not is_settled(candidate("c"))


@given(scores, scores)
def test_of_two_judges_the_lower_known_score_counts(first: float | None, second: float | None) -> None:
    merged = merge_verdicts([verdict(first, "judge")], [verdict(second, "judge")])[0].score
    known = [score for score in (first, second) if score is not None]
    assert merged == (min(known) if known else None)


def test_the_worst_choice_counts_and_an_unknown_one_keeps_it_open() -> None:
    assert worst_verdicts([[verdict(1.0)], [verdict(0.3)]])[0].score == 0.3
    assert worst_verdicts([[verdict(1.0)], [verdict(None)]])[0].score is None


def test_completions_that_are_not_what_they_should_be_have_no_text_and_no_calls() -> None:
    for body in (b"", b"[]", b'{"choices": 3}', b'{"choices": [{"message": 1}]}'):
        assert "".join(texts_of(body)) == ""
        assert tool_calls_of(body) == []
    legacy = b'{"choices": [{"message": {"function_call": {"name": "f", "arguments": "{}"}}}]}'
    assert tool_calls_of(legacy)[0]["function"]["name"] == "f"
