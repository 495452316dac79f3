"""Who asks: the bearer token of a request; and what holds while no key is configured."""

import ipaddress
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

from router.errors import Forbidden, Unauthenticated
from router.ledger.registry import Registry
from router.task import Caller, Defaults

LONGEST_TOKEN = 512
LOOK_AGAIN_SECONDS = 1.0


def bearer_token(headers: Mapping[str, str]) -> str | None:
    """The token of `Authorization: Bearer …`, or None without that header. Raises Unauthenticated if malformed."""
    said = headers.get("authorization")
    if said is None:
        return None
    scheme, _, token = said.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or len(token) > LONGEST_TOKEN:
        raise Unauthenticated("The Authorization header must be 'Bearer YOUR_KEY'.")
    return token or None


def is_loopback(host: str) -> bool:
    """Is this address reachable from this machine only?"""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


KEY_PREFIX = "mk-"


class Door:
    """Lets callers in. While there is no key at all, whoever is on this machine is the operator; a web page is not."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._is_locked = False
        self._looked = float("-inf")

    async def is_locked(self) -> bool:
        """Is a key needed? Once there is a key, it stays so; one made meanwhile is noticed within a second."""
        now = time.monotonic()
        if not self._is_locked and now - self._looked > LOOK_AGAIN_SECONDS:
            self._is_locked = await self._registry.has_keys()
            self._looked = now
        return self._is_locked

    async def admit(self, headers: Mapping[str, str], team: str | None) -> Caller:
        """The caller. Raises Unauthenticated, or Forbidden for a team this key may not name."""
        token = bearer_token(headers)
        if token is not None and token.startswith(KEY_PREFIX):
            self._looked = float("-inf")  # somebody has a key: look at once
        if not self._is_locked and not await self.is_locked():
            refuse_web_pages(headers)
            point = await self._registry.point_of(team or "")
            return Caller(team=team or "", is_operator=True, defaults=Defaults(operating_point=point))
        if token is None:
            raise Unauthenticated("You didn't provide an API key: send it as 'Authorization: Bearer YOUR_KEY'.")
        return await self._registry.authenticate(token, team)


def refuse_web_pages(headers: Mapping[str, str]) -> None:
    """Without keys, a page in this machine's browser could spend money: refuse foreign origins and rebound names."""
    origin, host = headers.get("origin"), headers.get("host", "localhost")
    if origin is not None and not is_loopback(host_in(origin)):
        raise Forbidden("Without API keys, requests from web pages of other origins are refused.")
    if not is_loopback(host_in(f"//{host}")):
        raise Forbidden("Without API keys, only requests to localhost are served: create a key (maestro keys create).")


def host_in(url: str) -> str:
    """The host of a URL; empty where it has none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
