"""How a lane widens, narrows and rests."""

from hypothesis import given
from hypothesis import strategies as st

from scripts.offline.pace import LONGEST_TOLD_SECONDS, Lane

EVENTS = st.lists(
    st.tuples(st.floats(0, 5), st.sampled_from(["well", "busy", "told"]), st.floats(0, 10_000)), max_size=40
)


@given(st.integers(1, 300), EVENTS)
def test_nothing_begins_before_the_rest_that_was_asked_for_is_over(
    most: int, events: list[tuple[float, str, float]]
) -> None:
    lane, now, asked = Lane(most, float(most)), 0.0, 0.0
    for step, what, seconds in events:
        now += step
        if what == "well":
            lane.went_well()
        else:
            lane.was_busy(now, seconds if what == "told" else None)
            asked = max(asked, now + min(seconds, LONGEST_TOLD_SECONDS)) if what == "told" else asked
        assert 1.0 <= lane.window <= most
        assert 0 <= lane.free(now) <= most
        assert lane.free(now) == 0 or now >= asked


def test_refusals_of_one_moment_halve_the_window_once() -> None:
    lane = Lane(64, 64.0)
    for _ in range(20):
        lane.was_busy(1.0, 2.0)
    assert lane.window == 32.0
    assert lane.free(2.9) == 0
    assert lane.free(3.0) == 32
    lane.was_busy(3.0)
    lane.was_busy(3.1)
    assert lane.window == 16.0
