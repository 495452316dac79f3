"""The one owner of retries: the same model again, then its fallbacks, within one bounded number of attempts."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from router.errors import (
    UpstreamBusy,
    UpstreamError,
    UpstreamFailed,
    UpstreamLost,
    UpstreamTimeout,
    UpstreamUnauthorized,
)
from router.upstreams.upstream import Model

T = TypeVar("T")
LONGEST_WAIT_SECONDS = 10.0
RETRIED = (UpstreamBusy, UpstreamFailed, UpstreamLost)
FALLEN_BACK = (UpstreamBusy, UpstreamFailed, UpstreamLost, UpstreamTimeout, UpstreamUnauthorized)


async def first_success(
    models: Sequence[Model],
    attempts: int,
    retries: int,
    deadline: float | None,
    attempt: Callable[[Model], Awaitable[T]],
) -> T:
    """The first answer. A model is asked again up to `retries` times, then the next one; `attempts` bounds the sum.

    A rejected request (4xx) is final: it would be rejected again. Raises the last error, the first model's if the
    fallbacks only failed to connect.
    """
    left, errors = attempts, list[UpstreamError]()
    for position, model in enumerate(models):
        for again in range(retries + 1):
            if left <= 0:
                raise _most_telling(errors)
            left -= 1
            try:
                return await attempt(model)
            except FALLEN_BACK as error:
                errors.append(error)
                is_last_model = position == len(models) - 1
                wait = _wait(error, again, deadline, is_last_model)
                if wait is None or again == retries or left <= 0:
                    break
                await asyncio.sleep(wait)
    raise _most_telling(errors)


def retry_after_seconds(error: UpstreamError) -> float | None:
    """What the upstream asks us to wait, if it says so in seconds."""
    said = error.answer.headers.get("retry-after") if error.answer else None
    try:
        return None if said is None else max(0.0, float(said))
    except ValueError:
        return None


def _wait(error: UpstreamError, again: int, deadline: float | None, is_last_model: bool) -> float | None:
    """Seconds until the same model may be asked again; None if it is not worth it."""
    if not isinstance(error, RETRIED):
        return None
    asked = retry_after_seconds(error)
    if asked is not None and (not is_last_model or asked > LONGEST_WAIT_SECONDS):
        return None
    wait = asked if asked is not None else 0.1 * 2**again * random.uniform(0.5, 1.5)
    if deadline is not None and asyncio.get_running_loop().time() + wait >= deadline:
        return None
    return wait


def _most_telling(errors: Sequence[UpstreamError]) -> UpstreamError:
    """An upstream that answered tells more than one that could not be reached."""
    answered = [error for error in errors if error.answer is not None]
    return answered[-1] if answered else errors[-1]
