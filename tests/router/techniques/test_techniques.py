"""What is asked of a model: the client's messages as they came, ours around them, and no more than that."""

import json
from importlib.metadata import EntryPoint
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from action_model.actions import Action
from router.task import Candidate, Payload, Requirement, Task, Verdict
from router.techniques.decompose import MOST_PARTS, Decompose, read_parts
from router.techniques.fix import Fix
from router.techniques.fuse import Fuse
from router.techniques.prompts import PROMPT_VARIANTS
from router.techniques.registry import TechniqueError, load_techniques
from router.techniques.sample import Sample
from router.techniques.technique import Step, Steps, Technique

ACTION = Action("a/m")
SHORT = Requirement("short", "Answer in at most 3 words")
SECRET = Requirement("secret", "Do not mention purple elephants", check_only=True)
PARENT = Candidate("c0.0", ACTION, b"", "too long an answer", verdicts=(Verdict("short", 0.6, "4 words", "check"),))


def task(
    messages: list[dict[str, Any]], *requirements: Requirement, language: str | None = None, **fields: Any
) -> Task:
    raw = {name: msgspec.Raw(json.dumps(value).encode()) for name, value in fields.items()}
    payload = Payload(
        {"model": msgspec.Raw(b'"maestro"'), "messages": msgspec.Raw(json.dumps(messages).encode()), **raw}
    )
    return Task("maestro", payload, requirements, response_language=language)


def bodies(technique: Technique, made: Task, parents: tuple[Candidate, ...] = (), *replies: str) -> list[list[Any]]:
    steps = technique.steps(made, ACTION, parents)
    step, found = next(steps), []
    for reply in [*replies, ""]:
        found.append([json.loads(body) for body in step.bodies])
        completion = json.dumps({"choices": [{"message": {"content": reply}}]}).encode()
        try:
            step = steps.send((completion,) * len(step.bodies))
        except StopIteration:
            break
    return found


USER = {"role": "user", "content": [{"type": "text", "text": "Hi"}, {"type": "image_url", "image_url": {"url": "u"}}]}
CALL = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f"}}],
}
TOOL = {"role": "tool", "tool_call_id": "1", "content": "sunny", "unknown": [1, {"x": 2.50}]}


@pytest.mark.parametrize("technique", [Sample(), Fix(), Fuse()])
def test_the_clients_messages_and_fields_stay_as_they_came(technique: Technique) -> None:
    made = task([USER, CALL, TOOL], SHORT, seed=7, n=2, logprobs=True, tools=[{"type": "function"}], stream=True)
    step = next(technique.steps(made, ACTION, (PARENT, PARENT)))
    body = json.loads(step.bodies[0])
    assert body["messages"][1:4] == [USER, CALL, TOOL]
    assert bytes(made.payload.fields["messages"])[1:-1].split(b"}, {")[0] in step.bodies[0]
    assert (body["seed"], body["n"], body["logprobs"], body["tools"]) == (7, 2, True, [{"type": "function"}])
    assert "stream" not in body
    assert step.is_final


def test_without_requirements_a_sample_is_the_clients_own_request() -> None:
    body = bodies(Sample(), task([USER]))[0][0]
    assert body == {"model": "maestro", "messages": [USER]}


def test_requirements_stand_at_the_end_of_the_system_message_but_check_only_ones_nowhere() -> None:
    made = task([{"role": "developer", "content": "Be kind."}, USER], SHORT, SECRET, language="French")
    system = bodies(Sample(), made)[0][0]["messages"][0]
    assert system["role"] == "developer"
    assert system["content"].startswith("Be kind.\n\n")
    assert SHORT.description in system["content"]
    assert "French" in system["content"]
    assert "purple" not in system["content"]


def test_a_system_message_of_parts_gets_one_part_more() -> None:
    parts = [{"type": "text", "text": "Be kind.", "cache_control": {"type": "ephemeral"}}]
    system = bodies(Sample(), task([{"role": "system", "content": parts}, USER], SHORT))[0][0]["messages"][0]
    assert system["content"][0] == parts[0]
    assert SHORT.description in system["content"][1]["text"]


def test_prompt_variants_and_temperature_are_the_actions() -> None:
    step = next(
        Sample().steps(task([USER], SHORT, temperature=0), Action("a/m", prompt="careful", temperature=0.9), ())
    )
    body = json.loads(step.bodies[0])
    assert body["temperature"] == 0.9
    assert body["messages"][0]["content"].endswith(PROMPT_VARIANTS["careful"])
    assert PROMPT_VARIANTS["plain"] == ""


def test_a_fix_begins_with_the_very_bytes_of_a_sample() -> None:
    made = task([USER], SHORT)
    sample = next(Sample().steps(made, ACTION, ())).bodies[0]
    fix = next(Fix().steps(made, ACTION, (PARENT,))).bodies[0]
    assert fix.startswith(sample[: sample.rindex(b"]}")])
    turns = json.loads(fix)["messages"][-2:]
    assert turns[0] == {"role": "assistant", "content": PARENT.text}
    assert "4 words" in turns[1]["content"]


def test_a_fuse_shows_all_drafts_as_material_with_their_faults() -> None:
    asked = bodies(Fuse(), task([USER], SHORT), (PARENT, Candidate("c0.1", ACTION, b"", "other")))[0][0]["messages"][-1]
    assert asked["role"] == "user"
    assert "Draft 1\ntoo long an answer\n(Known faults: 4 words)" in asked["content"]
    assert "Draft 2\nother" in asked["content"]


def test_decompose_asks_for_parts_then_their_answers_then_the_whole() -> None:
    made = task([USER], SHORT, tools=[{"type": "function"}], response_format={"type": "json_object"})
    split, notes, whole = bodies(Decompose(), made, (), 'Here: ["one", "two"]', "a note")
    assert len(split) == 1
    assert ["one" in notes[0]["messages"][-1]["content"], "two" in notes[1]["messages"][-1]["content"]] == [True, True]
    assert all("tools" not in body and "response_format" not in body for body in [*split, *notes])
    assert whole[0]["response_format"] == {"type": "json_object"}
    assert "1. one\na note\n\n2. two\na note" in whole[0]["messages"][-1]["content"]


def test_without_parts_decompose_answers_the_task_as_it_is() -> None:
    made = task([USER], SHORT)
    _, whole = bodies(Decompose(), made, (), "I will not.")
    assert whole[0] == json.loads(next(Sample().steps(made, ACTION, ())).bodies[0])


@given(st.text(max_size=200))
def test_parts_are_read_from_anything_without_raising(text: str) -> None:
    assert len(read_parts(text)) <= MOST_PARTS


class Shout:
    """A technique of somebody else."""

    name = "shout"

    def steps(self, task: Task, action: Action, parents: Any) -> Steps:
        yield Step((b"{}",))


def point(name: str, value: str) -> EntryPoint:
    return EntryPoint(name, value, "maestro.techniques")


def test_others_register_techniques_by_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys
    import types

    module = types.ModuleType("shouting")
    vars(module).update(Shout=Shout, Sample=Sample, nothing=3)
    monkeypatch.setitem(sys.modules, "shouting", module)
    assert load_techniques([point("shout", "shouting:Shout")])["shout"].name == "shout"
    for value in ("shouting:Sample", "shouting:nothing", "shouting:missing", "no_such_module:X"):
        with pytest.raises(TechniqueError):
            load_techniques([point("bad", value)])


def test_our_own_are_always_there() -> None:
    assert {"sample", "fix", "fuse", "decompose"} <= set(load_techniques())
