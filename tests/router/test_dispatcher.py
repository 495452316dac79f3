"""Runs over scripted upstreams: waves, repair, early stop, budgets, deadlines, cancellation."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from action_model.prices import Price
from action_model.prior import PriorEstimator
from router.candidates import best_of
from router.dispatcher import Dispatcher, DispatcherOptions
from router.errors import BadRequest, UpstreamFailed
from router.events import CandidateChecked, WaveStarted
from router.judging.judge import Judge
from router.ledger.sqlite import SqliteLedger
from router.task import Budget, Caller, Candidate, FinishReason, Payload, Requirement, Task
from router.upstreams.pool import Pool, UpstreamSpec, build_pool
from router.upstreams.transport import Address
from router.upstreams.upstream import Model
from router.verify import Verifier
from scripts.fake_upstream import FakeUpstream, Scripted

pytestmark = pytest.mark.anyio
SHORT = Requirement("short", "Answer in at most 3 words", is_mandatory=True)


@dataclass
class Served:
    dispatcher: Dispatcher
    ledger: SqliteLedger
    pool: Pool

    async def run(self, task: Task, caller: Caller = Caller(), events: list[Any] | None = None) -> Any:
        road = self.dispatcher.choose(task, caller)
        return await self.dispatcher.run(task, caller, road, (events if events is not None else []).append)


@asynccontextmanager
async def served(fake: FakeUpstream, folder: Path, judges: bool = False) -> AsyncIterator[Served]:
    models = tuple(Model("a", name, name, Price(1.0, price)) for name, price in (("small", 2.0), ("big", 8.0)))
    pool = build_pool([UpstreamSpec(Address("a", fake.base_url), models, retries=0)])
    ledger = SqliteLedger(folder / "ledger.db", "normal")
    await ledger.start()
    verifier = Verifier(Judge(pool), [pool.find("big")] if judges else [])
    options = DispatcherOptions(asyncio.get_running_loop().time, {}, max_parallel=4)
    try:
        yield Served(Dispatcher(pool, ledger, PriorEstimator(), verifier, options), ledger, pool)
    finally:
        await pool.close()
        await ledger.close()


def task(*requirements: Requirement, **changes: Any) -> Task:
    fields = {"model": "maestro", "messages": [{"role": "user", "content": "Say it."}], "max_tokens": 50}
    payload = Payload({name: msgspec.Raw(json.dumps(value).encode()) for name, value in fields.items()})
    made = Task("maestro", payload, requirements or (SHORT,), Budget(effort="high"))
    return replace(made, **changes)


def by_turn(first: str, repaired: str) -> Callable[[Any], Scripted]:
    """Answers a fresh question with one text, and a repair with another."""

    def answer(body: Any) -> Scripted:
        is_repair = any(message["role"] == "assistant" for message in body["messages"])
        return Scripted(repaired if is_repair else first)

    return answer


async def test_an_answer_that_satisfies_ends_the_run(tmp_path: Path) -> None:
    async with FakeUpstream(Scripted("short one")) as fake, served(fake, tmp_path) as it:
        run = await it.run(task())
    assert run.finish_reason == FinishReason.ALL_SATISFIED
    assert (run.chosen.text, run.score) == ("short one", 1.0)
    assert len(run.waves) == 1
    assert run.spent == sum(attempt.nanodollars for attempt in run.attempts) > 0


async def test_a_failed_answer_is_repaired_with_its_verdicts(tmp_path: Path) -> None:
    script = by_turn("this one is much too long", "short now")
    events: list[Any] = []
    async with FakeUpstream(script) as fake, served(fake, tmp_path) as it:
        run = await it.run(task(), events=events)
        repairs = [seen.body for seen in fake.requests if seen.body["messages"][-2]["role"] == "assistant"]
    assert run.chosen.text == "short now"
    assert run.chosen.action.technique == "fix"
    assert run.chosen.parents
    assert "6 words, limit 3" in repairs[0]["messages"][-1]["content"]
    assert {type(event) for event in events} >= {WaveStarted, CandidateChecked}


async def test_the_best_candidate_comes_back_when_nothing_satisfies(tmp_path: Path) -> None:
    script = by_turn("one two three four five", "one two three four")
    async with FakeUpstream(script) as fake, served(fake, tmp_path) as it:
        run = await it.run(task(replace(SHORT, is_mandatory=False), budget=Budget(calls=3, effort="high")))
    assert run.finish_reason in (FinishReason.BUDGET_EXHAUSTED, FinishReason.NO_IMPROVEMENT_EXPECTED)
    assert len(run.attempts) <= 3
    assert run.chosen.score == max(candidate.score for candidate in run.candidates)


async def test_calls_and_dollars_are_never_passed(tmp_path: Path) -> None:
    async with FakeUpstream(Scripted("always much too long for this")) as fake, served(fake, tmp_path) as it:
        run = await it.run(task(budget=Budget(usd=0.0008, effort="high")))
        assert run.spent <= 800_000
        assert fake.billed_calls == len(run.attempts)


async def test_a_budget_for_nothing_is_a_bad_request(tmp_path: Path) -> None:
    async with FakeUpstream() as fake, served(fake, tmp_path) as it:
        with pytest.raises(BadRequest) as refusal:
            await it.run(task(budget=Budget(usd=0.0000001)))
        assert refusal.value.code == "budget_too_small"
        assert not fake.requests


async def test_the_deadline_returns_the_best_so_far_and_cancels_the_rest(tmp_path: Path) -> None:
    def script(body: Any) -> Scripted:
        is_repair = any(message["role"] == "assistant" for message in body["messages"])
        return Scripted(behaviour="hang") if is_repair else Scripted("this one is too long")

    async with FakeUpstream(script) as fake, served(fake, tmp_path) as it:
        run = await it.run(task(budget=Budget(seconds=2.5, effort="high"), quality_threshold=1.0))
        await fake.wait_until(lambda f: f.live == 0)
    assert run.chosen.text == "this one is too long"
    assert run.finish_reason in (FinishReason.DEADLINE, FinishReason.NO_IMPROVEMENT_EXPECTED)


async def test_nothing_outlives_a_cancelled_run_and_its_spend_is_settled(tmp_path: Path) -> None:
    async with FakeUpstream(Scripted(behaviour="hang")) as fake, served(fake, tmp_path) as it:
        running = asyncio.create_task(it.run(task()))
        await fake.wait_until(lambda f: f.live > 0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await fake.wait_until(lambda f: f.live == 0)
        await it.ledger.flush()
        totals = await it.ledger.totals()
        # what was cancelled while its connection was being made never came to the upstream, and is charged all the same
        assert totals["calls"] == totals["estimated_calls"] >= len(fake.requests) > 0


async def test_a_failing_model_is_left_out_and_the_other_answers(tmp_path: Path) -> None:
    def script(body: Any) -> Scripted:
        return Scripted("fine") if body["model"] == "big" else Scripted(behaviour="error")

    async with FakeUpstream(script) as fake, served(fake, tmp_path) as it:
        run = await it.run(task())
    assert run.chosen.action.model == "a/big"


async def test_without_any_candidate_the_upstream_is_to_blame(tmp_path: Path) -> None:
    async with FakeUpstream(Scripted(behaviour="error")) as fake, served(fake, tmp_path) as it:
        with pytest.raises(UpstreamFailed):
            await it.run(task())


async def test_a_soft_requirement_is_judged_by_another_model_inside_the_budget(tmp_path: Path) -> None:
    verdict = {"satisfied": True, "score": 1, "confidence": 0.9, "evidence": "kind", "reason": "it is kind"}

    def script(body: Any) -> Scripted:
        if body["messages"][0]["content"].startswith("You check"):
            return Scripted(json.dumps({"verdicts": [verdict]}))
        return Scripted("a kind answer")

    soft = Requirement("kind", "Sound kind")
    async with FakeUpstream(script) as fake, served(fake, tmp_path, judges=True) as it:
        run = await it.run(task(soft))
    assert run.chosen.verdicts[0].source == "judge"
    assert run.score == 1.0
    assert any(attempt.purpose == "judge" for attempt in run.attempts)
    assert run.spent == sum(attempt.nanodollars for attempt in run.attempts)


async def test_a_judge_that_does_not_answer_is_no_verdict(tmp_path: Path) -> None:
    def script(body: Any) -> Scripted:
        if body["messages"][0]["content"].startswith("You check"):
            return Scripted(behaviour="error")
        return Scripted("an answer")

    async with FakeUpstream(script) as fake, served(fake, tmp_path, judges=True) as it:
        run = await it.run(task(Requirement("kind", "Sound kind")))
    assert run.chosen.verdicts[0].score is None
    assert run.score is None
    assert run.finish_reason == FinishReason.UNVALIDATED


async def test_an_answer_that_calls_tools_is_not_judged_as_text(tmp_path: Path) -> None:
    async with FakeUpstream(Scripted(behaviour="tools")) as fake, served(fake, tmp_path) as it:
        run = await it.run(task())
    assert run.chosen.has_tool_calls
    assert run.finish_reason == FinishReason.UNVALIDATED
    assert len(run.waves) == 1


async def test_a_concrete_model_without_requirements_is_relayed_as_it_came(tmp_path: Path) -> None:
    async with FakeUpstream() as fake, served(fake, tmp_path) as it:
        made = replace(task(), model="a/small", requirements=())
        road = it.dispatcher.choose(made, Caller())
        reply = await it.dispatcher.relay(made, Caller(), road)
        assert road.kind == "relay"
        assert json.loads(fake.requests[0].raw) == {**json.loads(made.payload.encode()), "model": "small"}
        assert json.loads(reply.body)["choices"][0]["message"]["content"] == "Hello there."


async def test_a_dry_run_calls_nothing_and_shows_plan_and_frontier(tmp_path: Path) -> None:
    async with FakeUpstream() as fake, served(fake, tmp_path) as it:
        shown = await it.dispatcher.explain(task(), Caller())
        assert shown["plan"]["actions"]
        assert [point["effort"] for point in shown["frontier"]] == ["low", "medium", "high"]
        assert not fake.requests


async def test_a_run_is_stored_as_a_tree_without_texts(tmp_path: Path) -> None:
    async with FakeUpstream(Scripted("short one")) as fake, served(fake, tmp_path) as it:
        run = await it.run(task(), Caller(team="search"))
        stored = await it.ledger.find_run(run.id)
    assert stored is not None
    assert stored["team"] == "search"
    assert stored["chosen"]["candidate"] == run.chosen.id
    assert stored["waves"][0]["actions"]
    assert "short one" not in json.dumps(stored)


def test_an_unvalidated_answer_ranks_between_failed_and_satisfied() -> None:
    from action_model.actions import Action

    made = [Candidate(name, Action("a/small"), b"", "", score=score) for name, score in (("f", 0.2), ("u", None))]
    assert best_of(made).id == "u"
    assert best_of([*made, Candidate("s", Action("a/small"), b"", "", score=1.0)]).id == "s"


async def test_a_budget_that_pays_for_no_judge_still_gives_an_answer(tmp_path: Path) -> None:
    async with FakeUpstream(Scripted("an answer")) as fake, served(fake, tmp_path, judges=True) as it:
        run = await it.run(task(Requirement("kind", "Sound kind"), budget=Budget(calls=1)))
        assert len(fake.requests) == 1
    assert run.chosen.text == "an answer"
    assert run.score is None
