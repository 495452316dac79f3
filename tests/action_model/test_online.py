"""Outcomes move predictions between trainings."""

import logging

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from action_model.actions import Action, Offer, Portfolio
from action_model.facts import Facts
from action_model.learned import load_estimator
from action_model.online import MOST_OFFSET, Online
from action_model.prices import Price

PORTFOLIO = Portfolio(
    (Offer(Action("up/a"), Price(1.0, 2.0), family="a"), Offer(Action("up/b"), Price(1.0, 2.0), family="b"))
)


def chances(text: str, estimator: object) -> list[float]:
    return [e.success for e in estimator.believe(Facts(text, 9), PORTFOLIO).estimates]  # type: ignore[attr-defined]


def test_failures_lower_an_action_and_no_other_at_once_and_more_where_they_happened() -> None:
    estimator = load_estimator()
    here, there = "Prove that the sum of two odd numbers is even.", "Who was Cicero, the Roman orator?"
    before, before_there = chances(here, estimator), chances(there, estimator)
    for _ in range(12):
        estimator.learn(here, Action("up/a"), chances(here, estimator)[0], 0.0)
    after, after_there = chances(here, estimator), chances(there, estimator)
    assert after[0] < before[0] - 0.1
    assert after[1] == before[1]
    assert after_there[0] < before_there[0]


@given(st.lists(st.tuples(st.integers(0, 7), st.floats(0, 1), st.sampled_from([0.0, 1.0])), max_size=60))
def test_an_offset_is_bounded_and_nothing_without_outcomes(seen: list[tuple[int, float, float]]) -> None:
    online = Online()
    assert online.offset(0, "a") == 0.0
    for cluster, predicted, outcome in seen:
        online.learn(cluster, "a", predicted, outcome)
    assert all(abs(online.offset(cluster, "a")) <= MOST_OFFSET for cluster in range(8))
    assert online.offset(0, "b") == 0.0


def test_counts_find_the_rate_that_really_is() -> None:
    online, random = Online(), np.random.default_rng(0)
    logit = 1.0
    for _ in range(400):
        p = 1 / (1 + np.exp(-logit - online.offset(1, "a")))
        online.learn(1, "a", float(p), float(random.random() < 0.4))
    assert 1 / (1 + np.exp(-logit - online.offset(1, "a"))) == pytest.approx(0.4, abs=0.08)


def test_the_alarm_is_raised_once_and_only_when_predicted_and_actual_part(caplog: pytest.LogCaptureFixture) -> None:
    calm, drifting = Online(), Online()
    with caplog.at_level(logging.WARNING, "maestro.drift"):
        for i in range(100):
            calm.learn(0, "a", 0.5, float(i % 2))
            drifting.learn(0, "b", 0.9, 0.0)
    assert not calm.alarms
    assert drifting.alarms == {"b"}
    assert len(caplog.records) == 1
