from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.errors import RateLimited
from router.ledger.buckets import Bucket, LocalShelf, SharedShelf, Shelf
from router.ledger.ledger import Account
from router.ledger.rates import RateLimits, Rates
from tests.router.ledger.conftest import Clock

ACCOUNT = Account("search", "key")


@pytest.fixture(params=["local", "shared"])
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shelf]:
    if request.param == "local":
        yield LocalShelf()
        return
    shared = SharedShelf(tmp_path / "buckets")
    yield shared
    shared.close()


@given(st.integers(1, 50), st.lists(st.floats(0, 30), max_size=120))
def test_never_more_than_the_limit_and_what_refilled(limit: int, pauses: list[float]) -> None:
    clock, let_in = Clock(0.0), 0
    rates = Rates(clock)
    for pause in pauses:
        clock.now += pause
        try:
            rates.admit(ACCOUNT, RateLimits(requests=limit))
        except RateLimited:
            continue
        let_in += 1
    assert let_in <= limit + clock.now * limit / 60 + 1e-6


def test_a_refusal_says_when_to_come_again() -> None:
    clock = Clock(0.0)
    rates = Rates(clock)
    rates.admit(ACCOUNT, RateLimits(requests=1))
    with pytest.raises(RateLimited) as refusal:
        rates.admit(ACCOUNT, RateLimits(requests=1))
    clock.now += refusal.value.retry_after_seconds
    rates.admit(ACCOUNT, RateLimits(requests=1))


def test_tokens_are_counted_after_the_call_and_refuse_the_next() -> None:
    clock = Clock(0.0)
    rates = Rates(clock)
    rates.admit(ACCOUNT, RateLimits(tokens=600))
    rates.spend(ACCOUNT, 900)
    with pytest.raises(RateLimited):
        rates.admit(ACCOUNT, RateLimits(tokens=600))
    clock.now += 31
    headers = rates.admit(ACCOUNT, RateLimits(tokens=600))
    assert 0 <= int(headers["x-ratelimit-remaining-tokens"]) <= 10


def test_requests_that_begin_together_do_not_all_pass(shelf: Shelf) -> None:
    rates, let_in = Rates(Clock(0.0), shelf), 0
    for _ in range(50):
        try:
            rates.admit(ACCOUNT, RateLimits(tokens=1000))
        except RateLimited:
            continue
        let_in += 1
    assert 4 <= let_in <= 5


def test_what_was_taken_in_advance_is_put_right_by_the_charge(shelf: Shelf) -> None:
    clock = Clock(0.0)
    rates = Rates(clock, shelf)
    for _ in range(40):
        rates.admit(ACCOUNT, RateLimits(tokens=1000))
        rates.spend(ACCOUNT, 20)
    rates.spend(ACCOUNT, 190)
    left = rates.admit(ACCOUNT, RateLimits(tokens=1000))["x-ratelimit-remaining-tokens"]
    assert left == "0"
    with pytest.raises(RateLimited):
        rates.admit(ACCOUNT, RateLimits(tokens=1000))


def test_a_key_is_held_to_its_own_limit_and_its_team_s(shelf: Shelf) -> None:
    rates = Rates(Clock(0.0), shelf)
    team, key = RateLimits(requests=3), RateLimits(requests=2)
    first = rates.admit(Account("search", "one"), team, key)
    assert (first["x-ratelimit-limit-requests"], first["x-ratelimit-remaining-requests"]) == ("2", "1")
    rates.admit(Account("search", "one"), team, key)
    with pytest.raises(RateLimited, match="key") as refusal:
        rates.admit(Account("search", "one"), team, key)
    assert refusal.value.told["x-ratelimit-remaining-requests"] == "0"
    rates.admit(Account("search", "two"), team, key)
    with pytest.raises(RateLimited, match="team"):
        rates.admit(Account("search", "two"), team, key)


def test_a_refusal_takes_nothing(shelf: Shelf) -> None:
    rates, clock = Rates(Clock(0.0), shelf), Clock(0.0)
    limits = RateLimits(requests=2, tokens=10)
    rates.admit(ACCOUNT, limits)
    rates.spend(ACCOUNT, 10)
    for _ in range(3):
        with pytest.raises(RateLimited):
            rates.admit(ACCOUNT, limits)
    later = Rates(clock, shelf)
    clock.now = 6.1
    assert later.admit(ACCOUNT, limits)["x-ratelimit-remaining-requests"] == "0"


def test_a_changed_limit_keeps_what_was_taken(shelf: Shelf) -> None:
    rates = Rates(Clock(0.0), shelf)
    for _ in range(2):
        rates.admit(ACCOUNT, RateLimits(requests=2))
    for _ in range(3):
        rates.admit(ACCOUNT, RateLimits(requests=5))
    with pytest.raises(RateLimited):
        rates.admit(ACCOUNT, RateLimits(requests=5))


def test_workers_share_a_limit_exactly(tmp_path: Path) -> None:
    shelves = [SharedShelf(tmp_path / "buckets") for _ in range(4)]
    workers = [Rates(Clock(0.0), shelf) for shelf in shelves]
    for index in range(8):
        workers[index % 4].admit(ACCOUNT, RateLimits(requests=8))
    for worker in workers:
        with pytest.raises(RateLimited):
            worker.admit(ACCOUNT, RateLimits(requests=8))
    for shelf in shelves:
        shelf.close()


@given(st.lists(st.tuples(st.integers(0, 400), st.floats(0, 1e6)), max_size=60))
def test_a_shared_shelf_keeps_what_a_local_one_keeps(puts: list[tuple[int, float]]) -> None:
    with TemporaryDirectory() as folder:
        local, shared = LocalShelf(), SharedShelf(Path(folder) / "buckets")
        for number, level in puts:
            for shelf in (local, shared):
                shelf.put(f"team:{number}", "requests", Bucket(60.0, level, 1.0))
        for number, _ in puts:
            assert local.get(f"team:{number}", "requests") == shared.get(f"team:{number}", "requests")
        assert shared.get("team:other", "requests") is None
        shared.close()
