"""What is remembered for a moment: as a plain list of what was put and when would have it."""

from hypothesis import given
from hypothesis import strategies as st

from router.ledger.fresh import Fresh

MOST, SECONDS = 3, 1.0
ACTS = st.lists(st.tuples(st.sampled_from("abcde"), st.floats(0.0, 0.7), st.booleans()), max_size=60)


@given(ACTS)
def test_found_while_fresh_and_among_the_latest(acts: list[tuple[str, float, bool]]) -> None:
    now = 0.0
    known: Fresh[str, int] = Fresh(MOST, SECONDS, lambda: now)
    put: list[tuple[str, int, float]] = []
    for number, (key, passed, puts) in enumerate(acts):
        now += passed
        if puts:
            known.put(key, number)
            put = [*(one for one in put if one[0] != key), (key, number, now + SECONDS)][-MOST:]
        wanted = {name: value for name, value, until in put if now < until}
        assert {name: known.get(name) for name in "abcde"} == {name: wanted.get(name) for name in "abcde"}
        assert len(known) <= MOST
    known.clear()
    assert not len(known)
