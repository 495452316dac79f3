"""When operators are told of a budget, and how a receiver knows that it was us."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.ledger.ledger import Notice, Standing
from router.ledger.notices import due
from router.ledger.sqlite import SqliteLedger
from router.ledger.webhook import signed
from tests.router.ledger.conftest import Clock

NOW = 1_790_000_000.0


def standing(limit: int | None, spent: int, soft_limit: float | None) -> Standing:
    return Standing("team", "search", "day", limit, spent, 0, None, soft_limit)


@given(st.none() | st.integers(0, 1000), st.integers(0, 2000), st.none() | st.floats(0.01, 1.0))
def test_each_word_is_due_from_its_threshold_on_and_never_without_a_limit(
    limit: int | None, spent: int, soft: float | None
) -> None:
    events = [notice.event for notice, _ in due([standing(limit, spent, soft)], NOW)]
    assert ("soft_limit" in events) == (limit is not None and soft is not None and spent >= soft * limit)
    assert ("spent" in events) == (limit is not None and spent >= limit)


def test_a_new_window_is_another_notice() -> None:
    today, tomorrow = (next(due([standing(10, 10, None)], now))[0] for now in (NOW, NOW + 86_400))
    assert today != tomorrow


@pytest.mark.anyio
async def test_one_process_tells_a_notice_until_its_patience_ends(ledger: SqliteLedger, clock: Clock) -> None:
    notice = Notice("team", "search", 0, "soft_limit")
    assert await ledger.claim_notice(notice, 60.0)
    assert not await ledger.claim_notice(notice, 60.0)
    clock.now += 61
    assert await ledger.claim_notice(notice, 60.0)
    await ledger.confirm_notice(notice)
    clock.now += 1e6
    assert not await ledger.claim_notice(notice, 60.0)


def test_a_signature_is_as_the_standard_s_own_example() -> None:
    """The example of standardwebhooks.com's reference libraries."""
    headers = signed(
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert base64.b64decode(signed("a", 1, b"", "plain")["webhook-signature"].removeprefix("v1,"))
