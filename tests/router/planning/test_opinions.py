"""What opinions that agree or differ say: the closed form against every outcome, on polls drawn by hypothesis."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.planning.opinions import Poll, after_opinion, coincidences, expected_best
from router.planning.situation import Coincidence

PARTICLES = 5
shares = st.floats(0.01, 0.99)


@st.composite
def polls(draw: st.DrawFn) -> tuple[Poll, np.ndarray, np.ndarray]:
    """A poll after up to four opinions, the chances of two more actions, and c of each particle."""
    dice = np.random.default_rng(draw(st.integers(0, 10**6)))
    coincidence = coincidences(Coincidence(draw(shares), draw(st.floats(0, 3))), PARTICLES)
    poll = Poll(np.full((1, PARTICLES, 1), 1 / PARTICLES), ())
    for _ in range(draw(st.integers(0, 4))):
        children = list(after_opinion(poll, dice.uniform(0.05, 0.95, (1, PARTICLES)), coincidence))
        poll = children[draw(st.integers(0, len(children) - 1))]
    return poll, dice.uniform(0.05, 0.95, (PARTICLES, 2)), coincidence


@given(polls())
def test_one_more_opinion_loses_no_mass_and_its_closed_form_is_the_sum_over_what_may_be_said(
    drawn: tuple[Poll, np.ndarray, np.ndarray],
) -> None:
    poll, chances, coincidence = drawn
    for action in range(chances.shape[1]):
        children = list(after_opinion(poll, chances[:, action][None, :], coincidence))
        assert sum(child.masses.sum() for child in children) == pytest.approx(poll.masses.sum())
        expected = sum(float(child.best()[0]) for child in children)
        assert expected_best(poll, chances, coincidence)[0, action] == pytest.approx(expected)


@given(polls())
def test_an_opinion_never_lowers_the_expected_best(drawn: tuple[Poll, np.ndarray, np.ndarray]) -> None:
    poll, chances, coincidence = drawn
    assert (expected_best(poll, chances, coincidence) >= poll.best()[0] - 1e-12).all()


def agreed(of: Coincidence, opinions: int) -> float:
    """The chance that an answer is right which so many gave, each right six times in ten."""
    count = 256
    coincidence = coincidences(of, count)
    poll = Poll(np.full((1, count, 1), 1 / count), ())
    for _ in range(opinions):
        poll = next(after_opinion(poll, np.full((1, count), 0.6), coincidence))
    return float(poll.best()[0] / poll.masses.sum())


def test_where_some_tasks_are_traps_agreement_of_many_proves_less() -> None:
    assert agreed(Coincidence(0.2, 0.0), 2) > agreed(Coincidence(0.2, 1.0), 2) > 0.6
    assert agreed(Coincidence(0.2, 0.0), 4) > 0.99 > agreed(Coincidence(0.2, 1.5), 4)
    assert agreed(Coincidence(0.2, 1.0), 4) > agreed(Coincidence(0.2, 1.0), 2)


@given(shares, st.floats(0, 3), st.integers(1, 300))
def test_coincidences_are_shares_about_their_centre(centre: float, spread: float, count: int) -> None:
    found = coincidences(Coincidence(centre, spread), count)
    assert ((found >= 0.0) & (found <= 1.0)).all()
    if count >= 200:
        assert np.median(found) == pytest.approx(centre, abs=0.03 + 0.05 * spread)
    if spread == 0.0:
        assert found == pytest.approx(np.full(count, centre))
