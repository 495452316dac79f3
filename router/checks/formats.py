"""Checks of machine-readable form: JSON, JSON Schema, YAML, XML, CSV, SQL, Python, numbers, dates, URLs."""

import ast
import csv
import datetime
import io
import json
import re
import warnings
from functools import lru_cache
from typing import Annotated, Any
from urllib.parse import urlsplit

import jsonschema_rs
import msgspec
import yaml
from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from router.checks.check import Answer, Finding
from router.checks.parameters import Nothing

LONGEST = 1_000_000
"""Characters: a longer answer is not parsed."""
LONGEST_SCHEMA = 100_000
LONGEST_YAML, DENSEST_YAML = 100_000, 5_000
"""Characters and brackets: YAML is read slowly, and nested brackets worst."""
LONGEST_SQL, LONGEST_PYTHON = 20_000, 50_000
"""Characters: what takes a third of a second (SQL) or a tenth, in which nothing else runs (Python), at the worst."""
_FENCED = re.compile(r"^\s*(?:```|~~~)[\w+-]*[ \t]*\n?(.*?)\n?\s*(?:```|~~~)\s*$", re.DOTALL)


def _no_retrieval(uri: str) -> Any:
    raise ValueError(f"references to other documents are not followed: {uri}")


@lru_cache(maxsize=256)
def _validator(schema: bytes) -> Any:
    options = jsonschema_rs.RegexOptions(size_limit=1_000_000)
    return jsonschema_rs.validator_for(
        msgspec.json.decode(schema), retriever=_no_retrieval, pattern_options=options, validate_formats=True
    )


