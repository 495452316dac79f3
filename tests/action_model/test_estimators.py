"""What every estimator promises, and what a checkpoint keeps."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from action_model.actions import Action, Offer, Portfolio
from action_model.belief import Belief, Evidence, Repair
from action_model.checkpoint import DEFAULT, Card, CheckpointError, load_checkpoint, save_checkpoint
from action_model.estimator import Estimator
from action_model.facts import Facts
from action_model.features import WIDTH, featurize
from action_model.learned import LearnedEstimator, load_estimator
from action_model.prices import Price
from action_model.prior import PriorEstimator
from action_model.speed import Speed

ESTIMATORS: list[Estimator] = [PriorEstimator(), load_estimator()]
CHEAP, DEAR = Price(0.1, 0.4), Price(10.0, 40.0)
PORTFOLIO = Portfolio(
    (
        Offer(Action("a/cheap"), CHEAP, family="cheap"),
        Offer(Action("a/dear"), DEAR, family="dear"),
        Offer(Action("a/known"), Price(1, 3), family="Meta-Llama-3_1-70B-Instruct"),
    )
)
facts = st.builds(
    Facts,
    text=st.text(max_size=300),
    input_tokens=st.integers(0, 200_000),
    max_output_tokens=st.none() | st.integers(1, 5000),
    requirement_kinds=st.lists(st.sampled_from(["judge", "max_words", "json"]), max_size=12).map(tuple),
)


@pytest.mark.parametrize("estimator", ESTIMATORS)
@settings(max_examples=40, deadline=None)
@given(some=facts)
def test_every_prediction_is_possible(estimator: Estimator, some: Facts) -> None:
    belief = estimator.believe(some, PORTFOLIO)
    assert belief.weights.sum() == pytest.approx(1.0)
    for estimate in belief.estimates:
        assert 0.0 < estimate.success < 1.0
        assert 0.0 < estimate.output_tokens <= estimate.output_tokens_high
        assert 0.0 <= estimate.usd <= estimate.usd_high
        assert 0.0 < estimate.seconds <= estimate.seconds_high
        assert some.max_output_tokens is None or estimate.output_tokens_high <= some.max_output_tokens


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_more_requirements_are_harder_and_a_dearer_unknown_model_abler(estimator: Estimator) -> None:
    few = estimator.believe(Facts("Say it.", 10, requirement_kinds=("max_words",)), PORTFOLIO)
    many = estimator.believe(Facts("Say it.", 10, requirement_kinds=("max_words",) * 5), PORTFOLIO)
    assert few.estimates[0].success > many.estimates[0].success
    assert few.estimates[1].success > few.estimates[0].success


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_repair_of_little_is_likelier_than_of_much_and_tires(estimator: Estimator) -> None:
    belief = estimator.believe(Facts("Say it.", 10, requirement_kinds=("judge",) * 4), PORTFOLIO)
    little = estimator.fix_success(belief, 0, Repair(0.9, ("judge",), 4, 0))
    assert little > estimator.fix_success(belief, 0, Repair(0.1, ("judge",) * 4, 4, 0))
    assert little > estimator.fix_success(belief, 0, Repair(0.9, ("judge",), 4, 2))


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_failure_lowers_all_and_most_of_all_itself(estimator: Estimator) -> None:
    belief = estimator.believe(Facts("Say it.", 10), PORTFOLIO)
    before, after = belief.means(), belief.after(0, Evidence(0.0, 1.0)).means()
    assert (after < before).all()
    assert after[0] / before[0] < after[1] / before[1]


@given(st.lists(st.integers(0, 2), max_size=6))
def test_a_larger_set_is_never_less_likely_to_hold_a_success(indices: list[int]) -> None:
    belief = PriorEstimator().believe(Facts("Say it.", 10), PORTFOLIO)
    chances = [belief.success_of_set(indices[:k]) for k in range(len(indices) + 1)]
    assert chances == sorted(chances)
    assert all(0.0 <= chance <= 1.0 for chance in chances)


def test_evidence_that_says_nothing_changes_nothing() -> None:
    belief: Belief = PriorEstimator().believe(Facts("Say it.", 10), PORTFOLIO)
    np.testing.assert_allclose(belief.after(1, Evidence(1.0, 1.0)).means(), belief.means())


def test_a_slow_hour_is_seen_within_a_few_calls() -> None:
    speed = Speed()
    for _ in range(4):
        speed = speed.after(20.0, 100)
    now = PriorEstimator().believe(Facts("Say it.", 10), PORTFOLIO, {"a/cheap": speed})
    assert now.estimates[0].seconds > 3 * now.estimates[1].seconds


def test_quantiles_are_passed_one_time_in_ten_whatever_the_model_really_does() -> None:
    """Answers are ten times longer than expected, and three times slower from the middle on."""
    estimator, random = load_estimator(), np.random.default_rng(1)
    offer, speed, tokens_within, seconds_within = PORTFOLIO.offers[2], Speed(), [], []
    for i in range(400):
        expected = estimator.believe(Facts("Say it.", 10), Portfolio((offer,)), {"a/known": speed}).estimates[0]
        tokens = int(np.exp(random.normal(7.5, 0.8)))
        seconds = (0.4 + tokens / 50) * float(np.exp(random.normal(0.0, 0.3))) * (3.0 if i >= 200 else 1.0)
        tokens_within.append(tokens <= expected.output_tokens_high)
        seconds_within.append(seconds <= expected.seconds_high)
        speed = speed.after(seconds, tokens, 0.4, expected)
    assert 0.85 <= np.mean(tokens_within) <= 0.95
    assert 0.85 <= np.mean(seconds_within) <= 0.95


def test_dollars_follow_a_price_change_at_once() -> None:
    estimator = load_estimator()
    usd = [
        estimator.believe(Facts("Say it.", 10), Portfolio((Offer(Action("a/known"), price, family="gpt-4-0613"),)))
        .estimates[0]
        .usd
        for price in (Price(1, 3), Price(2, 6))
    ]
    assert usd[1] == pytest.approx(2 * usd[0])


def test_features_are_deterministic_and_of_one_width() -> None:
    once, again = featurize(["Prove that 2 + 2 = 4.", ""]), featurize(["Prove that 2 + 2 = 4.", ""])
    assert once.shape == (2, WIDTH)
    np.testing.assert_array_equal(once, again)


def test_a_known_model_is_told_apart_by_topic() -> None:
    estimator = load_estimator()
    texts = (
        "Who was Cicero, the Roman orator?",
        "Compute the determinant of the matrix [[3, 1], [2, 4]]. Options: A. 10",
    )
    assert len({estimator.believe(Facts(text, 10), PORTFOLIO).estimates[2].success for text in texts}) == 2


def test_a_checkpoint_comes_back_as_it_was_saved_and_the_same_bytes(tmp_path: Path) -> None:
    learnt, card = load_checkpoint(DEFAULT)
    save_checkpoint(tmp_path / "a", learnt, card)
    save_checkpoint(tmp_path / "b", learnt, card)
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    again, _ = load_checkpoint(tmp_path / "a")
    np.testing.assert_array_equal(again.latent.theta, learnt.latent.theta)
    LearnedEstimator(again).believe(Facts("Say it.", 10), PORTFOLIO)


@pytest.mark.parametrize("fault", ["version", "bytes", "missing"])
def test_a_checkpoint_that_does_not_match_is_refused(tmp_path: Path, fault: str) -> None:
    learnt, card = load_checkpoint(DEFAULT)
    changed = Card(card.models, card.tables, features_version=99) if fault == "version" else card
    save_checkpoint(tmp_path / "a", learnt, changed)
    if fault == "bytes":
        shutil.copy(DEFAULT.with_suffix(".json"), tmp_path / "a.json")
        (tmp_path / "a.safetensors").write_bytes(b"nonsense")
    if fault == "missing":
        (tmp_path / "a.json").unlink()
    with pytest.raises(CheckpointError):
        load_checkpoint(tmp_path / "a")


def test_the_default_checkpoint_is_small() -> None:
    assert DEFAULT.with_suffix(".safetensors").stat().st_size < 5 * 2**20


@pytest.mark.parametrize("estimator", ESTIMATORS)
@settings(max_examples=40, deadline=None)
@given(sizes=st.lists(st.floats(0.02, 2000), min_size=2, max_size=2, unique=True), usd=st.floats(0, 20))
def test_a_larger_unknown_model_is_abler_and_its_price_says_nothing_more(
    estimator: Estimator, sizes: list[float], usd: float
) -> None:
    prices = (Price(usd, usd), Price(0, 0), Price(usd, 4 * usd))
    some = [
        Offer(Action(f"a/{size:g}"), price, family="unheard-of", parameters_billions=size)
        for size, price in zip((*sorted(sizes), max(sizes)), prices, strict=True)
    ]
    small, large, same = (e.success for e in estimator.believe(Facts("Say it.", 10), Portfolio(tuple(some))).estimates)
    assert small < large
    assert same == pytest.approx(large)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_tiny_model_is_thought_able_of_little_and_of_repairing_less(estimator: Estimator) -> None:
    offers = Portfolio(
        tuple(
            Offer(Action("a/m", "fix"), Price(0, 0), family="unheard-of", parameters_billions=size)
            for size in (0.135, 400.0)
        )
    )
    belief = estimator.believe(Facts("Write a short note.", 10, requirement_kinds=("max_words",) * 2), offers)
    repair = Repair(0.8, ("max_words",), 2, 0)
    tiny, great = (estimator.fix_success(belief, i, repair) for i in (0, 1))
    assert belief.estimates[0].success < 0.25
    assert belief.estimates[1].success > 0.5
    assert tiny < 0.2
    assert great > 0.4


def test_texts_are_remembered_up_to_a_number_and_read_the_same_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("action_model.learned.REMEMBERED", 3)
    estimator = load_estimator()
    assert isinstance(estimator, LearnedEstimator)
    first = [estimator.demand(f"text {number}") for number in range(5)]
    assert len(estimator._texts) == 3
    assert all(np.array_equal(estimator.demand(f"text {number}"), one) for number, one in enumerate(first))
