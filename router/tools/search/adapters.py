"""Search engines' wire shapes: SearXNG, Tavily, Brave, and others under the entry point group `maestro.web_search`."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import unescape
from importlib.metadata import EntryPoint, entry_points
from typing import Protocol

import httpx

GROUP = "maestro.web_search"
COUNT = 10
_TAG = re.compile(r"<[^>]{0,200}>")


class EngineError(Exception):
    """The engine that was asked for cannot be used."""


@dataclass(frozen=True, slots=True)
class Found:
    """One result. `score` from 0 to 1 where the engine tells one."""

    url: str
    title: str
    text: str
    score: float | None = None


class Adapter(Protocol):
    """One engine's shape. A custom one is a class made with `(base_url, key)`."""

    @property
    def name(self) -> str:
        """As in the settings."""
        ...

    async def search(self, client: httpx.AsyncClient, query: str, prefixes: Sequence[str]) -> Sequence[Found]:
        """The first results. Raises httpx.HTTPError, ValueError, KeyError, TypeError for an answer that is none."""
        ...


@dataclass(frozen=True)
class SearXNG:
    """`GET /search?q=…&format=json` (the instance must allow the format json)."""

    base_url: str | None
    key: str | None
    name: str = "searxng"

    async def search(self, client: httpx.AsyncClient, query: str, prefixes: Sequence[str]) -> Sequence[Found]:
        """Results in the instance's order; its scores have no bound, so that they are not told."""
        url = f"{(self.base_url or 'http://127.0.0.1:8080').rstrip('/')}/search"
        headers = {"authorization": f"Bearer {self.key}"} if self.key else {}
        answer = await client.get(url, params={"q": with_sites(query, prefixes), "format": "json"}, headers=headers)
        answer.raise_for_status()
        return [
            Found(one["url"], plain(one.get("title")), plain(one.get("content"))) for one in answer.json()["results"]
        ]


@dataclass(frozen=True)
class Tavily:
    """`POST /search` with a bearer key."""

    base_url: str | None
    key: str | None
    name: str = "tavily"

    async def search(self, client: httpx.AsyncClient, query: str, prefixes: Sequence[str]) -> Sequence[Found]:
        """Results with their relevance."""
        body: dict[str, object] = {"query": query[:400], "max_results": COUNT, "search_depth": "basic"}
        if prefixes:
            body["include_domains"] = sorted({host_of(prefix) for prefix in prefixes})
        url = f"{(self.base_url or 'https://api.tavily.com').rstrip('/')}/search"
        answer = await client.post(url, json=body, headers={"authorization": f"Bearer {self.key or ''}"})
        answer.raise_for_status()
        return [
            Found(one["url"], plain(one.get("title")), plain(one.get("content")), one.get("score"))
            for one in answer.json()["results"]
        ]


@dataclass(frozen=True)
class Brave:
    """`GET /res/v1/web/search` with `X-Subscription-Token`."""

    base_url: str | None
    key: str | None
    name: str = "brave"

    async def search(self, client: httpx.AsyncClient, query: str, prefixes: Sequence[str]) -> Sequence[Found]:
        """Web results with their extra snippets."""
        url = f"{(self.base_url or 'https://api.search.brave.com').rstrip('/')}/res/v1/web/search"
        asked = {"q": with_sites(query, prefixes)[:400], "count": str(COUNT), "extra_snippets": "true"}
        headers = {"x-subscription-token": self.key or "", "accept": "application/json"}
        answer = await client.get(url, params=asked, headers=headers)
        answer.raise_for_status()
        results = (answer.json().get("web") or {}).get("results") or []
        return [
            Found(one["url"], plain(one.get("title")), plain("\n".join([one.get("description") or "", *more(one)])))
            for one in results
        ]


BUILT_IN: dict[str, Callable[[str | None, str | None], Adapter]] = {
    "searxng": SearXNG,
    "tavily": Tavily,
    "brave": Brave,
}


def load_adapter(
    name: str, base_url: str | None, key: str | None, found: Iterable[EntryPoint] | None = None
) -> Adapter:
    """The engine of this name. Raises EngineError."""
    if name in BUILT_IN:
        return BUILT_IN[name](base_url, key)
    points = {point.name: point for point in (entry_points(group=GROUP) if found is None else found)}
    if name not in points:
        known = ", ".join(sorted([*BUILT_IN, *points]))
        raise EngineError(f"no web search engine is named '{name}'; known are {known}")
    try:
        adapter: Adapter = points[name].load()(base_url, key)
    except (ImportError, AttributeError, TypeError) as error:
        raise EngineError(f"web search engine '{name}': {error}") from error
    return adapter


def with_sites(query: str, prefixes: Sequence[str]) -> str:
    """The query, bound to the hosts of some URLs in the words that engines understand."""
    hosts = sorted({host_of(prefix) for prefix in prefixes})
    return f"{query} {' OR '.join(f'site:{host}' for host in hosts)}" if hosts else query


def host_of(prefix: str) -> str:
    """The host of a URL prefix, with or without a scheme."""
    return prefix.partition("://")[2].partition("/")[0] if "://" in prefix else prefix.partition("/")[0]


def more(result: dict[str, object]) -> list[str]:
    """Brave's extra snippets."""
    snippets = result.get("extra_snippets")
    return [str(snippet) for snippet in snippets] if isinstance(snippets, list) else []


def plain(text: object) -> str:
    """Without tags and entities."""
    return unescape(_TAG.sub("", text)) if isinstance(text, str) else ""
