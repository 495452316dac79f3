"""The call's own deadline over everything below: queueing, retries, fallbacks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from router.errors import UpstreamTimeout
from router.upstreams.upstream import Call


@asynccontextmanager
async def within_deadline(call: Call) -> AsyncIterator[None]:
    """Raises UpstreamTimeout when the call's deadline passes; what runs below is cancelled and settled first."""
    try:
        async with asyncio.timeout_at(call.deadline):
            yield
    except TimeoutError as error:
        upstream = call.model.upstream
        raise UpstreamTimeout(f"upstream '{upstream}' did not answer by the deadline", upstream) from error
