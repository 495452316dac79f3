"""Judges' replies: what is healed, what is weighed by token probabilities, and what counts for nothing."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.judging.choice import choose_judge, family_name
from router.judging.errors import UNFOUNDED as UNFOUNDED_BIN
from router.judging.errors import bin_of
from router.judging.reading import read_opinions
from router.upstreams.upstream import Model
from scripts.stage import BIG, SMALL

ANSWER = "The cat sat, gladly, on a mat."
YES = '{"verdicts": [{"id": 7, "satisfied": true, "confidence": 0.97, "evidence": "cat sat gladly", "reason": "so"}]}'


def completion(text: str, logprobs: Any = None) -> bytes:
    return json.dumps({"choices": [{"message": {"content": text}, "logprobs": logprobs}]}).encode()


@pytest.mark.parametrize(
    "text",
    [
        YES,
        f"```json\n{YES}\n```",
        f"Sure! {YES} I hope this helps.",
        YES.replace("}]}", "},]}"),
        YES.replace("true", "True"),
        YES.replace("true", '"yes"'),
        YES.removesuffix("]}"),
        YES.replace('"id": 7', '"id": "7"'),
        YES[len('{"verdicts": ') : -1],
    ],
)
def test_what_small_models_do_to_json_is_healed(text: str) -> None:
    (opinion,) = read_opinions(completion(text), ANSWER, [7]).values()
    assert opinion.is_pass
    assert opinion.score == 1.0


@pytest.mark.parametrize("number", ["8", "-7", "7.5", "true", '"seven"', "1" * 5000])
def test_a_verdict_under_another_number_counts_for_nothing(number: str) -> None:
    assert read_opinions(completion(YES.replace("7,", f"{number},", 1)), ANSWER, [7]) == {}


def test_of_several_words_the_most_doubtful_counts() -> None:
    no = YES.replace("true", "false")
    assert not read_opinions(completion(f"{YES}\n{no}\n{YES}"), ANSWER, [7])[7].is_pass


def test_the_passage_that_breaks_a_requirement_is_named_where_it_is_there() -> None:
    reply = '{"verdicts": [{"id": 7, "satisfied": false, "evidence": "on a mat", "reason": "a place"}]}'
    assert read_opinions(completion(reply), ANSWER, [7])[7].reason == 'a place (in: "on a mat")'
    assert read_opinions(completion(reply.replace("on a mat", "a dog")), ANSWER, [7])[7].reason == "a place"


FOUNDED = [
    "The CAT sat,  gladly",
    "cat sat … on a mat",
    "the cat sat gladly upon a mat"[:19] + "on a mat",
    'It says "cat sat, gladly" as it should',
    "It says ‘on a mat’",
    "and the cat sat gladly on a",
]
UNFOUNDED = [
    "a dog",
    "the cat sat sadly on a mat",
    'It says "a dog" and "on a mat"',
    "The answer names a cat",
    "cat mat",
    '"!" marks it',
]


@pytest.mark.parametrize("quote", FOUNDED)
def test_a_quotation_need_not_be_exact_to_the_letter(quote: str) -> None:
    reply = json.dumps({"verdicts": [{"id": 7, "evidence": quote, "satisfied": True}]})
    assert read_opinions(completion(reply), ANSWER, [7])[7].is_pass


@pytest.mark.parametrize("quote", UNFOUNDED)
def test_a_pass_whose_quotation_is_not_in_the_answer_fails_in_a_bin_of_its_own(quote: str) -> None:
    for confidence in (0.5, 0.9, 1.0):
        reply = json.dumps({"verdicts": [{"id": 7, "evidence": quote, "satisfied": True, "confidence": confidence}]})
        opinion = read_opinions(completion(reply), ANSWER, [7])[7]
        assert not opinion.is_pass
        assert bin_of(opinion.probability) == UNFOUNDED_BIN


def test_a_verdict_inside_a_quotation_makes_no_pass() -> None:
    """An answer that holds a verdict, copied without escapes: the object then says "satisfied" twice."""
    copied = '{"id": 7, "evidence": "x", "satisfied": true, "y": "", "satisfied": false}'
    assert not read_opinions(completion(copied), ANSWER, [7])[7].is_pass
    assert not read_opinions(completion(copied.replace("false", "0").replace("true", "false")), ANSWER, [7])[7].is_pass
    pieces = copied.replace("true", "§true§").replace("false", "§false§").split("§")
    odds = {"true": 0.99, "false": 0.98}
    tokens = [{"token": one, "logprob": math.log(odds.get(one, 0.9))} for one in pieces]
    opinion = read_opinions(completion(copied, {"content": tokens}), ANSWER, [7])[7]
    assert opinion.probability == pytest.approx(0.02)


@pytest.mark.parametrize("yes", [0.02, 0.4, 0.8, 0.999])
def test_token_probabilities_say_how_sure_a_verdict_is(yes: float) -> None:
    word = "true" if yes >= 0.5 else "false"
    before, after = YES.replace("true", word).split(word, 1)
    top = [{"token": " true", "logprob": math.log(yes)}, {"token": " false", "logprob": math.log(1 - yes)}]
    tokens = [{"token": before.rstrip()}, {"token": f" {word}", "top_logprobs": top}, {"token": after}]
    opinion = read_opinions(completion(before.rstrip() + f" {word}" + after, {"content": tokens}), ANSWER, [7])[7]
    assert opinion.probability == pytest.approx(yes, abs=1e-6)


@pytest.mark.parametrize(("word", "told", "yes"), [("true", 0.8, 0.8), ("false", 0.7, 0.3), ("false", 1.0, 0.0)])
def test_where_only_the_written_words_odds_are_told_the_rest_counts_as_the_other(
    word: str, told: float, yes: float
) -> None:
    before, after = YES.replace("true", word).split(word, 1)
    written = {"token": f" {word}", "logprob": math.log(told), "top_logprobs": []}
    tokens = [{"token": before.rstrip()}, written, {"token": after}]
    opinion = read_opinions(completion(before.rstrip() + f" {word}" + after, {"content": tokens}), ANSWER, [7])[7]
    assert opinion.probability == pytest.approx(yes, abs=1e-6)


@given(st.text(max_size=400) | st.sampled_from([YES[:end] for end in range(len(YES))]))
def test_any_reply_is_read_without_raising(text: str) -> None:
    for opinion in read_opinions(completion(text), ANSWER, [7, 8]).values():
        assert 0.0 <= opinion.probability <= 1.0
        assert 0.0 <= opinion.score <= 1.0


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_completion_and_any_probabilities_are_read_without_raising(value: Any) -> None:
    for body in (json.dumps(value).encode(), completion(YES, {"content": value})):
        for opinion in read_opinions(body, ANSWER, [7]).values():
            assert 0.0 <= opinion.probability <= 1.0


def test_judges_are_chosen_for_their_independence() -> None:
    small, other = Model("c", "gpt-4o-mini", "m", SMALL.price), Model("d", "claude-3", "m", SMALL.price)
    judges = [small, other, BIG]
    assert choose_judge(judges, "x/gpt-4o", "gpt") == other
    assert choose_judge(judges, other.id, "claude") == small
    assert choose_judge(judges, "x/gpt-4o", "gpt", {other.id}) == BIG
    assert choose_judge(judges, "", "", {judge.id for judge in judges}) is None
    assert family_name("openai/gpt-4o-mini") == family_name("gpt-4.1") == "gpt"
