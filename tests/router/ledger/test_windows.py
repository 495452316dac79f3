from hypothesis import given
from hypothesis import strategies as st

from router.ledger.ledger import Window
from router.ledger.windows import window_end, window_start

WINDOWS: list[Window] = ["day", "week", "month"]


@given(st.sampled_from(WINDOWS), st.floats(0, 4e9))
def test_a_moment_lies_in_its_window_and_windows_meet(window: Window, now: float) -> None:
    start = window_start(window, now)
    end = window_end(window, start)
    assert end is not None
    assert start <= now < end
    assert window_start(window, end) == end
    assert window_start(window, end - 1) == start


def test_windows_begin_at_stated_times() -> None:
    noon = 1_795_694_400  # Thursday 2026-11-26 12:00 UTC
    assert window_start("day", noon) == noon - 12 * 3600
    assert window_start("week", noon) == noon - 12 * 3600 - 3 * 86400
    assert window_start("month", noon) == noon - 12 * 3600 - 25 * 86400
    assert window_start("total", noon) == 0
