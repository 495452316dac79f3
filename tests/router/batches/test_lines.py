"""The lines of batches: every file is read or refused with the place; files keep the input's order."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from router.batches.lines import Result, as_file, parse_lines

URL = "/v1/chat/completions"
NAMES = st.text(min_size=1, max_size=20)


def row(name: Any, **more: Any) -> dict[str, Any]:
    return {"custom_id": name, "method": "POST", "url": URL, "body": {"model": "maestro"}, **more}


def codes(*rows: Any) -> list[tuple[str, int | None]]:
    data = b"\n".join(one if isinstance(one, bytes) else json.dumps(one).encode() for one in rows)
    return [(problem.code, problem.line) for problem in parse_lines(data, URL).problems]


@given(st.lists(NAMES, min_size=1, max_size=20, unique=True))
def test_good_lines_are_read_in_order_with_their_bodies_as_they_came(names: list[str]) -> None:
    data = "\n".join(json.dumps(row(name)) for name in names).encode()
    parsed = parse_lines(data + b"\n\n", URL)
    assert [line.custom_id for line in parsed.lines] == names
    assert not parsed.problems
    assert parsed.lines[0].body == b'{"model": "maestro"}'


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    parsed = parse_lines(data, URL)
    assert bool(parsed.lines) != bool(parsed.problems)


def test_what_is_wrong_is_told_with_its_line() -> None:
    assert codes(row("a"), row("a")) == [("duplicate_custom_id", 2)]
    assert codes(row("a"), b"{") == [("invalid_json_line", 2)]
    assert codes(row("a", method="GET")) == [("invalid_method", 1)]
    assert codes(row("a", url="/v1/embeddings")) == [("mismatched_url", 1)]
    assert codes(row("a", body=[])) == [("invalid_request", 1)]
    assert codes(row("a", body={"stream": True})) == [("invalid_request", 1)]
    assert codes(row(5)) == [("missing_required_parameter", 1)]
    assert codes() == [("empty_file", None)]


RESULTS = st.lists(
    st.builds(
        Result,
        number=st.integers(1, 1000),
        custom_id=NAMES,
        status=st.none() | st.integers(200, 599),
        body=st.none() | st.dictionaries(st.text(max_size=5), st.integers(0, 9), max_size=2),
        error=st.none() | st.tuples(st.text(max_size=5), st.text(max_size=5)),
    ),
    max_size=10,
    unique_by=lambda result: result.number,
)


@given(RESULTS)
def test_files_are_in_the_order_of_the_input_and_results_survive_the_log(results: list[Result]) -> None:
    rows = [json.loads(line) for line in as_file(results, "batch_x").splitlines()]
    assert [one["custom_id"] for one in rows] == [r.custom_id for r in sorted(results, key=lambda r: r.number)]
    assert all(
        (one["response"] is None) == (r.status is None)
        for one, r in zip(rows, sorted(results, key=lambda r: r.number), strict=True)
    )
    assert [Result.of(json.loads(json.dumps(result.stored()))) for result in results] == results
