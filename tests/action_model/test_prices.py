"""What a call costs: every kind of token at its own price, and never less than the true cost."""

from dataclasses import replace
from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from action_model.prices import Price, Usage

COUNTS = st.integers(0, 10**6)
USD = st.integers(0, 10**5).map(lambda cents: cents / 100)
PLAIN = Price(1.0, 4.0)
EVERY = Price(
    1.0,
    4.0,
    cached_input_usd_per_mtok=0.1,
    cache_write_usd_per_mtok=1.25,
    reasoning_usd_per_mtok=8.0,
    audio_input_usd_per_mtok=32.0,
    audio_output_usd_per_mtok=64.0,
    usd_per_request=0.005,
    usd_per_second=0.002,
    image_input_usd_per_mtok=2.0,
    image_output_usd_per_mtok=40.0,
)


@pytest.mark.parametrize(
    ("usage", "usd"),
    [
        (Usage(1_000_000), 1.0),
        (Usage(0, 1_000_000), 4.0),
        (Usage(1_000_000, cached_input_tokens=400_000), 0.6 + 0.04),
        (Usage(1_000_000, cache_write_tokens=400_000), 0.6 + 0.5),
        (Usage(1_000_000, cached_input_tokens=300_000, cache_write_tokens=300_000), 0.4 + 0.03 + 0.375),
        (Usage(0, 1_000_000, reasoning_tokens=500_000), 2.0 + 4.0),
        (Usage(1_000_000, audio_input_tokens=500_000), 0.5 + 16.0),
        (Usage(0, 1_000_000, audio_output_tokens=500_000), 2.0 + 32.0),
        (Usage(1_000_000, image_input_tokens=500_000), 0.5 + 1.0),
        (Usage(0, 1_000_000, image_output_tokens=500_000), 2.0 + 20.0),
    ],
)
def test_every_kind_of_token_has_its_price(usage: Usage, usd: float) -> None:
    assert EVERY.usd(usage) == pytest.approx(usd + 0.005)


def test_requests_and_seconds_are_paid_too() -> None:
    assert EVERY.usd(Usage(), seconds=10) == pytest.approx(0.005 + 0.02)


def test_a_long_input_is_charged_wholly_at_its_tier() -> None:
    tiered = Price(1.0, 4.0, tiers=((200_000, Price(2.0, 6.0)),))
    assert tiered.usd(Usage(200_000, 1000)) == pytest.approx(0.2 + 0.004)
    assert tiered.usd(Usage(200_001, 1000)) == pytest.approx(0.400002 + 0.006)


def test_a_model_paid_by_the_second_is_not_held_for_nothing() -> None:
    assert Price(0.0, 0.0, usd_per_second=0.01).held_nanodollars(Usage(10, 200)) == 100_000_000
    assert PLAIN.held_nanodollars(Usage(10, 200)) == PLAIN.nanodollars(Usage(10, 200))


@given(COUNTS, COUNTS, st.integers(0, 10**6), st.integers(0, 10**6))
def test_a_hold_covers_whatever_of_it_is_thought_or_cached(asked: int, answered: int, part: int, rest: int) -> None:
    """But not audio and images, which a request has to bring."""
    used = Usage(
        asked, answered, min(rest, asked - min(part, asked)), min(part, asked), reasoning_tokens=min(part, answered)
    )
    price = replace(EVERY, usd_per_second=0.0)
    assert price.nanodollars(used) <= price.held_nanodollars(Usage(asked, answered))


@given(COUNTS, COUNTS, USD, USD)
def test_rounding_is_up_and_by_a_nanodollar_at_most(asked: int, answered: int, inward: float, outward: float) -> None:
    exact = Fraction(str(inward)) * asked + Fraction(str(outward)) * answered
    charged = Price(inward, outward).nanodollars(Usage(asked, answered))
    assert -1e-6 <= charged - exact * 1000 <= 1


@given(st.lists(COUNTS, min_size=9, max_size=9), st.sampled_from(Usage.__struct_fields__))
def test_more_tokens_never_cost_less(counts: list[int], name: str) -> None:
    usage = Usage(*counts)
    whole = msgspec.structs.replace(usage, input_tokens=10**8, output_tokens=10**8)
    assert EVERY.usd(msgspec.structs.replace(usage, input_tokens=usage.input_tokens + 1)) >= EVERY.usd(usage) - 1e-12
    if name not in ("input_tokens", "output_tokens", "cached_input_tokens"):
        assert EVERY.usd(msgspec.structs.replace(whole, **{name: getattr(whole, name) + 1})) >= EVERY.usd(whole) - 1e-9
