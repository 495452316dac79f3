"""What is kept back of a budget's seconds follows how late runs ended, within a share of the budget."""

from hypothesis import given
from hypothesis import strategies as st

from router.punctuality import LEAST_SECONDS, MOST_SHARE, REMEMBERED, Punctuality

SECONDS = st.floats(0.0, 100.0)


@given(st.lists(SECONDS, max_size=200), st.floats(0.0, 1000.0))
def test_it_is_never_more_than_a_share_of_the_budget_nor_than_the_latest_end(late: list[float], budget: float) -> None:
    it = Punctuality()
    for one in late:
        it.observe(one)
    kept = it.kept_back(budget)
    assert 0.0 <= kept <= MOST_SHARE * budget
    assert kept <= max([LEAST_SECONDS, *late[-REMEMBERED:]])


@given(st.floats(0.01, 10.0))
def test_nine_in_ten_late_ends_would_have_been_in_time_and_old_ones_are_forgotten(late: float) -> None:
    it = Punctuality()
    for _ in range(REMEMBERED):
        it.observe(late)
    assert it.kept_back(1e6) == late
    for _ in range(REMEMBERED):
        it.observe(0.0)
    assert it.kept_back(1e6) == LEAST_SECONDS
