"""Whether and when to try the same model again: pure."""

from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from router.errors import UpstreamBusy, UpstreamError, UpstreamFailed, UpstreamLost, UpstreamRejected, UpstreamTimeout
from router.upstreams.layers.breaker import Resting

FIRST_WAIT_SECONDS = 0.25
LONGEST_WAIT_SECONDS = 8.0
LONGEST_RETRY_AFTER_SECONDS = 30.0
CONFLICT = 409


def wait_before_retry(error: UpstreamError, failures: int, draw: float, unix_now: float) -> float | None:
    """Seconds to wait before the next attempt at the same model; None: do not.

    Lost connections, connections that never stood, 5xx, 409 and 429 are tried again; other 4xx, a refused key, an
    answer that made no sense (it was paid for) and an answer that never came within the upstream's time are not.
    The upstream's own Retry-After and x-should-retry decide where given; else the wait doubles from 0.25 s to 8 s,
    times `draw` (0.5 to 1). `failures` counts those before this one.
    """
    headers = error.answer.headers if error.answer else {}
    if not is_retryable(error) or headers.get("x-should-retry") == "false":
        return None
    told = retry_after_seconds(headers, unix_now)
    if told is not None:
        return told if told <= LONGEST_RETRY_AFTER_SECONDS else None
    return float(min(FIRST_WAIT_SECONDS * 2**failures, LONGEST_WAIT_SECONDS) * draw)


def is_retryable(error: UpstreamError) -> bool:
    """Could the same request succeed in a moment?"""
    if isinstance(error, UpstreamRejected):
        return error.answer is not None and error.answer.status == CONFLICT
    if isinstance(error, Resting):
        return False
    if isinstance(error, UpstreamBusy):
        return error.answer is None or b"insufficient_quota" not in error.answer.body
    if isinstance(error, UpstreamLost):
        return True
    return isinstance(error, UpstreamFailed | UpstreamTimeout) and not error.may_be_billed


def may_fall_back(error: UpstreamError) -> bool:
    """Could another model answer? A request that one upstream finds wrong is wrong; a model it lacks is not."""
    if isinstance(error, UpstreamRejected):
        return error.answer is not None and error.answer.status in (404, 409, 410)
    return True


def retry_after_seconds(headers: Mapping[str, str], unix_now: float) -> float | None:
    """What `retry-after-ms` or `retry-after` (seconds or a date) asks for; None if absent or senseless."""
    try:
        if "retry-after-ms" in headers:
            return _sane(float(headers["retry-after-ms"]) / 1000)
        return _sane(float(headers["retry-after"]))
    except KeyError:
        return None
    except ValueError:
        return _until_date(headers.get("retry-after", ""), unix_now)


def _sane(wait: float) -> float | None:
    return wait if 0 <= wait < float("inf") else None


def _until_date(date: str, unix_now: float) -> float | None:
    try:
        return max(0.0, parsedate_to_datetime(date).timestamp() - unix_now)
    except (ValueError, OverflowError):
        return None
