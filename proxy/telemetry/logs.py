"""Our own log lines on standard error: text or JSON by setting, secrets taken out."""

import json
import logging
import re
from datetime import UTC, datetime
from typing import Literal

SECRETS = re.compile(
    r"(?i)\b(?:mk-[A-Za-z0-9_-]{8,}|sk-[A-Za-z0-9_-]{8,}|Bearer\s+\S+|(?:api[_-]?key|token|password|secret)\s*[=:]\s*\S+)"
)


def redacted(text: str) -> str:
    """The text without what looks like a key."""
    return SECRETS.sub("[redacted]", text)


class TextLines(logging.Formatter):
    """`time LEVEL logger message`."""

    def format(self, record: logging.LogRecord) -> str:
        """One record."""
        return redacted(super().format(record))


class JsonLines(logging.Formatter):
    """One JSON object a record; a traceback is a field, so that a record is one line."""

    def format(self, record: logging.LogRecord) -> str:
        """One record."""
        said = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redacted(record.getMessage()),
        }
        if record.exc_info:
            said["error"] = redacted(self.formatException(record.exc_info))
        return json.dumps(said)


def set_up_logs(level: str, form: Literal["text", "json"]) -> None:
    """Everything that is logged in this process goes to standard error in this form."""
    handler = logging.StreamHandler()
    plain = TextLines("%(asctime)s %(levelname)s %(name)s %(message)s")
    handler.setFormatter(JsonLines() if form == "json" else plain)
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.getLogger("asyncio").setLevel(logging.WARNING)
