"""What a run needs to be carried out, as it is stored with its ticket; and the caller it is carried out for."""

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from router.errors import BadRequest
from router.runs.hooks import check_hook
from router.runs.ticket import Once
from router.task import Caller

LONGEST_KEY = 255
LONGEST_SECRET = 512


class HookAsked(msgspec.Struct, frozen=True):
    """Whom to tell of the end, and what to sign with."""

    url: str
    secret: str


class Asked(msgspec.Struct, frozen=True):
    """`body` is the chat body (JSON); None where the operator does not let requests be stored."""

    body: str | None
    headers: dict[str, str] = {}
    hook: HookAsked | None = None


def encode_asked(asked: Asked) -> str:
    """As it is stored."""
    return msgspec.json.encode(asked).decode()


def decode_asked(text: str | None) -> Asked:
    """From what is stored."""
    return msgspec.json.decode(text or '{"body": null}', type=Asked)


def encode_caller(caller: Caller) -> str:
    """A caller as it is stored: ids, limits and defaults, no secret."""
    return msgspec.json.encode(caller).decode()


def decode_caller(text: str) -> Caller:
    """From what is stored."""
    return msgspec.json.decode(text, type=Caller)


def read_hook(said: Any, default_secret: str | None) -> HookAsked | None:
    """`webhook`: a URL, or {url, secret}; without a secret the operator's signs. Raises BadRequest naming the part."""
    if said is None:
        return None
    given: Mapping[str, Any] = {"url": said} if isinstance(said, str) else said if isinstance(said, dict) else {}
    url, secret = given.get("url"), given.get("secret", default_secret)
    unknown = next((name for name in given if name not in ("url", "secret")), None)
    if unknown is not None:
        raise BadRequest(f"'webhook.{unknown}' is not known; known are url and secret.", f"webhook.{unknown}")
    if not isinstance(url, str):
        raise BadRequest("'webhook' must be a URL, or an object {url, secret}.", "webhook")
    if not isinstance(secret, str) or not 0 < len(secret) <= LONGEST_SECRET:
        raise BadRequest("'webhook.secret' is needed: a text that signs what is sent.", "webhook.secret")
    check_hook(url, secret)
    return HookAsked(url, secret)


def read_once(headers: Mapping[str, str], path: str, body: bytes) -> Once | None:
    """The header `Idempotency-Key`. Raises BadRequest."""
    key = headers.get("idempotency-key")
    if key is None:
        return None
    if not 0 < len(key) <= LONGEST_KEY:
        raise BadRequest(f"'Idempotency-Key' must have 1 to {LONGEST_KEY} characters.", "Idempotency-Key")
    words = path.removeprefix("/studio").encode() + b"\0" + body
    return Once(key, hashlib.sha256(words).hexdigest())
