"""Named actions: fixed policies for comparison."""

from typing import Any

import pytest
from msgspec.structs import replace

from router.errors import BadRequest
from router.task import NamedAction, Requirement
from router.upstreams.upstream import Model
from scripts.simulation import JumpingLoop, Play
from scripts.stage import LONG, stage, task

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return "asyncio", {"loop_factory": JumpingLoop}


async def test_best_of_n_makes_all_n_and_keeps_the_best() -> None:
    texts = ["one two three four five", "one two three four", "fine", LONG]
    it = stage(lambda model, body, number: Play(texts[number % 4], 1.0 + number))
    run = await it.run(task(named_action=NamedAction("best_of_n", 4, "a/small")))
    assert len(run.candidates) == 4
    assert run.chosen is not None
    assert run.chosen.text == "fine"
    assert run.seconds == pytest.approx(4.0)


async def test_a_named_fix_repairs_until_it_holds_or_n_calls_are_made() -> None:
    texts = [LONG, LONG, "short now", "never asked"]
    it = stage(lambda model, body, number: Play(texts[number], 1.0))
    run = await it.run(task(named_action=NamedAction("fix", 4, "a/small")))
    assert len(run.attempts) == 3
    assert run.chosen is not None
    assert (run.chosen.text, run.chosen.repair_count) == ("short now", 2)


async def test_a_named_fuse_reads_the_samples() -> None:
    def script(model: Model, body: Any, number: int) -> Play:
        return (
            Play("the best of both") if "Draft 2" in body["messages"][-1]["content"] else Play(f"draft text {number}")
        )

    it = stage(script)
    kind = Requirement("long", "Answer in at least 4 words")
    run = await it.run(task(kind, named_action=NamedAction("fuse", 2, "a/small")))
    assert run.chosen is not None
    assert run.chosen.text == "the best of both"
    assert len(run.chosen.parents) == 2


async def test_decompose_answers_the_parts_at_the_same_time_and_then_the_whole() -> None:
    def script(model: Model, body: Any, number: int) -> Play:
        asked = body["messages"][-1]["content"]
        if "JSON array" in asked:
            return Play('["the first part", "the second part"]', 1.0)
        return Play("short whole" if "notes on the parts" in asked else "a note", 2.0)

    it = stage(script)
    run = await it.run(task(named_action=NamedAction("decompose", 1, "a/small")))
    assert [heard.started for heard in it.upstreams.heard] == [0.0, 1.0, 1.0, 3.0]
    assert run.seconds == pytest.approx(5.0)
    assert run.chosen is not None
    assert run.chosen.text == "short whole"
    assert run.chosen.nanodollars == run.spent


async def test_an_unknown_technique_is_a_bad_request() -> None:
    it = stage(lambda model, body, number: Play())
    with pytest.raises(BadRequest) as refusal:
        await it.run(task(named_action=NamedAction("magic")))
    assert refusal.value.param == "maestro.technique"


async def test_a_named_majority_chooses_what_most_say() -> None:
    texts = ["The answer is 1.", "The answer is 2.", "So the answer is 2."]
    it = stage(lambda model, body, number: Play(texts[number]))
    run = await it.run(replace(task(named_action=NamedAction("majority", 3, "a/small")), requirements=()))
    assert run.chosen is not None
    assert "2" in run.chosen.text
