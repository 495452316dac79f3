"""Each technique through the whole proxy: what is asked of a scripted upstream, and which answer comes back."""

from pathlib import Path
from typing import Any

import pytest

from scripts.fake_upstream import FakeUpstream, Scripted
from tests.proxy.served import MESSAGES, serving, settings_for

pytestmark = pytest.mark.anyio
SHORT = [{"name": "short", "description": "Answer in at most 3 words", "is_mandatory": True}]
TOO_LONG = "this one is much too long"


def script(body: Any) -> Scripted:
    """A writer that is too long at first, and short once it repairs, fuses drafts or has worked on the parts."""
    last = str(body["messages"][-1]["content"])
    if "Split the task above" in last:
        return Scripted('["the first", "the second"]')
    if "Work on this part" in last:
        return Scripted("a note")
    if "These are notes" in last:
        return Scripted("out of parts")
    if "Draft 1" in last:
        return Scripted("out of drafts")
    is_repair = any(message["role"] == "assistant" for message in body["messages"])
    return Scripted("repaired" if is_repair else TOO_LONG)


@pytest.mark.parametrize(
    ("named", "calls", "chosen", "text"),
    [
        ({"technique": "sample", "n": 1}, 1, "sample", TOO_LONG),
        ({"technique": "best_of_n", "n": 3}, 3, "sample", TOO_LONG),
        ({"technique": "fix", "n": 3}, 2, "fix", "repaired"),
        ({"technique": "fuse", "n": 2}, 3, "fuse", "out of drafts"),
        ({"technique": "decompose", "n": 1}, 4, "decompose", "out of parts"),
    ],
)
async def test_a_technique_asks_what_it_needs_and_its_best_answer_is_given(
    named: dict[str, Any], calls: int, chosen: str, text: str, tmp_path: Path
) -> None:
    async with FakeUpstream(script) as fake, serving(settings_for(fake, tmp_path)) as proxy, proxy.client() as client:
        wish = {"requirements": SHORT, "maestro": {**named, "model": "small"}}
        answer: Any = await client.chat.completions.create(model="maestro", messages=MESSAGES, extra_body=wish)
    assert answer.choices[0].message.content == text
    assert (len(fake.requests), answer.maestro["chosen"]["technique"]) == (calls, chosen)
    assert answer.requirements_result["score"] == (0.0 if text == TOO_LONG else 1.0)


async def test_of_answers_that_nothing_checks_the_majority_is_given(tmp_path: Path) -> None:
    said = iter(["The answer is 5.", "The answer is 4.", "It is plain: the answer is 4."])
    asking: Any = [{"role": "user", "content": "How many legs has a dog?"}]
    async with (
        FakeUpstream(lambda body: Scripted(next(said))) as fake,
        serving(settings_for(fake, tmp_path)) as proxy,
        proxy.client() as client,
    ):
        wish = {"maestro": {"technique": "majority", "n": 3, "model": "small"}}
        answer: Any = await client.chat.completions.create(model="maestro", messages=asking, extra_body=wish)
    assert "4" in answer.choices[0].message.content
    assert len(fake.requests) == 3
