"""The application: every route, built once around the rooms that live between start and stop."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Any

from litestar import Litestar, Request, Response
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, ScalarRenderPlugin
from litestar.types import ControllerRouterHandler, Method

from proxy.admin.routes import admin_router
from proxy.assembly import build_router
from proxy.auth import is_loopback
from proxy.batches.routes import BatchRoutes
from proxy.chat import chat
from proxy.dashboard.routes import dashboard_router
from proxy.errors import ErrorAnswer, error_answer, simple_error
from proxy.exchange import JSON
from proxy.files.routes import file_routes
from proxy.health import health_routes
from proxy.house import House
from proxy.openapi import api_paths
from proxy.passthrough import completions, embeddings
from proxy.profiles.routes import ModelRoutes
from proxy.reload import reloading_on_signal
from proxy.responses.route import responses
from proxy.route import Handler, mount, mount_all, wrong_method
from proxy.runs.desk import open_desk
from proxy.runs.feedback import FeedbackRoutes
from proxy.runs.routes import RunRoutes
from proxy.settings import Settings, SettingsError
from proxy.studio.agents import AgentRoutes
from router.errors import MaestroError

SETTLE_SECONDS = 2.0
PREFIXES = ("/v1", "/studio/v1")
"""AI21's SDK calls `{api_host}/maestro/runs`; its host may end in either."""

log = logging.getLogger("maestro.proxy")


def create_app(settings: Settings, reread: Callable[[], Settings] | None = None) -> Litestar:
    """The whole proxy. Its rooms are built when the server starts; an exposed proxy without keys does not start.

    `reread` reads the settings anew, for a reload while it runs.
    """
    house = House(settings, reread=reread)

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        async with open_house(house):
            yield

    app = Application(
        route_handlers=[
            *api_routes(house),
            *file_routes(house),
            *health_routes(house),
            admin_router(house),
            dashboard_router(house),
        ],
        lifespan=[lifespan],
        exception_handlers={HTTPException: answer_http_error, Exception: answer_error},
        after_request=id_adder(house),
        openapi_config=OpenAPIConfig(
            title="Maestro", version="1", render_plugins=[ScalarRenderPlugin(), JsonRenderPlugin()]
        ),
        logging_config=None,
    )
    app.state.house, app.direct = house, house.direct
    app.openapi_schema.paths = {**api_paths(), **(app.openapi_schema.paths or {})}
    return app


class Application(Litestar):
    """Litestar, with a short way to the busiest routes, and one line that says why it did not start."""

    direct: Mapping[str, Callable[[Any, Any, Any], Awaitable[None]]] = MappingProxyType({})
    """The routes by path that are served without the framework's routing."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serves a request, or the life of the application.

        Routing and two layers of error handling, which our routes do not need, would cost a tenth of a whole relay.
        """
        if scope["type"] != "lifespan":
            route = self.direct.get(scope["path"]) or super().__call__
            await route(scope, receive, send)
            return
        house: House = self.state.house

        async def tell(message: Any) -> None:
            if message["type"] == "lifespan.startup.failed" and house.problem:
                message = {**message, "message": house.problem}
            await send(message)

        await super().__call__(scope, receive, tell)


@asynccontextmanager
async def open_house(house: House) -> AsyncIterator[None]:
    """The rooms, from start to stop. Raises SettingsError, Unavailable; the house remembers why."""
    try:
        rooms = await build_router(house.settings)
    except (SettingsError, MaestroError) as error:
        house.problem = str(error)
        raise
    house.open(rooms)
    try:
        await check_exposure(house)
        async with open_desk(rooms, house.gate) as desk:
            house.open_desk = desk
            with reloading_on_signal(house):
                yield
    except SettingsError as error:
        house.problem = str(error)
        raise
    finally:
        await leave(house)
        await rooms.close()


async def leave(house: House) -> None:
    """Lets requests that were just cancelled settle, for a moment, before the rooms close under them."""
    house.gate.is_draining = True
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(SETTLE_SECONDS):
            await house.gate.until_empty()
    await house.close()


