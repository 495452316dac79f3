"""Feedback over a socket: shown in the run, and learnt from."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from scripts.fake_upstream import FakeUpstream, Scripted
from tests.proxy.runs.test_runs import RUNS, ask, begin, ended
from tests.proxy.served import MESSAGES, Served, serving, settings_for

pytestmark = pytest.mark.anyio
JUDGED = [{"name": "tone", "description": "Be warm and encouraging towards the reader"}]


def script(body: Any) -> Scripted:
    """Answers, and judges that all holds."""
    asked = body["messages"][-1]["content"]
    if "Requirements:" not in asked:
        return Scripted("Short and kind")
    numbers = re.findall(r"^(\d+)\. ", asked.rsplit("Requirements:", 1)[1], re.MULTILINE)
    said = {"satisfied": True, "score": 1.0, "confidence": 0.9, "evidence": "kind", "reason": "It is."}
    return Scripted(json.dumps({"verdicts": [{"id": int(number), **said} for number in numbers]}))


@pytest.fixture
async def proxy(tmp_path: Path) -> AsyncIterator[Served]:
    async with FakeUpstream(script) as fake, serving(settings_for(fake, tmp_path)) as served:
        yield served


async def outcomes(proxy: Served) -> list[tuple[Any, ...]]:
    ledger = proxy.house.rooms.ledger
    await ledger.flush()
    sql = "select run_id, success, score, row from outcomes order by id"
    return await ledger.writer.do(lambda db: db.execute(sql).fetchall())


async def test_feedback_is_shown_in_the_run_and_becomes_an_outcome(proxy: Served) -> None:
    run_id = await begin(proxy)
    await ended(proxy, run_id)
    said = {"score": 0.0, "requirement": "short", "comment": "Too curt.", "better_answer": "Short, and kind."}
    status, told = await ask(proxy, "POST", f"{RUNS}/{run_id}/feedback", said)
    assert (status, told["learnt"]["outcomes"]) == (200, 1)
    shown = (await ask(proxy, "GET", f"/studio{RUNS}/{run_id}"))[1]["feedback"]
    assert [{name: word[name] for name in said} for word in shown] == [said]
    rows = await outcomes(proxy)
    assert rows[-1][:3] == (run_id, None, 0.0)
    assert '"verdicts":{"short":0.0}' in rows[-1][3]


async def test_a_chat_completion_takes_feedback_by_its_run_id(proxy: Served) -> None:
    async with proxy.client() as client:
        answer = await client.chat.completions.create(
            model="maestro", messages=MESSAGES, extra_body={"requirements": ["At most 3 words"]}
        )
    run_id = answer.model_extra["maestro"]["run_id"]  # type: ignore[index]
    assert (await ask(proxy, "POST", f"{RUNS}/{run_id}/feedback", {"score": True}))[0] == 200
    assert (await ask(proxy, "GET", f"{RUNS}/{run_id}"))[1]["feedback"][0]["score"] == 1.0
    assert (await outcomes(proxy))[-1][1:3] == (1.0, 1.0)


async def test_the_judge_learns_what_it_said_wrongly(proxy: Served) -> None:
    status, run = await ask(proxy, "POST", RUNS, {"input": "Say it.", "requirements": JUDGED, "models": ["small"]})
    assert status == 200
    found = await ended(proxy, run["id"])
    chosen = next(one for one in found["candidates"] if one["id"] == found["chosen"]["candidate"])
    judged = [verdict for verdict in chosen["verdicts"] if verdict["source"] == "judge" and "judge" in verdict]
    said = {"score": 0, "requirement": "tone"}
    _, told = await ask(proxy, "POST", f"{RUNS}/{run['id']}/feedback", said)
    await proxy.house.rooms.ledger.flush()
    labels = [row for row in await proxy.house.rooms.ledger.read_labels() if row["source"] == "feedback"]
    assert told["learnt"]["judge_labels"] == len(judged) == len(labels) == 1
    assert not labels[0]["truth"]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "score"),
        ({"score": 2}, "score"),
        ({"score": 1, "requirement": "none"}, "requirement"),
        ({"rating": 5}, "rating"),
        ({"comment": ""}, "comment"),
    ],
)
async def test_bad_feedback_is_refused(proxy: Served, body: Any, param: str) -> None:
    run_id = await begin(proxy)
    await ended(proxy, run_id)
    status, said = await ask(proxy, "POST", f"{RUNS}/{run_id}/feedback", body)
    assert (status, said["error"]["param"]) == (400, param)


async def test_there_must_be_such_a_run(proxy: Served) -> None:
    assert (await ask(proxy, "POST", f"{RUNS}/run-none/feedback", {"score": 1}))[0] == 404
