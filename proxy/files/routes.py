"""The routes: method and path → handler, with the parts of the path in braces given to it."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from litestar import asgi
from litestar.handlers import ASGIRouteHandler

from proxy.assembly import Rooms
from proxy.errors import simple_error
from proxy.exchange import Answer, Exchange, Receive, Scope, Send
from proxy.files import files, stores
from proxy.files.files import Missing
from proxy.house import House
from proxy.route import Handler, Route

STORE, ENTRY, BATCH = "/{store_id}", "/{store_id}/files/{file_id}", "/{store_id}/file_batches/{batch}"
FILES: Mapping[str, Mapping[str, Any]] = {
    "": {"GET": files.list_files, "POST": files.create_file},
    "/{file_id}": {"GET": files.find_file, "DELETE": files.delete_file},
    "/{file_id}/content": {"GET": files.file_content},
}
STORES: Mapping[str, Mapping[str, Any]] = {
    "": {"GET": stores.list_stores, "POST": stores.create_store},
    STORE: {"GET": stores.find_store, "POST": stores.change_store, "DELETE": stores.delete_store},
    f"{STORE}/search": {"POST": stores.search_store},
    f"{STORE}/files": {"GET": stores.list_entries, "POST": stores.add_entry},
    ENTRY: {"GET": stores.find_entry, "POST": stores.change_entry, "DELETE": stores.delete_entry},
    f"{ENTRY}/content": {"GET": stores.entry_content},
    f"{STORE}/file_batches": {"POST": stores.create_batch},
    BATCH: {"GET": stores.find_batch},
    f"{BATCH}/cancel": {"POST": stores.cancel_batch},
    f"{BATCH}/files": {"GET": stores.batch_entries},
}


@dataclass(frozen=True)
class Way:
    """One path with the routes of its methods."""

    pattern: re.Pattern[str]
    routes: Mapping[str, Route]


def ways_of(house: House, prefix: str, table: Mapping[str, Mapping[str, Any]]) -> list[Way]:
    """The paths under a prefix."""
    ways = []
    for path, handlers in table.items():
        pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", prefix + path) + "/?")
        routes = {
            method: Route(house, prefix + path, method, _with_parts(handler, pattern))
            for method, handler in handlers.items()
        }
        ways.append(Way(pattern, routes))
    return ways


def _with_parts(handler: Callable[..., Awaitable[Answer]], pattern: re.Pattern[str]) -> Handler:
    async def handle(exchange: Exchange, rooms: Rooms) -> Answer:
        found = pattern.fullmatch(exchange.path)
        try:
            return await handler(exchange, rooms, **(found.groupdict() if found else {}))
        except Missing as error:
            told = simple_error(404, error.message, error.code, error.param)
            return Answer(told.body, told.status)

    return handle


def file_routes(house: House) -> list[ASGIRouteHandler]:
    """What Litestar mounts: everything under `/v1/files` and `/v1/vector_stores`."""
    unknown = Route(house, "unknown", "GET", _unknown)
    return [
        _mount("/v1/files", ways_of(house, "/v1/files", FILES), unknown),
        _mount("/v1/vector_stores", ways_of(house, "/v1/vector_stores", STORES), unknown),
    ]


def _mount(prefix: str, ways: list[Way], unknown: Route) -> ASGIRouteHandler:
    @asgi(prefix, is_mount=True, copy_scope=True)
    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        path = str(scope["path"])
        scope = {**scope, "path": path if path.startswith(prefix) else prefix + path.rstrip("/")}
        for way in ways:
            if way.pattern.fullmatch(scope["path"]):
                route = way.routes.get(scope["method"]) or next(iter(way.routes.values()))
                await route(scope, receive, send)
                return
        await unknown(scope, receive, send)

    return serve


async def _unknown(exchange: Exchange, _: Rooms) -> Answer:
    told = simple_error(404, f"Unknown request URL: {exchange.method} {exchange.path}.", "unknown_url")
    return Answer(told.body, told.status)
