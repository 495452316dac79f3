"""Checks with effects: a webhook behind the guard, and an answer's code against tests in the sandbox."""

import asyncio
import re
from collections.abc import Mapping
from typing import Annotated, Any

import httpx
import msgspec

from router.checks.check import Answer, Finding, Validator
from router.checks.parameters import Text
from router.checks.sandbox import run_tests
from router.checks.validators import Effects, read_result
from router.errors import BadRequest
from router.tools.guard import Blocked, check_url, guarded_client

LONGEST_REPLY = 65_536
_BLOCK = re.compile(r"```[ \t]*(?:python|py|python3)?[ \t]*\n(.*?)```", re.DOTALL | re.IGNORECASE)


class Webhook(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`url`: gets `{"answer", "prompt"}` by POST and says `{"passed": bool}` or `{"score": 0..1}`, with a `reason`."""

    url: Text
    seconds: Annotated[float, msgspec.Meta(gt=0, le=60)] = 10.0

    def __post_init__(self) -> None:
        try:
            check_url(self.url)
        except Blocked as error:
            raise ValueError(f"url: {error}") from None


class CodeTests(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`tests`: Python statements that raise when the answer's code is wrong; `seconds` and `memory_mb`: its limits."""

    tests: Text | Annotated[list[Text], msgspec.Meta(min_length=1, max_length=100)]
    seconds: Annotated[int, msgspec.Meta(ge=1, le=30)] = 5
    memory_mb: Annotated[int, msgspec.Meta(ge=64, le=1024)] = 256

    @property
    def cases(self) -> tuple[str, ...]:
        """Always several."""
        return (self.tests,) if isinstance(self.tests, str) else tuple(self.tests)


PARAMETERS: dict[str, type[msgspec.Struct]] = {"http": Webhook, "code_tests": CodeTests}


def build_effect(spec: Mapping[str, Any], effects: Effects, param: str) -> Validator:
    """The validator of an explicit `http` or `code_tests` check. Raises BadRequest naming the parameter."""
    kind = str(spec["type"])
    given = {name: value for name, value in spec.items() if name != "type"}
    try:
        parameters = msgspec.convert(given, PARAMETERS[kind])
    except ValueError as error:
        raise BadRequest(f"Check '{kind}': {error}.", param) from None
    if isinstance(parameters, Webhook):
        return _webhook(parameters, effects)
    assert isinstance(parameters, CodeTests)
    return _code_tests(parameters, effects)


def _webhook(p: Webhook, effects: Effects) -> Validator:
    async def validate(answer: Answer) -> Finding:
        try:
            async with asyncio.timeout(p.seconds):
                return await _ask(p, answer, effects)
        except TimeoutError:
            return Finding(None, f"the webhook took longer than {p.seconds:g} s")
        except Blocked as error:
            return Finding(None, f"the webhook may not be called: {error}")
        except (httpx.HTTPError, OSError) as error:
            return Finding(None, f"the webhook failed: {type(error).__name__}")

    return validate


async def _ask(p: Webhook, answer: Answer, effects: Effects) -> Finding:
    body = {"answer": answer.text, "prompt": answer.prompt}
    async with (
        guarded_client(effects.allowance, p.seconds) as client,
        client.stream("POST", p.url, json=body, headers={"user-agent": "maestro"}) as reply,
    ):
        if reply.status_code != httpx.codes.OK:
            return Finding(None, f"the webhook answered {reply.status_code}")
        read = b""
        async for chunk in reply.aiter_bytes():
            read += chunk
            if len(read) > LONGEST_REPLY:
                return Finding(None, "the webhook said too much")
    return _read_reply(read)


def _read_reply(read: bytes) -> Finding:
    try:
        found = msgspec.json.decode(read)
    except msgspec.DecodeError:
        return Finding(None, "the webhook did not answer in JSON")
    if not isinstance(found, dict):
        return Finding(None, "the webhook did not answer with an object")
    value = found.get("score", found.get("passed"))
    return read_result("http", (value, str(found.get("reason", ""))[:500]))


def _code_tests(p: CodeTests, effects: Effects) -> Validator:
    async def validate(answer: Answer) -> Finding:
        if not effects.may_run_code:
            return Finding(None, "code is not run here")
        outcome = await run_tests(code_of(answer.text), p.cases, p.seconds, p.memory_mb)
        if outcome.refused:
            return Finding(None, f"the sandbox refuses to run: {outcome.refused}")
        count, total = sum(outcome.passed), len(outcome.passed)
        score = 1.0 if count == total else 0.99 * count / total
        return Finding(score, f"{count} of {total} tests pass{f'; {outcome.trouble}' if outcome.trouble else ''}")

    return validate


def code_of(text: str) -> str:
    """The Python of an answer: its code blocks one after the other, else all of it."""
    blocks = _BLOCK.findall(text)
    return "\n\n".join(blocks) if blocks else text
