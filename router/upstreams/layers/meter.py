"""Money around one HTTP attempt: held before the first byte leaves, settled exactly once, whatever happens."""

import asyncio

from router.errors import UpstreamError
from router.upstreams.transport import OpenStream, Request, Transport, close_after
from router.upstreams.upstream import AttemptMeter, Outcome, Reply


class Meter:
    """Innermost layer around the network, so that a retry is another attempt and a wait for a slot holds no money.

    A refusal (4xx, 5xx, no connection) is not billed. An answer, a stream left early, and a failure after which the
    upstream may charge all the same are settled: by the upstream's own count, else by what came, else as held. A meter
    takes a word before it first waits, so that no cancellation comes between the two.
    """

    def __init__(self, inner: Transport) -> None:
        self._inner = inner

    async def send(self, request: Request) -> Reply:
        """As the inner one, paid."""
        meter, started = await self._begin(request)
        try:
            reply = await self._inner.send(request)
        except UpstreamError as error:
            await _charge_failure(meter, error, _now() - started)
            raise
        except asyncio.CancelledError:
            await meter.settle(None, _now() - started, "cancelled", "cancelled")
            raise
        await meter.settle(reply.usage, reply.seconds, "ok", None, not reply.usage_is_told)
        return reply

    async def open(self, request: Request) -> OpenStream:
        """As the inner one; paid when the stream is closed."""
        meter, started = await self._begin(request)
        try:
            stream = await self._inner.open(request)
        except UpstreamError as error:
            await _charge_failure(meter, error, _now() - started)
            raise
        except asyncio.CancelledError:
            await meter.settle(None, _now() - started, "cancelled", "cancelled")
            raise
        close_after(stream, lambda: _charge_stream(meter, stream, started))
        return stream

    async def _begin(self, request: Request) -> tuple[AttemptMeter, float]:
        call = request.call
        return await call.purse.begin(request.model, call.purpose, call.expected), _now()


async def _charge_failure(meter: AttemptMeter, error: UpstreamError, seconds: float) -> None:
    if error.may_be_billed:
        await meter.settle(None, seconds, "error", error.message)
    else:
        await meter.not_billed(error.message)


async def _charge_stream(meter: AttemptMeter, stream: OpenStream, started: float) -> None:
    progress = stream.progress
    outcome: Outcome = "error" if progress.failure else "ok" if progress.is_finished else "cancelled"
    error = progress.failure or (None if progress.is_finished else "left before its end")
    await meter.settle(stream.usage, _now() - started, outcome, error, progress.usage is None)


def _now() -> float:
    return asyncio.get_running_loop().time()
