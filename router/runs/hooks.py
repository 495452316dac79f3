"""Tells a client's own server how its run ended: signed as standardwebhooks.com describes, through the guard.

Delivered at least once: a webhook is stored with the end of its run, and is due again until it was taken (2xx).
"""

import asyncio
import base64
import binascii
import logging
import time
from collections.abc import Callable, Sequence

import httpx
import msgspec

from router.errors import BadRequest
from router.ledger.webhook import signed
from router.runs.ticket import Hook, Tickets
from router.tools.guard import Allowance, Blocked, check_url, guarded_client

log = logging.getLogger("maestro.hooks")
PAUSES_SECONDS = (1.0, 5.0, 30.0, 300.0, 1800.0, 7200.0, 18000.0)
"""After each failed attempt; after the last one it is given up."""
PATIENCE_SECONDS = 60.0
"""A process that took a webhook and was killed: how long until another may take it."""


class Hooks:
    """Sends what is due. `deliver` is called again and again; it returns at once while nothing is due."""

    def __init__(
        self,
        tickets: Tickets,
        allowance: Allowance,
        now: Callable[[], float] = time.time,
        pauses_seconds: Sequence[float] = PAUSES_SECONDS,
    ) -> None:
        self._tickets = tickets
        self._allowance = allowance
        self._now = now
        self._pauses_seconds = pauses_seconds
        self._sending: set[asyncio.Task[None]] = set()

    async def deliver(self) -> None:
        """Begins to send what is due now."""
        for hook in await self._tickets.due_hooks(PATIENCE_SECONDS):
            task = asyncio.create_task(self._send(hook))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def close(self) -> None:
        """Ends what is being sent: it will be due again."""
        for task in tuple(self._sending):
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)

    async def _send(self, hook: Hook) -> None:
        problem = await self._post(hook)
        if not problem:
            await self._tickets.close_hook(hook.id, None)
        elif hook.tries < len(self._pauses_seconds):
            await self._tickets.close_hook(hook.id, self._now() + self._pauses_seconds[hook.tries])
        else:
            log.error("webhook %s (%s) is given up: %s", hook.id, hook.event, problem)
            await self._tickets.close_hook(hook.id, None)

    async def _post(self, hook: Hook) -> str:
        """What went wrong; empty if nothing did."""
        sent_at = int(self._now())
        body = msgspec.json.encode({"type": hook.event, "timestamp": sent_at, "data": hook.data})
        headers = {"content-type": "application/json", **signed(hook.id, sent_at, body, hook.secret)}
        try:
            async with guarded_client(self._allowance) as client:
                answer = await client.post(check_url(hook.url), content=body, headers=headers)
        except Blocked as error:
            return str(error)
        except httpx.HTTPError as error:
            return type(error).__name__
        return "" if answer.is_success else f"status {answer.status_code}"


def check_hook(url: str, secret: str) -> None:
    """Raises BadRequest naming the part that could never work: a URL we do not call, a secret that signs nothing."""
    try:
        check_url(url)
    except Blocked as error:
        raise BadRequest(f"'webhook.url': {error}.", "webhook.url") from None
    try:
        base64.b64decode(secret.removeprefix("whsec_"), validate=True) if secret.startswith("whsec_") else None
    except (binascii.Error, ValueError):
        raise BadRequest("'webhook.secret': what follows whsec_ must be base64.", "webhook.secret") from None
