"""A new model joins a checkpoint."""

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from action_model.actions import Action, Offer, Portfolio
from action_model.checkpoint import DEFAULT, load_checkpoint, save_checkpoint
from action_model.facts import Facts
from action_model.learned import LearnedEstimator
from action_model.newcomer import family_of
from action_model.onboard import Label, Newcomer, next_questions, onboard
from action_model.prices import Price

TEXTS = [f"Compute {n} + {n * 7} and explain each step." for n in range(12)] + [
    f"Who wrote the book number {n} of Roman history?" for n in range(12)
]
NEW = Newcomer("brand-new-9b", 0.0005)


def success_of(estimator: LearnedEstimator, text: str, family: str) -> float:
    offers = Portfolio((Offer(Action("up/x"), Price(1.0, 2.0), family=family),))
    return estimator.believe(Facts(text, 50), offers).estimates[0].success


def test_labels_move_the_new_model_towards_what_was_seen() -> None:
    learnt, _ = load_checkpoint(DEFAULT)
    blank = LearnedEstimator(onboard(learnt, NEW, []))
    good = LearnedEstimator(onboard(learnt, NEW, [Label(text, 1.0, 30) for text in TEXTS]))
    bad = LearnedEstimator(onboard(learnt, NEW, [Label(text, 0.0, 3000) for text in TEXTS]))
    low, middle, high = (success_of(some, TEXTS[0], NEW.name) for some in (bad, blank, good))
    assert low < middle < high


def test_everything_else_stays_bit_for_bit(tmp_path: Path) -> None:
    learnt, card = load_checkpoint(DEFAULT)
    labels = [Label(text, 1.0, 40, {learnt.models[0]: 1.0, learnt.models[1]: 0.0}) for text in TEXTS[:3]]
    after = onboard(learnt, NEW, labels)
    for each in fields(learnt):
        if each.name != "joined":
            assert getattr(after, each.name) is getattr(learnt, each.name)
    save_checkpoint(tmp_path / "after", after, card)
    again, said = load_checkpoint(tmp_path / "after")
    assert said.joined == (NEW.name,)
    old, new = LearnedEstimator(learnt), LearnedEstimator(again)
    for family in (learnt.models[0].split(":", 1)[1], "somebody-else"):
        assert success_of(old, TEXTS[0], family) == success_of(new, TEXTS[0], family)
    assert success_of(old, TEXTS[0], NEW.name) != success_of(new, TEXTS[0], NEW.name)


def test_a_model_that_joins_again_replaces_itself() -> None:
    learnt, _ = load_checkpoint(DEFAULT)
    twice = onboard(onboard(learnt, NEW, []), NEW, [Label(TEXTS[0], 1.0)])
    assert twice.joined.names == (NEW.name,)
    assert twice.joined.labels.tolist() == [1.0]


def test_the_next_questions_are_new_ones_and_differ_from_each_other() -> None:
    learnt, _ = load_checkpoint(DEFAULT)
    chosen = next_questions(learnt, NEW, TEXTS, {0: 1.0, 13: 0.0}, 6)
    assert len(set(chosen)) == 6
    assert not {0, 13} & set(chosen)
    assert {index < 12 for index in chosen} == {True, False}
    assert len(next_questions(learnt, NEW, TEXTS[:3], {1: 1.0}, 9)) == 2


@pytest.mark.parametrize(
    ("name", "family"),
    [("meta-llama/Meta-Llama-3.1-8B", "llama"), ("gpt-4o-mini", "gpt"), ("mistralai/Mixtral-8x7B", "mixtral")],
)
def test_relatives_share_a_word(name: str, family: str) -> None:
    assert family_of(name) == family


def test_a_dearer_newcomer_is_expected_to_be_abler() -> None:
    learnt, _ = load_checkpoint(DEFAULT)
    cheap, dear = (onboard(learnt, Newcomer("new", usd), []).joined.bias[0] for usd in (1e-5, 1e-2))
    assert cheap < dear
    assert np.isfinite([cheap, dear]).all()


def test_a_smaller_newcomer_is_expected_to_be_less_able_whatever_its_family() -> None:
    learnt, _ = load_checkpoint(DEFAULT)
    by_name = [onboard(learnt, Newcomer(f"qwen2.5-{size}b"), []).joined.bias[0] for size in ("0.5", "7", "72")]
    assert by_name == sorted(by_name)
    told = onboard(learnt, Newcomer("qwen-of-ours", parameters_billions=0.5), []).joined.bias[0]
    assert told == pytest.approx(by_name[0])
