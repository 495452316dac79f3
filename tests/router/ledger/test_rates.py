import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.errors import RateLimited
from router.ledger.ledger import Account
from router.ledger.rates import RateLimits, Rates
from tests.router.ledger.conftest import Clock

ACCOUNT = Account("search", "key")


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
    assert headers["x-ratelimit-remaining-tokens"] == "10"


def test_workers_share_a_limit() -> None:
    rates = Rates(Clock(0.0), workers=4)
    for _ in range(2):
        rates.admit(ACCOUNT, RateLimits(requests=8))
    with pytest.raises(RateLimited):
        rates.admit(ACCOUNT, RateLimits(requests=8))
