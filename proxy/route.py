"""A route as a raw ASGI application inside Litestar: the framework's request layer costs more than our whole work.

Key, body, disconnects, errors, counters: the same for every route; a handler only reads and answers.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping

from litestar import asgi
from litestar import route as http_route
from litestar.handlers import ASGIRouteHandler, HTTPRouteHandler
from litestar.types import ASGIApp, Method

from proxy.answers.sse import event
from proxy.assembly import Rooms
from proxy.control.fields import team_in
from proxy.errors import ErrorAnswer, error_answer, error_object, simple_error
from proxy.exchange import Answer, ClientLeft, Exchange, Receive, Scope, Send, SlowBody
from proxy.house import House
from proxy.profiles.clothe import clothe, may_name_profile
from proxy.serving.metrics import CLIENT_LEFT
from proxy.telemetry.requests_log import Note, Served
from router.errors import MaestroError, Unavailable

Handler = Callable[[Exchange, Rooms], Awaitable[Answer | None]]

log = logging.getLogger("maestro.proxy")


class Route:
    """Serves one path and method. `handler` answers, or streams and returns None."""

    def __init__(self, house: House, path: str, method: str, handler: Handler) -> None:
        self._house = house
        self._method = method
        self._handler = handler
        self._path = path
        self._metrics = house.metrics.route(path)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The outermost edge: whatever happens, the client gets an answer in OpenAI's shape."""
        exchange, started = Exchange(scope, receive, send, self._house.ids.next()), time.perf_counter()
        note = None if self._house.log is None else self._house.log.begin()
        try:
            await self._serve(exchange)
        except ClientLeft:
            exchange.status = CLIENT_LEFT
        except asyncio.CancelledError:
            await self._fail(exchange, Unavailable("The server is shutting down; send the request again."))
            raise
        except Exception as error:  # noqa: BLE001 - the outermost edge
            await self._fail(exchange, error)
        finally:
            seconds = time.perf_counter() - started
            self._metrics.count(exchange.status, seconds)
            if note is not None:
                self._log(exchange, note, seconds)

    def _log(self, exchange: Exchange, note: Note, seconds: float) -> None:
        if self._house.log is not None:
            caller = exchange.caller
            served = Served(exchange.request_id, self._path, exchange.status, caller.team, caller.key_id, seconds)
            self._house.log.served(served, note, self._house.now())

    async def _serve(self, exchange: Exchange) -> None:
        if exchange.method != self._method and not (exchange.method == "HEAD" and self._method == "GET"):
            await send_error(exchange, wrong_method(exchange.method, exchange.path, self._method))
            return
        with self._house.gate.enter():
            await self._admit(exchange)
            async with exchange.watched():
                answer = await self._handler(exchange, self._house.rooms)
            if answer is not None:
                if exchange.caller.team and "x-maestro-team" not in answer.headers:
                    exchange.told |= await self._house.money(exchange.caller)
                await exchange.send(answer)

    async def _admit(self, exchange: Exchange) -> None:
        """Key first, then the body; only a body can name a team by `metadata.maestro_team`."""
        team = exchange.headers.get("x-maestro-team")
        exchange.caller = await self._house.admit(exchange.headers, team)
        if self._method != "GET":
            await exchange.read_body(self._house.most_body_bytes)
            named = None if team else team_in(exchange.body)
            if named is not None:
                exchange.caller = await self._house.admit(exchange.headers, named)
            exchange.told |= self._house.rate(exchange.caller)
            if may_name_profile(exchange.body, self._house.settings.aliases):
                await self._clothe(exchange)

    async def _clothe(self, exchange: Exchange) -> None:
        """The model `maestro/NAME` is a profile of the caller's team."""
        house = self._house
        dressed = await clothe(exchange.caller, exchange.body, house.desk.configs, house.settings.aliases)
        exchange.caller, exchange.body = dressed.caller, dressed.body
        if dressed.profile is not None:
            exchange.told["x-maestro-profile"] = dressed.profile

    async def _fail(self, exchange: Exchange, error: BaseException) -> None:
        """The error as a status, or inside a stream as its last event."""
        if not isinstance(error, MaestroError | SlowBody):
            log.error("request %s failed", exchange.request_id, exc_info=error)
        if exchange.has_started:
            await exchange.write(event({"error": error_object(error)}))
            await exchange.end()
            return
        if isinstance(error, SlowBody):
            await send_error(exchange, simple_error(408, "The body did not come in time.", "request_timeout"))
            return
        if exchange.caller.team:
            exchange.told |= await self._house.money(exchange.caller)
        status = self._house.settings.server.budget_error_status
        await send_error(exchange, error_answer(error, self._house.now(), status))


async def send_error(exchange: Exchange, error: ErrorAnswer) -> None:
    """Sends an error as a whole answer."""
    await exchange.send(Answer(error.body, error.status, error.headers))


def wrong_method(method: str, path: str, allowed: str) -> ErrorAnswer:
    """405 in OpenAI's words."""
    message = f"Not allowed to {method} on {path} (HINT: Perhaps you meant to make a {allowed} request?)"
    told = simple_error(405, message, "method_not_supported")
    return ErrorAnswer(told.status, told.body, {"allow": allowed})


class Routes:
    """Serves one path whose methods have handlers of their own."""

    def __init__(self, house: House, path: str, handlers: Mapping[Method, Handler]) -> None:
        self._house = house
        self._routes = {method: Route(house, path, method, handler) for method, handler in handlers.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """By the method; 405 for another."""
        method = scope["method"]
        route = self._routes.get("GET" if method == "HEAD" else method)
        if route is not None:
            await route(scope, receive, send)
            return
        exchange = Exchange(scope, receive, send, self._house.ids.next())
        await send_error(exchange, wrong_method(method, exchange.path, ", ".join(self._routes)))


def mount(house: House, path: str, method: Method, handler: Handler) -> ASGIRouteHandler | HTTPRouteHandler:
    """The route of one method."""
    return _mounted(house, path, Route(house, path, method, handler), [method])


def mount_all(house: House, path: str, handlers: Mapping[Method, Handler]) -> ASGIRouteHandler | HTTPRouteHandler:
    """The routes of several methods of one path."""
    return _mounted(house, path, Routes(house, path, handlers), list(handlers))


def _mounted(
    house: House, path: str, route: Route | Routes, methods: list[Method]
) -> ASGIRouteHandler | HTTPRouteHandler:
    """As Litestar takes it: raw, unless its path has parameters, which raw routes may not have."""
    if "{" in path:

        @http_route(path, http_method=methods, status_code=200, include_in_schema=False)
        async def hand_over() -> ASGIApp:
            return route

        return hand_over

    house.direct[path] = route

    @asgi(path, copy_scope=True)
    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        await route(scope, receive, send)

    return serve
