"""Headers + body → Task: precedence, bounds, and what an upstream sees."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.control.fields import read_body, team_in
from proxy.control.task import read_task
from proxy.settings import DefaultsSettings, Settings
from proxy.terms import EffortSettings
from router.errors import BadRequest, Forbidden, TooLarge, UnknownModel
from router.task import Budget, Caller, Defaults, OperatingPoint, Requirement, Task

USER = {"role": "user", "content": "hi"}
SETTINGS = Settings(aliases={"gpt-4": "maestro", "old": "maestro-high"})


def read(
    body: dict[str, Any] | bytes, headers: dict[str, str] | None = None, caller: Caller = Caller(), **settings: Any
) -> Task:
    if isinstance(body, dict):
        body = json.dumps({"model": "maestro", "messages": [USER]} | body).encode()
    return read_task(headers or {}, body, caller, SETTINGS.model_copy(update=settings))


def block(text: str) -> dict[str, Any]:
    return {"messages": [{"role": "system", "content": text}, USER]}


PLACES = {
    "header": ({}, {"x-maestro-effort": "high", "x-maestro-budget-usd": "5"}),
    "body": ({"budget": {"usd": 4, "effort": "medium"}}, {}),
    "block": (block("<maestro effort='high' budget-usd='3'/>"), {}),
}


def test_each_place_alone() -> None:
    assert read(*PLACES["header"]).budget == Budget(usd=5.0, effort="high")
    assert read(*PLACES["body"]).budget == Budget(usd=4.0, effort="medium")
    assert read(*PLACES["block"]).budget == Budget(usd=3.0, effort="high")
    assert read({"model": "maestro-medium"}).budget == Budget(effort="medium")
    assert read({}, caller=Caller(defaults=Defaults(Budget(usd=2.0, effort="high")))).budget == Budget(
        2.0, effort="high"
    )
    assert read({}, defaults=DefaultsSettings(effort="medium", budget_usd=1.0)).budget == Budget(1.0, effort="medium")
    assert read({}).budget == Budget()


def test_the_stronger_place_wins_each_scalar() -> None:
    everything = {
        "budget": {"usd": 4, "seconds": 9},
        "model": "maestro-low",
        **block("<maestro effort='high' budget-usd='3' budget-calls='7'/>"),
    }
    caller = Caller(defaults=Defaults(Budget(usd=2.0, seconds=1.0, calls=1, effort="medium"), quality_threshold=0.5))
    task = read(everything, {"x-maestro-budget-usd": "5"}, caller)
    assert task.budget == Budget(usd=5.0, seconds=9.0, calls=7, effort="high")
    assert task.quality_threshold == 0.5


def test_requirements_add_up_and_the_stronger_place_wins_a_name() -> None:
    body = {
        "requirements": [{"name": "tone", "description": "from body"}, "Be brief"],
        **block("<maestro>\n- [name=tone] from block\n- Only in block\n- Be brief\n</maestro>"),
    }
    header = {"x-maestro-requirements": json.dumps([{"name": "tone", "description": "from header"}])}
    caller = Caller(defaults=Defaults(requirements=(Requirement("team", "of the team"),)))
    task = read(body, header, caller)
    assert [(r.name, r.description) for r in task.requirements] == [
        ("tone", "from header"),
        ("be_brief", "Be brief"),
        ("only_in_block", "Only in block"),
        ("team", "of the team"),
    ]


def test_no_place_exceeds_the_key() -> None:
    caller = Caller(max_usd=0.5)
    for body, headers in PLACES.values():
        assert read(body, headers, caller).budget.usd == 0.5
    assert read({}, caller=caller).budget.usd == 0.5
    assert read({"budget": {"usd": 0.1}}, caller=caller).budget.usd == 0.1


@given(st.floats(0, 1e6), st.floats(0, 1e6) | st.none())
def test_the_budget_is_never_above_the_keys(usd: float, max_usd: float | None) -> None:
    given_usd = read({"budget": {"usd": usd}}, caller=Caller(max_usd=max_usd)).budget.usd
    assert given_usd is not None
    assert given_usd <= usd
    assert max_usd is None or given_usd <= max_usd


def test_maestro_words_never_reach_the_payload() -> None:
    ours: dict[str, Any] = {
        "requirements": ["a"],
        "budget": "low",
        "quality_threshold": 0.5,
        "models": ["a/b"],
        "include": ["data_sources"],
        "response_language": "french",
        "dry_run": True,
        "maestro": {"technique": "sample"},
        "metadata": {"maestro_team": "t", "maestro_budget": "0.5", "mine": "kept"},
    }
    theirs = {"temperature": 0.2, "seed": 7, "unknown": {"deep": [1, 2]}, "tools": [], "stream": False}
    task = read(ours | theirs, {"x-maestro-quality": "0.7"}, Caller(is_operator=True))
    sent = json.loads(task.payload.encode())
    assert sent == {"model": "maestro", "messages": [USER], "metadata": {"mine": "kept"}, **theirs}
    assert (task.quality_threshold, task.models, task.include) == (0.7, ("a/b",), frozenset({"data_sources"}))
    assert (task.response_language, task.dry_run) == ("french", True)
    assert task.named_action is not None


def test_without_maestro_words_the_body_is_the_same() -> None:
    body = b'{"model":"m","messages":[ {"role":"user","content":"\\u00e9 \xc3\xa9"} ],"x":1.50,"y":[1e2,null]}'
    assert read(body).payload.encode() == body


def test_metadata_that_was_only_ours_is_left_out() -> None:
    task = read({"metadata": {"maestro_team": "t", "maestro_quality": "0.5"}})
    assert "metadata" not in json.loads(task.payload.encode())
    assert task.quality_threshold == 0.5


def test_team_is_found_in_metadata() -> None:
    assert team_in(b'{"metadata":{"maestro_team":"search"}}') == "search"
    assert team_in(b'{"messages":"maestro_team"}') is None
    assert team_in(b'{"metadata":"maestro_team') is None


def test_aliases_and_suffixes() -> None:
    assert read({"model": "gpt-4"}).model == "maestro"
    assert (read({"model": "old"}).model, read({"model": "old"}).budget.effort) == ("maestro", "high")
    assert read({"model": "small"}).model == "small"
    assert read({"model": "maestrolike"}).model == "maestrolike"
    with pytest.raises(UnknownModel):
        read({"model": "maestro-extreme"})


def test_a_strict_schema_is_a_mandatory_requirement_of_a_virtual_model() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    asked = {"response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": schema, "strict": True}}}
    requirement = read(asked).requirements[0]
    assert (requirement.name, requirement.is_mandatory) == ("s", True)
    assert requirement.check == {"type": "json_schema", "schema": schema}
    assert read(asked | {"model": "small"}).requirements == ()
    assert len(read(asked | {"model": "small", "requirements": ["x"]}).requirements) == 2
    loose = {"response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": schema}}}
    assert read(loose).requirements == ()


def test_stream_and_usage() -> None:
    task = read({"stream": True, "stream_options": {"include_usage": True}})
    assert (task.stream, task.include_usage) == (True, True)
    assert not read({"stream": None}).stream


def test_named_actions_are_for_operators() -> None:
    with pytest.raises(Forbidden):
        read({"maestro": {"technique": "sample"}})


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"model": None}, "model"),
        ({"model": 3}, "model"),
        ({"model": ""}, "model"),
        ({"messages": None}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": [{"content": "x"}]}, "messages[0].role"),
        ({"stream": "true"}, "stream"),
        ({"stream": 1}, "stream"),
        ({"stream_options": []}, "stream_options"),
        ({"budget": "huge"}, "budget"),
        ({"budget": 3}, "budget"),
        ({"budget": {"usd": -1}}, "budget.usd"),
        ({"budget": {"usd": True}}, "budget.usd"),
        ({"budget": {"usd": 1e300}}, "budget.usd"),
        ({"budget": {"seconds": 0}}, "budget.seconds"),
        ({"budget": {"calls": 0.5}}, "budget.calls"),
        ({"budget": {"euros": 1}}, "budget.euros"),
        ({"quality_threshold": 1.5}, "quality_threshold"),
        ({"requirements": "x"}, "requirements"),
        ({"requirements": [3]}, "requirements[0]"),
        ({"requirements": [""]}, "requirements[0]"),
        ({"requirements": ["a", {"name": "n"}]}, "requirements[1].description"),
        ({"requirements": [{"description": "a", "is_mandatory": "yes"}]}, "requirements[0].is_mandatory"),
        ({"requirements": [{"description": "a", "weight": -1}]}, "requirements[0].weight"),
        ({"requirements": [{"description": "a", "check": "x"}]}, "requirements[0].check"),
        ({"requirements": [{"description": "a", "wait": 1}]}, "requirements[0].wait"),
        ({"requirements": [{"description": "a", "name": 1}]}, "requirements[0].name"),
        (
            {"requirements": [{"description": "a", "name": "n"}, {"description": "b", "name": "n"}]},
            "requirements[1].name",
        ),
        ({"requirements": ["x"] * 33}, "requirements"),
        ({"requirements": ["x" * 4001]}, "requirements[0]"),
        ({"models": "m"}, "models"),
        ({"models": [""]}, "models[0]"),
        ({"include": ["nothing"]}, "include[0]"),
        ({"response_language": 3}, "response_language"),
        ({"dry_run": "yes"}, "dry_run"),
        ({"maestro": "x"}, "maestro.technique"),
        ({"maestro": {"technique": "x", "n": 0}}, "maestro.n"),
        ({"metadata": {"maestro_budget": "x"}}, "metadata.maestro_budget"),
        ({"metadata": {"maestro_other": "x"}}, "metadata.maestro_other"),
    ],
)
def test_malformed_fields_are_named(body: dict[str, Any], param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read(body)
    assert caught.value.param == param


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("budget-usd", "x"),
        ("budget-usd", "inf"),
        ("budget-seconds", "-1"),
        ("budget-calls", "1.5"),
        ("effort", "max"),
        ("quality", "nan"),
        ("requirements", "{"),
        ("requirements", "{}"),
        ("budget-euros", "1"),
    ],
)
def test_malformed_headers_are_named(name: str, value: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read({}, {f"x-maestro-{name}": value})
    assert caught.value.param is not None
    assert caught.value.param.startswith(f"X-Maestro-{name.title()}")


def test_utf8_in_a_header_of_requirements() -> None:
    said = json.dumps(["Réponds en français"], ensure_ascii=False).encode().decode("latin-1")
    assert read({}, {"x-maestro-requirements": said}).requirements[0].description == "Réponds en français"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"x",
        b"[]",
        b"3",
        b"null",
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":"\xff"}',
        b'{"a":1}x',
        b'{"a"',
        b'{"a":' * 100_000,
        b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'\xef\xbb\xbf{"a":1}',
    ],
)
def test_what_is_not_a_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequest):
        read_body(body)


def test_requirements_over_all_places_are_bounded() -> None:
    body = {
        "requirements": [f"a{i}" for i in range(20)],
        **block("<maestro>\n" + "".join(f"- b{i}\n" for i in range(20)) + "</maestro>"),
    }
    with pytest.raises(TooLarge):
        read(body)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_any_budget_and_requirements_are_read_or_named(value: Any) -> None:
    for name in ("budget", "requirements", "models", "include", "maestro", "metadata", "stream", "messages", "model"):
        try:
            read({name: value}, caller=Caller(is_operator=True))
        except (BadRequest, UnknownModel):
            continue


def test_headers_travel_on_but_those_of_this_hop_and_ours() -> None:
    headers = {"traceparent": "00-1", "openai-beta": "x", "x-title": "app"}
    mine = {"authorization": "Bearer k", "host": "h", "x-maestro-effort": "low", "x-stainless-os": "Linux"}
    assert read({}, headers | mine).client_headers == headers


def test_an_effort_is_worth_what_the_settings_say() -> None:
    efforts = {"high": EffortSettings(usd=3.5, seconds=0.001)}
    assert read({"model": "maestro-high"}, efforts=efforts).operating_point == OperatingPoint(3.5, 0.001)
    assert read({"model": "maestro-low"}, efforts=efforts).operating_point is None
