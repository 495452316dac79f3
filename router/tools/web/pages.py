"""Reads web pages: guard, robots.txt, size and time limits, at most five redirects, main text by the converter."""

import contextlib
import time
from collections.abc import Callable
from urllib import robotparser
from urllib.parse import urljoin

import anyio
import httpx
from cachetools import TTLCache

from router.tools.documents.convert import ConvertLimits, Unreadable, convert
from router.tools.guard import Blocked, check_url

AGENT = "MaestroBot"
MOST_BYTES = 3_000_000
MOST_REDIRECTS = 5
NAMES = {"text/html": "page.html", "application/xhtml+xml": "page.html", "text/plain": "page.txt"}
NAMES |= {"application/pdf": "page.pdf", "text/markdown": "page.md"}


class PageReader:
    """Fetches through a guarded client; what was read is cached, also that there was nothing."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        *,
        obey_robots: bool = True,
        seconds: float = 15.0,
        cache_seconds: float = 900.0,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._obey_robots = obey_robots
        self._seconds = seconds
        self._pages: TTLCache[str, str | None] = TTLCache(500, max(cache_seconds, 0.001), timer=timer)
        self._robots: TTLCache[str, robotparser.RobotFileParser] = TTLCache(500, 3600.0, timer=timer)

    async def read(self, url: str) -> str | None:
        """The page's main text; None where it cannot or may not be read. Never raises for what a server does."""
        with contextlib.suppress(KeyError):  # looked up once: it may age between two looks
            return self._pages[url]
        try:
            with anyio.fail_after(self._seconds):
                fetched = await self._fetch(url)
            text = None if fetched is None else await convert(fetched[0], fetched[1], ConvertLimits(15, 512))
        except (httpx.HTTPError, Blocked, Unreadable, TimeoutError):
            text = None
        self._pages[url] = text
        return text

    async def _fetch(self, url: str) -> tuple[str, bytes] | None:
        """A name for the converter, and the bytes; each step of a redirect is checked anew."""
        for _ in range(MOST_REDIRECTS + 1):
            check_url(url)
            if not await self._may_read(url):
                return None
            async with self._client.stream("GET", url, headers={"user-agent": AGENT}) as answer:
                if answer.has_redirect_location:
                    url = urljoin(url, answer.headers["location"])
                    continue
                kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
                if answer.status_code != 200 or kind not in NAMES:
                    return None
                return NAMES[kind], await _bounded(answer)
        return None

    async def _may_read(self, url: str) -> bool:
        if not self._obey_robots:
            return True
        origin = urljoin(url, "/robots.txt")
        rules = self._robots.get(origin)
        if rules is None:
            rules = self._robots[origin] = robotparser.RobotFileParser()
            rules.parse(await self._robots_lines(origin))
        return rules.can_fetch(AGENT, url)

    async def _robots_lines(self, url: str) -> list[str]:
        """RFC 9309: no file allows all; a server in trouble forbids all."""
        try:
            async with self._client.stream("GET", url, headers={"user-agent": AGENT}) as answer:
                if answer.status_code >= 500:
                    return ["User-agent: *", "Disallow: /"]
                text = (await _bounded(answer)).decode("utf-8", "replace") if answer.status_code == 200 else ""
        except httpx.HTTPError:
            return ["User-agent: *", "Disallow: /"]
        return text.splitlines()


async def _bounded(answer: httpx.Response) -> bytes:
    """The body. Raises Unreadable for one that is too large."""
    body = b""
    async for piece in answer.aiter_bytes():
        body += piece
        if len(body) > MOST_BYTES:
            raise Unreadable(f"The page is larger than {MOST_BYTES} bytes.")
    return body