class Schema(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`schema`: a JSON Schema that refers to nothing outside itself."""

    schema: dict[str, Any] | bool

    def __post_init__(self) -> None:
        encoded = msgspec.json.encode(self.schema)
        if len(encoded) > LONGEST_SCHEMA:
            raise ValueError(f"schema has {len(encoded)} bytes, limit {LONGEST_SCHEMA}")
        try:
            _validator(encoded)
        except (ValueError, TypeError, RecursionError, jsonschema_rs.ReferencingError) as error:
            raise ValueError(f"schema is not a valid JSON Schema: {str(error)[:300]}") from None


class Keys(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`value`: keys that the object must have; `only`: and no others."""

    value: list[str]
    only: bool = False


class Rows(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`columns`: their names in order; `rows`: how many besides the heading; `delimiter`."""

    columns: list[str] | None = None
    rows: Annotated[int, msgspec.Meta(ge=0)] | None = None
    delimiter: Annotated[str, msgspec.Meta(min_length=1, max_length=1)] = ","


class Range(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`min`, `max`: inclusive bounds; `integer`: no fraction."""

    min: float | None = None
    max: float | None = None
    integer: bool = False


class DateFormat(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`format`: made of YYYY, MM, DD and marks."""

    format: str = "YYYY-MM-DD"

    def __post_init__(self) -> None:
        if sorted(re.findall(r"YYYY|MM|DD", self.format)) != ["DD", "MM", "YYYY"]:
            raise ValueError("format must hold YYYY, MM and DD once each")


def unfenced(text: str) -> str:
    """The inside of a code fence that is the whole answer; else the text."""
    match = _FENCED.match(text)
    return match.group(1) if match else text.strip()


def _load(text: str) -> tuple[Any, str | None]:
    if len(text) > LONGEST:
        return None, f"{len(text)} characters, limit {LONGEST}"
    try:
        return json.loads(unfenced(text)), None
    except (ValueError, RecursionError) as error:
        return None, f"not JSON: {str(error)[:200]}"


def is_json(answer: Answer, _: Nothing) -> Finding:
    """The whole answer is JSON; a code fence around it is allowed."""
    _value, trouble = _load(answer.text)
    return Finding(0.0, trouble) if trouble else Finding(1.0, "valid JSON")


def json_keys(answer: Answer, p: Keys) -> Finding:
    """The whole answer is a JSON object with these keys."""
    value, trouble = _load(answer.text)
    if trouble or not isinstance(value, dict):
        return Finding(0.0, trouble or "not a JSON object")
    missing = [key for key in p.value if key not in value]
    extra = [key for key in value if key not in p.value] if p.only else []
    if not missing and not extra:
        return Finding(1.0, f"all {len(p.value)} keys")
    share = (len(p.value) - len(missing)) / max(1, len(p.value) + len(extra))
    return Finding(0.9 * share, f"missing keys: {missing}, not allowed: {extra}"[:500])


def json_schema(answer: Answer, p: Schema) -> Finding:
    """The whole answer is JSON that the schema accepts; each violation is named."""
    value, trouble = _load(answer.text)
    if trouble:
        return Finding(0.0, trouble)
    try:
        errors = list(_validator(msgspec.json.encode(p.schema)).iter_errors(value))
    except (ValueError, RecursionError) as error:
        return Finding(0.0, f"cannot be validated: {str(error)[:200]}")
    if not errors:
        return Finding(1.0, "valid against the schema")
    shown = "; ".join(f"{'/'.join(map(str, e.instance_path)) or 'root'}: {e.message}" for e in errors[:3])
    return Finding(max(0.1, 0.8 - 0.1 * len(errors)), f"{len(errors)} violations: {shown}"[:500])


def _too_large(what: str, limit: int) -> Finding:
    """Not told: neither that it holds nor that it does not."""
    return Finding(None, f"{what} of more than {limit} characters is not parsed")


def is_yaml(answer: Answer, _: Nothing) -> Finding:
    """The whole answer is a YAML mapping or list."""
    if len(answer.text) > LONGEST_YAML or sum(map(answer.text.count, "[{")) > DENSEST_YAML:
        return _too_large("YAML", LONGEST_YAML)
    try:
        node = yaml.compose(unfenced(answer.text), Loader=yaml.SafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        return Finding(0.0, f"not YAML: {str(error)[:200]}")
    holds = isinstance(node, yaml.MappingNode | yaml.SequenceNode)
    return Finding(float(holds), "valid YAML" if holds else "only a scalar")


def is_xml(answer: Answer, _: Nothing) -> Finding:
    """The whole answer is well-formed XML without entities of its own."""
    try:
        ElementTree.fromstring(unfenced(answer.text)[:LONGEST].strip())
    except (ElementTree.ParseError, DefusedXmlException, ValueError, RecursionError) as error:
        return Finding(0.0, f"not XML: {str(error)[:200]}")
    return Finding(1.0, "well-formed XML")


def is_csv(answer: Answer, p: Rows) -> Finding:
    """The whole answer is a table of at least two columns, every row as long as the first."""
    try:
        rows = [row for row in csv.reader(io.StringIO(unfenced(answer.text)), delimiter=p.delimiter) if row]
    except csv.Error as error:
        return Finding(0.0, f"not CSV: {error}")
    if not rows or len(rows[0]) < 2:
        return Finding(0.0, f"{len(rows)} rows, not a table")
    uneven = sum(len(row) != len(rows[0]) for row in rows)
    if uneven:
        return Finding(0.9 * (1 - uneven / len(rows)), f"{uneven} of {len(rows)} rows are not {len(rows[0])} long")
    if p.columns is not None and [cell.strip() for cell in rows[0]] != p.columns:
        return Finding(0.3, f"columns {rows[0]}, wanted {p.columns}"[:400])
    if p.rows is not None and len(rows) - 1 != p.rows:
        return Finding(0.5, f"{len(rows) - 1} rows below the heading, {p.rows} wanted")
    return Finding(1.0, f"{len(rows)} rows of {len(rows[0])} columns")


def is_sql(answer: Answer, _: Nothing) -> Finding:
    """The whole answer parses as SQL."""
    import sqlglot
    from sqlglot import exp

    if len(answer.text) > LONGEST_SQL:
        return _too_large("SQL", LONGEST_SQL)
    try:
        parsed = [tree for tree in sqlglot.parse(unfenced(answer.text)) if tree is not None]
    except (sqlglot.errors.SqlglotError, RecursionError, ValueError) as error:
        return Finding(0.0, f"not SQL: {str(error)[:200]}")
    statements = (exp.Query, exp.DML, exp.DDL, exp.Create, exp.Drop, exp.Alter, exp.Set, exp.Transaction, exp.Commit)
    holds = bool(parsed) and all(isinstance(tree, statements) for tree in parsed)
    return Finding(float(holds), f"{len(parsed)} statements" if holds else "not a SQL statement")


def is_python(answer: Answer, _: Nothing) -> Finding:
    """The answer, or every code block in it, is Python that parses; nothing is run."""
    blocks = re.findall(r"```(?:python|py)?[ \t]*\n(.*?)```", answer.text, re.DOTALL) or [answer.text]
    if sum(map(len, blocks)) > LONGEST_PYTHON:
        return _too_large("Python", LONGEST_PYTHON)
    for block in blocks:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                ast.parse(block)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            return Finding(0.0, f"not Python: {str(error)[:200]}")
    return Finding(1.0, f"{len(blocks)} blocks of Python parse")


def number(answer: Answer, p: Range) -> Finding:
    """The whole answer is a number."""
    text = answer.text.strip().rstrip(".").replace(",", "")
    if not re.fullmatch(r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?", text):
        return Finding(0.0, f"{answer.text.strip()[:40]!r} is not a number")
    value = float(text)
    if p.integer and not value.is_integer():
        return Finding(0.5, f"{value:g} is not a whole number")
    low, high = p.min is None or value >= p.min, p.max is None or value <= p.max
    return Finding(float(low and high) or 0.5, f"{value:g}, from {p.min} to {p.max} wanted")


_MONTH = "(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_DAY = r"\d{1,2}(?:st|nd|rd|th)?"
_DATE = re.compile(
    rf"\b\d{{1,4}}[-/.]\d{{1,2}}[-/.]\d{{1,4}}\b|\b{_MONTH}\.? {_DAY},? \d{{4}}\b|\b{_DAY} {_MONTH}\.?,? \d{{4}}\b",
    re.IGNORECASE,
)


def dates(answer: Answer, p: DateFormat) -> Finding:
    """There is a date, and every date has the format and exists."""
    found = _DATE.findall(answer.text)
    code = p.format.replace("YYYY", "%Y").replace("MM", "%m").replace("DD", "%d")
    wrong = [text for text in found if not _is_date(text, code, len(p.format))]
    if not found:
        return Finding(0.0, "0 dates")
    return Finding(
        1.0 if not wrong else 0.9 * (1 - len(wrong) / len(found)),
        f"{len(wrong)} of {len(found)} dates are not {p.format}",
    )


def _is_date(text: str, code: str, length: int) -> bool:
    try:
        datetime.datetime.strptime(text, code)
    except ValueError:
        return False
    return len(text) == length


def urls(answer: Answer, _: Nothing) -> Finding:
    """There is a URL, and every one is well-formed with a host."""
    found = re.findall(r"\bhttps?:[^\s)\]>\"'`]+", answer.text)
    wrong = [text for text in found if not _is_url(text.rstrip(".,;:!?*"))]
    if not found:
        return Finding(0.0, "0 URLs")
    share = 1 - len(wrong) / len(found)
    return Finding(1.0 if not wrong else 0.9 * share, f"{len(wrong)} of {len(found)} URLs are malformed")


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018  (raises for a port that is none)
    except ValueError:
        return False
    host = parts.hostname or ""
    return bool(re.fullmatch(r"[\w-]+(?:\.[\w-]+)+|localhost|[0-9a-f:]+", host))


KINDS: dict[str, tuple[type[msgspec.Struct], Any, Any]] = {
    "json": (Nothing, is_json, None),
    "json_keys": (Keys, json_keys, None),
    "json_schema": (Schema, json_schema, None),
    "yaml": (Nothing, is_yaml, None),
    "xml": (Nothing, is_xml, None),
    "csv": (Rows, is_csv, None),
    "sql": (Nothing, is_sql, None),
    "python": (Nothing, is_python, None),
    "number": (Range, number, None),
    "dates": (DateFormat, dates, None),
    "urls": (Nothing, urls, None),
}
