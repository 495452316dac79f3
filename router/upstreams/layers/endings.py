"""Work that must be finished whatever happens to the one who waits for it."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import anyio


async def finish(work: Coroutine[Any, Any, None]) -> None:
    """Carries `work` to its end even while the caller is being cancelled; the cancellation goes on afterwards."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    with anyio.CancelScope(shield=True):
        while not task.done():
            try:
                await asyncio.shield(task)
            except asyncio.CancelledError as error:
                cancelled = error
            except Exception:  # noqa: BLE001 - raised by `task.result()` below
                break
    task.result()
    if cancelled is not None:
        raise cancelled