def api_routes(house: House) -> list[ControllerRouterHandler]:
    """The routes of the API."""
    models = ModelRoutes(house)
    return [
        mount(house, "/v1/chat/completions", "POST", chat),
        mount(house, "/v1/completions", "POST", completions),
        mount(house, "/v1/embeddings", "POST", embeddings),
        mount(house, "/v1/responses", "POST", responses),
        mount(house, "/v1/models", "GET", models.list_all),
        mount(house, "/v1/models/{name:path}", "GET", models.find),
        *batch_routes(house),
        *(route for prefix in PREFIXES for route in run_routes(house, prefix)),
    ]


def batch_routes(house: House) -> list[ControllerRouterHandler]:
    """OpenAI's batches."""
    batches = BatchRoutes(house)
    return [
        mount_all(house, "/v1/batches", {"GET": batches.list_all, "POST": batches.create}),
        mount(house, "/v1/batches/{batch_id:str}", "GET", batches.find),
        mount(house, "/v1/batches/{batch_id:str}/cancel", "POST", batches.cancel),
    ]


def run_routes(house: House, prefix: str) -> list[ControllerRouterHandler]:
    """AI21's routes and what is added to them, under one prefix."""
    runs, agents = RunRoutes(house), AgentRoutes(house)
    one = f"{prefix}/maestro/runs/{{run_id:str}}"
    agent: Mapping[Method, Handler] = {"GET": agents.find, "PATCH": agents.modify, "DELETE": agents.delete}
    return [
        mount_all(house, f"{prefix}/maestro/runs", {"GET": runs.list_all, "POST": runs.create}),
        mount_all(house, one, {"GET": runs.find, "DELETE": runs.delete}),
        mount(house, f"{one}/cancel", "POST", runs.cancel),
        mount(house, f"{one}/events", "GET", runs.events),
        mount(house, f"{one}/feedback", "POST", FeedbackRoutes(house).create),
        mount_all(house, f"{prefix}/assistants", {"GET": agents.list_all, "POST": agents.create}),
        mount_all(house, f"{prefix}/assistants/{{agent_id:str}}", agent),
    ]


async def check_exposure(house: House) -> None:
    """Without a key only loopback is served. Raises SettingsError for another address; else says so."""
    if house.door is None or await house.door.is_locked():
        return
    host = house.settings.server.host
    if not is_loopback(host):
        raise SettingsError(
            f"server.host is '{host}' but there is no API key: anyone could spend your money. "
            "Create one (maestro teams create, maestro keys create), or listen on 127.0.0.1."
        )
    log.warning("no API key is configured: serving this machine only, every caller is the operator")


def answer_error(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Our errors, and what nobody foresaw, in OpenAI's shape."""
    house: House = request.app.state.house
    answer = error_answer(error, house.now(), house.settings.server.budget_error_status)
    if answer.status == 500:
        log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return as_response(answer, house)


def answer_http_error(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """Litestar's own errors: unknown path, wrong method, a body that does not fit."""
    path, house = request.url.path, request.app.state.house
    if isinstance(error, NotFoundException):
        words = f"Unknown request URL: {request.method} {path}. Please check the URL for typos."
        return as_response(simple_error(404, words, "unknown_url"), house)
    if isinstance(error, MethodNotAllowedException):
        allowed = (error.headers or {}).get("allow", "")
        return as_response(wrong_method(request.method, path, allowed), house)
    return as_response(simple_error(error.status_code, error.detail, None), house)


def as_response(answer: ErrorAnswer, house: House) -> Response[bytes]:
    """An error as Litestar's response, with a request id."""
    headers = {**answer.headers, "x-request-id": house.ids.next()}
    return Response(answer.body, status_code=answer.status, headers=headers, media_type=JSON)


def id_adder(house: House) -> Callable[[Response[Any]], Awaitable[Response[Any]]]:
    """Every answer of a framework route has an id too; our own routes, which are no `Response`, bring theirs."""

    async def add_request_id(response: Response[Any]) -> Response[Any]:
        if isinstance(response, Response):
            response.headers.setdefault("x-request-id", house.ids.next())
        return response

    return add_request_id
