"""Searches the web: one adapter for each engine, results cached, pages read, cost in the run's ledger."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlsplit

import anyio
import httpx
from cachetools import TTLCache

from action_model.prices import Price, Usage
from router.errors import UpstreamError, UpstreamFailed, UpstreamTimeout
from router.tools.passages import Passage
from router.tools.search.adapters import Adapter, Found
from router.tools.specs import WebSearch
from router.upstreams.upstream import Model, Purse

MOST_CACHED = 2000


class Pages(Protocol):
    """Reads pages."""

    async def read(self, url: str) -> str | None:
        """The page's main text; None where it cannot or may not be read."""
        ...


@dataclass(frozen=True)
class SearchTerms:
    """Who pays for a run's searches, and by when they must be done (event-loop time)."""

    purse: Purse | None = None
    deadline: float | None = None


@dataclass
class Engine:
    """One engine. `seconds` bound one search."""

    adapter: Adapter
    client: httpx.AsyncClient
    pages: Pages | None = None
    usd_per_search: float = 0.0
    read_pages: int = 3
    seconds: float = 20.0
    cache_seconds: float = 900.0
    timer: Callable[[], float] = time.monotonic
    _cache: TTLCache[tuple[str, tuple[str, ...]], tuple[Found, ...]] = field(init=False)

    def __post_init__(self) -> None:
        self._cache = TTLCache(MOST_CACHED, max(self.cache_seconds, 0.001), timer=self.timer)

    @property
    def model(self) -> Model:
        """The engine as the ledger knows it: a price for each search."""
        price = Price(0.0, 0.0, usd_per_request=self.usd_per_search)
        return Model("tools", f"web_search:{self.adapter.name}", "web_search", price)

    async def passages(self, query: str, spec: WebSearch, terms: SearchTerms) -> list[Passage]:
        """Results within the URL prefixes, the first pages read. Raises UpstreamError."""
        key = (query, spec.prefixes)
        found = self._cache.get(key)
        if found is None:
            found = tuple(one for one in await self._paid(query, spec, terms) if within(one.url, spec.prefixes))
            self._cache[key] = found
        kept = found[: spec.limit]
        texts: dict[int, str] = {}

        async def read(place: int, url: str) -> None:
            text = await self.pages.read(url) if self.pages is not None else None
            if text:
                texts[place] = best_part(text, query)

        with anyio.move_on_after(self.seconds):
            async with anyio.create_task_group() as group:
                for place, one in enumerate(kept[: self.read_pages]):
                    group.start_soon(read, place, one.url)
        return [
            Passage(0, "web", one.url, one.title or one.url, texts.get(i) or one.text, _score(one, i), i)
            for i, one in enumerate(kept)
            if texts.get(i) or one.text
        ]

    async def _paid(self, query: str, spec: WebSearch, terms: SearchTerms) -> Sequence[Found]:
        """One search, held before it leaves and charged once it is answered."""
        meter = await terms.purse.begin(self.model, "tool", Usage()) if terms.purse is not None else None
        began = self.timer()
        try:
            with anyio.fail_after(self.seconds):
                found = await self.adapter.search(self.client, query, spec.prefixes)
        except (httpx.HTTPError, ValueError, KeyError, TypeError, TimeoutError) as error:
            if meter is not None:
                await meter.not_billed(type(error).__name__)
            raise failure(error, self.adapter.name) from None
        if meter is not None:
            await meter.settle(Usage(), self.timer() - began, "ok")
        return found


def failure(error: Exception, name: str) -> UpstreamError:
    """Why a search brought nothing, without the key."""
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return UpstreamTimeout(f"The search engine '{name}' did not answer in time.", name)
    status = f" ({error.response.status_code})" if isinstance(error, httpx.HTTPStatusError) else ""
    return UpstreamFailed(f"The search engine '{name}' gave no results{status}: {type(error).__name__}.", name)


def within(url: str, prefixes: Sequence[str]) -> bool:
    """AI21's URL filter: by host (with its subdomains), or by host and the beginning of the path."""
    return not prefixes or any(_matches(url, prefix) for prefix in prefixes)


def _matches(url: str, prefix: str) -> bool:
    wanted = urlsplit(prefix if "://" in prefix else f"//{prefix}")
    found = urlsplit(url)
    if wanted.scheme and wanted.scheme != found.scheme:
        return False
    host, asked = (found.hostname or "").lower(), (wanted.hostname or "").lower()
    if not asked or not (host == asked or host.endswith(f".{asked}")):
        return False
    path = wanted.path.rstrip("/")
    return not path or found.path == path or found.path.startswith(f"{path}/")


def best_part(text: str, query: str, most: int = 2000) -> str:
    """The stretch of a page that shares most words with the query."""
    if len(text) <= most:
        return text
    words = {word for word in query.lower().split() if len(word) > 2}
    starts = range(0, len(text) - most // 2, most // 2)
    lowered = text.lower()
    best = max(starts, key=lambda at: (sum(word in lowered[at : at + most] for word in words), -at))
    return text[best : best + most]


def _score(found: Found, place: int) -> float:
    """The engine's own score, else one that falls with the place."""
    return min(max(found.score, 0.0), 1.0) if found.score is not None else 1.0 / (1.0 + 0.2 * place)
