"""The lines of a batch's input file, and of the files it is answered in. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

MOST_LINES = 50_000
MOST_PROBLEMS = 100
LONGEST_ID = 512


@dataclass(frozen=True, slots=True)
class Line:
    """One request: `number` counts from 1, `body` is its JSON as it came."""

    number: int
    custom_id: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Problem:
    """What keeps a file from being run, as `errors.data` tells it."""

    code: str
    message: str
    line: int | None = None
    param: str | None = None

    def shown(self) -> dict[str, Any]:
        """OpenAI's shape."""
        return {"code": self.code, "message": self.message, "line": self.line, "param": self.param}


@dataclass(frozen=True, slots=True)
class Parsed:
    """The lines of a file, or why it cannot be run."""

    lines: tuple[Line, ...] = ()
    problems: tuple[Problem, ...] = ()


class _Row(msgspec.Struct):
    custom_id: Any = None
    method: Any = None
    url: Any = None
    body: msgspec.Raw = msgspec.Raw(b"null")


class _Body(msgspec.Struct):
    stream: Any = None


_decode_row = msgspec.json.Decoder(_Row).decode
_decode_body = msgspec.json.Decoder(_Body).decode


def parse_lines(data: bytes, endpoint: str) -> Parsed:
    """Every line of the file, read and checked; blank lines are passed over."""
    lines: list[Line] = []
    problems: list[Problem] = []
    seen: set[str] = set()
    for number, raw in enumerate(data.splitlines(), 1):
        if not raw.strip():
            continue
        read = _read(raw, number, endpoint, seen)
        if isinstance(read, Problem):
            problems.append(read)
        else:
            seen.add(read.custom_id)
            lines.append(read)
        if len(problems) >= MOST_PROBLEMS:
            break
    if not lines and not problems:
        problems.append(Problem("empty_file", "The input file has no requests."))
    if len(lines) > MOST_LINES:
        problems.append(Problem("too_many_requests", f"The input file has more than {MOST_LINES} requests."))
    return Parsed(() if problems else tuple(lines), tuple(problems))


def _read(raw: bytes, number: int, endpoint: str, seen: set[str]) -> Line | Problem:
    try:
        row = _decode_row(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Problem("invalid_json_line", "This line is not a JSON object.", number)
    name = row.custom_id
    if not isinstance(name, str) or not 0 < len(name) <= LONGEST_ID:
        words = f"'custom_id' must be a string of 1 to {LONGEST_ID} characters."
        return Problem("missing_required_parameter", words, number, "custom_id")
    if name in seen:
        words = f"The custom_id '{name[:80]}' is used more than once."
        return Problem("duplicate_custom_id", words, number, "custom_id")
    if row.method != "POST":
        return Problem("invalid_method", "'method' must be POST.", number, "method")
    if row.url != endpoint:
        return Problem("mismatched_url", f"'url' must be {endpoint}, the endpoint of the batch.", number, "url")
    return _with_body(row, number, name)


def _with_body(row: _Row, number: int, name: str) -> Line | Problem:
    try:
        body = _decode_body(row.body)
    except (msgspec.DecodeError, RecursionError):
        return Problem("invalid_request", "'body' must be an object.", number, "body")
    if body.stream is True:
        return Problem("invalid_request", "A request of a batch cannot be streamed.", number, "body.stream")
    return Line(number, name, bytes(row.body))


@dataclass(frozen=True, slots=True)
class Result:
    """How one line ended: an HTTP status and body, or an error of the batch itself (its code and message)."""

    number: int
    custom_id: str
    status: int | None = None
    body: Any = None
    request_id: str = ""
    error: tuple[str, str] | None = None

    @property
    def is_ok(self) -> bool:
        """Did it get its answer?"""
        return self.status is not None and self.status < 400

    def stored(self) -> dict[str, Any]:
        """As the log keeps it."""
        return {
            "number": self.number,
            "custom_id": self.custom_id,
            "status": self.status,
            "body": self.body,
            "request_id": self.request_id,
            "error": self.error,
        }

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> "Result":
        """From what the log keeps."""
        error = said.get("error")
        return cls(**{**said, "error": tuple(error) if error else None})


def as_file(results: Iterable[Result], batch_id: str) -> bytes:
    """The lines of an output or error file, in the order of the input."""
    ordered = sorted(results, key=lambda result: result.number)
    return b"".join(msgspec.json.encode(_shown(result, batch_id)) + b"\n" for result in ordered)


def _shown(result: Result, batch_id: str) -> dict[str, Any]:
    response = {"status_code": result.status, "request_id": result.request_id, "body": result.body}
    error = None if result.error is None else {"code": result.error[0], "message": result.error[1]}
    return {
        "id": f"batch_req_{batch_id.removeprefix('batch_')}_{result.number}",
        "custom_id": result.custom_id,
        "response": None if result.status is None else response,
        "error": error,
    }
