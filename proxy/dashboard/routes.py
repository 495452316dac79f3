"""The routes of `/dashboard`: who looks, which page, and what its forms do."""

import os
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath
from litestar.response import File, Redirect
from litestar.status_codes import HTTP_200_OK, HTTP_303_SEE_OTHER

from proxy.dashboard.frame import HEADERS, Frame, static_files
from proxy.dashboard.pages import Pages
from proxy.dashboard.playground import Playground
from proxy.dashboard.sessions import COOKIE
from proxy.dashboard.viewer import Entrance, Viewer
from proxy.errors import error_answer
from proxy.house import House
from proxy.settings import read_secret
from router.errors import MaestroError

SECRET = "MAESTRO_SESSION_SECRET"
"""Set by `maestro serve` for its workers; set it where several machines serve, or where sessions outlive a restart."""
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
Asked = Request[Any, Any, Any]
Show = Callable[[Asked, Viewer], Awaitable[Response[Any]]]


def dashboard_router(house: House) -> Router:
    """The whole of it."""
    secret = read_secret(SECRET)
    entrance = Entrance(house, secret.encode() if secret else os.urandom(32))
    frame = Frame()
    pages = Pages(house, frame)
    handlers = [
        *_door_routes(entrance, frame),
        *_page_routes(entrance, pages),
        *_form_routes(entrance, pages, Playground(house)),
        _static_route(),
    ]
    answer = _error_pages(house, frame)
    handling: dict[int | type[Exception], Any] = {MaestroError: answer}
    return Router("/dashboard", route_handlers=handlers, include_in_schema=False, exception_handlers=handling)


def _error_pages(house: House, frame: Frame) -> Callable[[Asked, MaestroError], Response[Any]]:
    def show_error(request: Asked, error: MaestroError) -> Response[Any]:
        answer = error_answer(error, house.now())
        if "text/html" not in request.headers.get("accept", ""):
            return Response(answer.body, status_code=answer.status, media_type="application/json", headers=HEADERS)
        return frame.page("error", None, answer.status, message=error.message, title="It did not work")

    return show_error


async def form_of(request: Asked) -> dict[str, str]:
    """The fields of a form."""
    return dict(parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True))


def _door_routes(entrance: Entrance, frame: Frame) -> list[Any]:
    @get("/login")
    async def login_page(request: Asked) -> Response[Any]:
        """Asks for a key."""
        return frame.page("login", None, message="", title="Log in")

    @post("/login", status_code=HTTP_303_SEE_OTHER)
    async def log_in(request: Asked) -> Response[Any]:
        """Begins a session."""
        try:
            session = await entrance.log_in(request, (await form_of(request)).get("key", ""))
        except MaestroError as error:
            return frame.page("login", None, 401, message=error.message, title="Log in")
        headers = {"set-cookie": entrance.cookie(request, session), **HEADERS}
        return Redirect("/dashboard/tradeoffs", status_code=HTTP_303_SEE_OTHER, headers=headers)

    @post("/logout", status_code=HTTP_303_SEE_OTHER)
    async def log_out(request: Asked) -> Response[Any]:
        """Ends the session."""
        entrance.check_origin(request)
        gone = f"{COOKIE}=; Path=/dashboard; HttpOnly; SameSite=Strict; Max-Age=0"
        return Redirect("/dashboard/login", status_code=HTTP_303_SEE_OTHER, headers={"set-cookie": gone, **HEADERS})

    return [login_page, log_in, log_out]


def _guarded(entrance: Entrance, show: Show) -> Callable[[Asked], Awaitable[Response[Any]]]:
    """The page for whoever is logged in; the others are asked for a key."""

    async def guarded(request: Asked) -> Response[Any]:
        viewer = await entrance.find(request)
        if viewer is None:
            return Redirect("/dashboard/login", status_code=HTTP_303_SEE_OTHER, headers=HEADERS)
        answer = await show(request, viewer)
        if COOKIE not in request.cookies:
            answer.headers["set-cookie"] = entrance.cookie(request, viewer.session)
        return answer

    return guarded


def _page_routes(entrance: Entrance, pages: Pages) -> list[Any]:
    async def home(request: Asked, viewer: Viewer) -> Response[Any]:
        return Redirect("/dashboard/tradeoffs", status_code=HTTP_303_SEE_OTHER, headers=HEADERS)

    shown: dict[str, Show] = {
        "/": home,
        "/tradeoffs": pages.tradeoffs,
        "/runs": pages.runs,
        "/runs/{run_id:str}": pages.run,
        "/spend": pages.spend,
        "/models": pages.models,
        "/playground": pages.playground,
    }
    return [get(path)(_named(_guarded(entrance, show), path)) for path, show in shown.items()]


def _named(handler: Callable[[Asked], Awaitable[Response[Any]]], path: str) -> Callable[..., Awaitable[Response[Any]]]:
    async def page(request: Request[Any, Any, Any]) -> Response[Any]:
        return await handler(request)

    page.__name__ = "page" + "".join(letter if letter.isalnum() else "_" for letter in path)
    return page


def _form_routes(entrance: Entrance, pages: Pages, playground: Playground) -> list[Any]:
    @post("/tradeoffs/point", status_code=HTTP_303_SEE_OTHER)
    async def set_point(request: Asked) -> Response[Any]:
        """Sets, or clears, an operating point."""
        viewer = await entrance.find(request)
        if viewer is None:
            return Redirect("/dashboard/login", status_code=HTTP_303_SEE_OTHER, headers=HEADERS)
        form = await form_of(request)
        entrance.check_form(request, viewer, form.get("word", ""))
        return await pages.set_point(viewer, form)

    @post("/playground/run", status_code=HTTP_200_OK)
    async def run(request: Asked) -> Response[Any]:
        """Runs a task and tells how it goes as events."""
        viewer = await entrance.find(request)
        if viewer is None:
            return Response({"error": {"message": "Log in again."}}, status_code=401, headers=HEADERS)
        entrance.check_form(request, viewer, request.headers.get("x-maestro-form", ""))
        return await playground.answer(viewer, await request.body())

    return [set_point, run]


def _static_route() -> Any:
    files = static_files()

    @get("/static/{name:str}")
    async def static(request: Asked, name: FromPath[str]) -> Response[Any]:
        """A file of the pages."""
        path = files.get(name)
        if path is None:
            return Response(b"", status_code=404, headers=HEADERS)
        kept = {**HEADERS, "cache-control": "public, max-age=3600"}
        return File(path, media_type=TYPES[path.suffix], content_disposition_type="inline", headers=kept)

    return static
