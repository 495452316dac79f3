"""The guard of every request to an address that a client or model named: no way into private networks.

A host is resolved once, every address it has is checked, and the connection goes to one of them, so that a second
answer of the name server changes nothing. Redirects are not followed.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import httpcore
import httpx

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_NAT64_LOCAL = ipaddress.IPv6Network("64:ff9b:1::/48")
_SHARED = ipaddress.IPv4Network("100.64.0.0/10")


class Blocked(Exception):
    """The address may not be called; the message says why, without what was found there."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What the operator allows besides public addresses: host names (with an optional port) as they stand in a URL."""

    hosts: frozenset[str] = frozenset()

    @classmethod
    def of(cls, hosts: Iterable[str]) -> "Allowance":
        """From a setting."""
        return cls(frozenset(host.strip().lower() for host in hosts))

    def covers(self, host: str, port: int) -> bool:
        """Is this host listed, by itself or with its port?"""
        host = host.strip("[]").lower().rstrip(".")
        return host in self.hosts or f"{host}:{port}" in self.hosts


def embedded(address: Address) -> Address:
    """The IPv4 address inside an IPv6 one that only carries it (mapped, 6to4, Teredo, NAT64)."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None) or address


def is_public(text: str) -> bool:
    """May anybody be called there? Not at private, loopback, link-local (metadata), shared and reserved addresses."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    inner = embedded(address)
    if isinstance(inner, ipaddress.IPv4Address) and inner in _SHARED:
        return False
    if isinstance(inner, ipaddress.IPv6Address) and (
        inner in _NAT64_LOCAL or inner.is_site_local or int(inner) >> 32 == 0
    ):
        return False
    return inner.is_global and not (inner.is_multicast or inner.is_reserved or inner.is_unspecified)


async def resolve(host: str, port: int) -> Sequence[str]:
    """All addresses of a host. Raises Blocked if it has none."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        raise Blocked(f"'{host}' cannot be resolved") from None
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


async def choose_address(host: str, port: int, allowance: Allowance, resolver: Resolve = resolve) -> str:
    """The address to connect to. Raises Blocked if one of the host's is not public and the host is not allowed."""
    host = host.strip("[]")
    addresses = await resolver(host, port)
    if not addresses:
        raise Blocked(f"'{host}' cannot be resolved")
    if not allowance.covers(host, port) and not all(map(is_public, addresses)):
        raise Blocked(f"'{host}' is not a public address")
    return addresses[0]


class _Backend(httpcore.AsyncNetworkBackend):
    """Connects only where the guard allows."""

    def __init__(self, allowance: Allowance, resolver: Resolve) -> None:
        self._allowance = allowance
        self._resolver = resolver
        self._next = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  (httpcore's signature)
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """To the checked address; the name stays the one that TLS verifies."""
        address = await choose_address(host, port, self._allowance, self._resolver)
        return await self._next.connect_tcp(address, port, timeout, local_address, socket_options)

    async def connect_unix_socket(self, path: str, timeout: float | None = None, socket_options: Any = None) -> Any:  # noqa: ASYNC109
        """Never."""
        raise Blocked("local sockets are not called")

    async def sleep(self, seconds: float) -> None:
        """As httpcore asks."""
        await self._next.sleep(seconds)


class GuardedTransport(httpx.AsyncHTTPTransport):
    """httpx's own transport, over connections that the guard made."""

    def __init__(self, allowance: Allowance, resolver: Resolve = resolve) -> None:
        super().__init__(trust_env=False)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=httpx.create_ssl_context(trust_env=False),
            max_connections=32,
            keepalive_expiry=5.0,
            network_backend=_Backend(allowance, resolver),
        )


def guarded_client(allowance: Allowance, seconds: float = 10.0, resolver: Resolve = resolve) -> httpx.AsyncClient:
    """An HTTP client for addresses that others named: guarded, without redirects, proxies or cookies of ours."""
    return httpx.AsyncClient(
        transport=GuardedTransport(allowance, resolver), timeout=seconds, follow_redirects=False, trust_env=False
    )


def check_url(url: str) -> httpx.URL:
    """A URL fit to be called: http(s), a host, no user in it. Raises Blocked."""
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError):
        raise Blocked("not a URL") from None
    if parsed.scheme not in ("http", "https") or not parsed.host or parsed.userinfo:
        raise Blocked("only http(s) URLs without a user name are called")
    return parsed
