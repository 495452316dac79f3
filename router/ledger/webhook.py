"""Tells an operator's own server something, signed as standardwebhooks.com describes, through the guard."""

import asyncio
import base64
import hashlib
import hmac
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import msgspec

from router.tools.guard import Allowance, Blocked, check_url, guarded_client

logger = logging.getLogger("maestro.webhook")
PAUSES_SECONDS = (0.0, 1.0, 5.0, 30.0, 120.0, 600.0)
"""Before each attempt; after the last one it is given up."""


@dataclass(frozen=True, slots=True)
class Told:
    """What is told. `id` stays the same however often it is sent, so that a receiver can drop repeats."""

    id: str
    type: str
    data: Mapping[str, Any]
    url: str = field(repr=False)


class Webhook:
    """Delivers at least once, or says in the log that it could not."""

    def __init__(
        self,
        secret: str | None,
        allowance: Allowance,
        now: Callable[[], float] = time.time,
        pauses_seconds: Sequence[float] = PAUSES_SECONDS,
    ) -> None:
        self._secret = secret
        self._allowance = allowance
        self._now = now
        self.pauses_seconds = pauses_seconds

    async def deliver(self, told: Told) -> bool:
        """Sends until it is taken (2xx); False if it was given up."""
        if not self._secret:
            logger.error("webhook %s (%s) is not sent: no secret to sign it with is set", told.id, told.type)
            return False
        problem = ""
        async with guarded_client(self._allowance) as client:
            for pause in self.pauses_seconds:
                await asyncio.sleep(pause)
                problem = await self._post(client, told, self._secret)
                if not problem:
                    return True
        logger.error("webhook %s (%s) is given up: %s", told.id, told.type, problem)
        return False

    async def _post(self, client: httpx.AsyncClient, told: Told, secret: str) -> str:
        """What went wrong; empty if nothing did."""
        sent_at = int(self._now())
        body = msgspec.json.encode({"type": told.type, "timestamp": sent_at, "data": told.data})
        headers = {"content-type": "application/json", **signed(told.id, sent_at, body, secret)}
        try:
            answer = await client.post(check_url(told.url), content=body, headers=headers)
        except Blocked as error:
            return str(error)
        except httpx.HTTPError as error:
            return type(error).__name__
        return "" if answer.is_success else f"status {answer.status_code}"


def signed(message_id: str, sent_at: int, body: bytes, secret: str) -> dict[str, str]:
    """The headers that prove who sent it, and when (unix seconds). `whsec_…` secrets are base64, others as they are."""
    key = base64.b64decode(secret.removeprefix("whsec_")) if secret.startswith("whsec_") else secret.encode()
    signature = hmac.new(key, f"{message_id}.{sent_at}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(sent_at),
        "webhook-signature": f"v1,{base64.b64encode(signature).decode()}",
    }
