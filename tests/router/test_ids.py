"""Names are unique, and those made later sort later."""

import time

from router.ids import new_id


def test_no_two_names_are_the_same() -> None:
    names = [new_id() for _ in range(10_000)]
    assert len(set(names)) == len(names)
    assert all(len(name) == 32 and int(name, 16) for name in names)


def test_a_name_of_a_later_millisecond_sorts_later() -> None:
    first, moment = new_id(), time.time_ns() // 1_000_000
    while time.time_ns() // 1_000_000 == moment:
        pass
    assert first < new_id()
