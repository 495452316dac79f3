"""Who looks: a signed cookie that began with a key and ends with it, and the word that its forms must bring."""

import hashlib
import hmac
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import asdict, dataclass
from typing import Literal

COOKIE = "maestro_session"
SESSION_SECONDS = 12 * 3600.0

Kind = Literal["admin", "team", "open"]


@dataclass(frozen=True, slots=True)
class Session:
    """`proof` is the SHA-256 of the key it began with ("" where no key is configured); `nonce` makes it its own."""

    kind: Kind
    proof: str
    nonce: str
    expires_at: float


def new_session(kind: Kind, proof: str, now: float) -> Session:
    """A session that begins now."""
    return Session(kind, proof, secrets.token_urlsafe(18), now + SESSION_SECONDS)


def sealed(session: Session, secret: bytes) -> str:
    """The cookie's value: the session and its signature (HMAC-SHA-256)."""
    body = urlsafe_b64encode(json.dumps(asdict(session)).encode())
    return f"{body.decode()}.{_sign(body, secret)}"


def opened(value: str, secret: bytes, now: float) -> Session | None:
    """The session of a cookie; None where it was not signed with this secret, is malformed, or has expired."""
    body, _, signature = value.encode("utf-8", "replace").partition(b".")
    if not hmac.compare_digest(signature, _sign(body, secret).encode()):
        return None
    session = Session(**json.loads(urlsafe_b64decode(body)))
    return session if session.expires_at > now else None


def form_word(session: Session, secret: bytes) -> str:
    """What a form of this session must bring, which no other site can know."""
    return _sign(b"form:" + session.nonce.encode(), secret)


def _sign(body: bytes, secret: bytes) -> str:
    return hmac.new(secret, body, hashlib.sha256).hexdigest()


class Throttle:
    """Refuses to look at more keys for a while, after too many wrong ones: a guess costs time."""

    def __init__(self, most: int = 10, seconds: float = 60.0) -> None:
        self._most = most
        self._seconds = seconds
        self._failed: list[float] = []

    def is_shut(self, now: float) -> bool:
        """Were there too many wrong keys lately?"""
        self._failed = [at for at in self._failed if at > now - self._seconds]
        return len(self._failed) >= self._most

    def failed(self, now: float) -> None:
        """One more wrong key."""
        self._failed.append(now)
