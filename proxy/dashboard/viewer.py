"""Lets people in: by the admin key, by a team's key, or freely on this machine while no key is configured at all."""

import hashlib
import hmac
import time
from dataclasses import dataclass, replace
from typing import Any

from litestar import Request

from proxy.auth import host_in, is_loopback, refuse_web_pages
from proxy.dashboard.sessions import COOKIE, Session, Throttle, form_word, new_session, opened, sealed
from proxy.house import House
from proxy.settings import read_secret
from router.errors import Forbidden, Unauthenticated, Unavailable
from router.ledger.accounts import hash_key
from router.task import Caller

Asked = Request[Any, Any, Any]


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks. `team` is the only one whose rows may be shown; None: all (an admin)."""

    session: Session
    caller: Caller
    team: str | None
    form_word: str

    @property
    def is_admin(self) -> bool:
        """May everything be seen and set?"""
        return self.team is None

    def asking_for(self, team: str) -> Caller:
        """The caller of a playground request: an admin may spend for any team."""
        return replace(self.caller, team=team) if self.is_admin and team else self.caller

    def only(self, team: str | None) -> str | None:
        """The team to filter by: one's own, or the one an admin asks for (None: all)."""
        return (team or None) if self.is_admin else self.team


class Entrance:
    """Sessions of one server; `secret` signs them and is the same in all its workers."""

    def __init__(self, house: House, secret: bytes) -> None:
        self._house = house
        self._secret = secret
        self._throttle = Throttle()

    async def find(self, request: Asked) -> Viewer | None:
        """The viewer of a request; None if they must log in. Raises Forbidden, Unavailable."""
        session = self._session(request)
        if session is not None and session.kind != "open":
            try:
                return await self._viewer(session)
            except Unauthenticated:
                return None
        if await self._is_open():
            refuse_web_pages(dict(request.headers))
            return await self._viewer(session or new_session("open", "", time.time()))
        return None

    async def log_in(self, request: Asked, token: str) -> Session:
        """Begins a session. Raises Unauthenticated; Forbidden for a form that another site sent."""
        self.check_origin(request)
        if self._throttle.is_shut(time.time()):
            raise Unauthenticated("Too many wrong keys: wait a minute.")
        token = token.strip()
        admin = self._admin_key()
        if admin and hmac.compare_digest(token.encode(), admin.encode()):
            return new_session("admin", _proof(admin), time.time())
        try:
            await self._house.rooms.registry.authenticate(token)
        except Unauthenticated:
            self._throttle.failed(time.time())
            raise
        return new_session("team", hash_key(token), time.time())

    def cookie(self, request: Asked, session: Session) -> str:
        """The Set-Cookie header: for scripts invisible, for other sites useless, for plain HTTP only on loopback."""
        said = [f"{COOKIE}={sealed(session, self._secret)}", "Path=/dashboard", "HttpOnly", "SameSite=Strict"]
        return "; ".join([*said, f"Max-Age={int(session.expires_at - time.time())}", *_secure(request)])

    def check_form(self, request: Asked, viewer: Viewer, word: str) -> None:
        """Raises Forbidden unless the form is this session's own."""
        self.check_origin(request)
        if not hmac.compare_digest(word.encode(), viewer.form_word.encode()):
            raise Forbidden("This form is not of your session: load the page again.")

    @staticmethod
    def check_origin(request: Asked) -> None:
        """Raises Forbidden for a request that a page of another origin makes."""
        origin = request.headers.get("origin")
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise Forbidden("Forms of other sites are refused.")
        if origin is not None and origin.partition("://")[2] != request.headers.get("host", ""):
            raise Forbidden("Forms of other sites are refused.")

    def _session(self, request: Asked) -> Session | None:
        value = request.cookies.get(COOKIE)
        return opened(value, self._secret, time.time()) if value else None

    async def _viewer(self, session: Session) -> Viewer:
        word = form_word(session, self._secret)
        if session.kind == "team":
            caller = await self._house.rooms.registry.recognise(session.proof)
            return Viewer(session, caller, caller.team, word)
        admin = self._admin_key()
        if session.kind == "admin" and not (admin and hmac.compare_digest(session.proof, _proof(admin))):
            raise Unauthenticated("The admin key has changed.")
        return Viewer(session, Caller(is_operator=True), None, word)

    async def _is_open(self) -> bool:
        """Neither a key nor an admin key: this machine only, as the API is."""
        if self._house.door is None:
            raise Unavailable("The server is starting.")
        return not self._admin_key() and not await self._house.door.is_locked()

    def _admin_key(self) -> str | None:
        return read_secret(self._house.settings.server.admin_key_env)


def _proof(key: str) -> str:
    return hashlib.sha256(b"admin:" + key.encode()).hexdigest()


def _secure(request: Asked) -> list[str]:
    return [] if is_loopback(host_in(f"//{request.headers.get('host', '')}")) else ["Secure"]
