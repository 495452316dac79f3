"""What happens in which order, on a clock that jumps: overlap, cancellation, cutting, hedging, anytime, fair slots."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from action_model.prices import Price
from router.errors import UpstreamFailed, UpstreamTimeout
from router.task import Budget, Caller, FinishReason, NamedAction, Payload, Requirement, Task
from router.trace import trace_of
from router.upstreams.upstream import Model
from scripts.simulation import JumpingLoop, Play
from scripts.stage import BIG, LONG, SHORT, SMALL, is_judging, is_repair, stage, task

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return "asyncio", {"loop_factory": JumpingLoop}


async def test_the_first_acceptable_answer_cancels_the_rest() -> None:
    def script(model: Model, body: Any, number: int) -> Play:
        return Play("fine", 1.0) if model.name == "big" else Play("fine", 50.0)

    it = stage(script)
    run = await it.run(task(budget=Budget(seconds=4.0, effort="high")))
    assert len(run.waves[0].actions) > 1
    assert run.finish_reason == FinishReason.ALL_SATISFIED
    assert run.seconds == pytest.approx(1.0)
    assert {heard.outcome for heard in it.upstreams.heard} == {"ok", "cancelled"}


async def test_a_fix_overlaps_its_siblings_so_that_the_run_takes_its_critical_path() -> None:
    def script(model: Model, body: Any, number: int) -> Play:
        if is_repair(body):
            return Play("short now", 1.5)
        return Play(LONG, 1.0) if number == 0 else Play("fine", 50.0)

    it = stage(script)
    run = await it.run(task(budget=Budget(seconds=4.0, effort="high")))
    repairs = [heard for heard in it.upstreams.heard if is_repair(heard.body)]
    assert repairs[0].started == pytest.approx(1.0)
    assert run.chosen is not None
    assert (run.chosen.action.technique, run.chosen.text) == ("fix", "short now")
    assert run.seconds == pytest.approx(1.0 + 1.5)
    assert len(run.waves) == 1
    assert any(planned.action.technique == "fix" for planned in run.waves[0].actions)


async def test_the_judge_is_asked_as_soon_as_each_answer_is_there() -> None:
    def script(model: Model, body: Any, number: int) -> Play:
        if is_judging(body):
            return Play(json.dumps({"verdicts": [{"satisfied": False, "score": 0.2, "reason": "cold"}]}), 1.0)
        return Play("an answer", 1.0 + number)

    it = stage(script, judges=("b/big",))
    await it.run(task(Requirement("kind", "Sound kind"), budget=Budget(seconds=9.0, calls=4, effort="high")))
    judged = [heard for heard in it.upstreams.heard if is_judging(heard.body)]
    generated = [heard for heard in it.upstreams.heard if heard not in judged]
    ends = {round(heard.ended or 0.0, 6) for heard in generated if heard.outcome == "ok"}
    assert {round(heard.started, 6) for heard in judged} <= ends
    assert judged


async def test_the_best_so_far_comes_back_at_the_very_deadline() -> None:
    def script(model: Model, body: Any, number: int) -> Play:
        return Play(LONG, 0.5) if number == 0 else Play("fine", 50.0)

    it = stage(script)
    run = await it.run(task(budget=Budget(seconds=3.0, effort="high"), quality_threshold=1.0))
    assert run.chosen is not None
    assert run.chosen.text == LONG
    assert run.seconds <= 3.0 + 1e-6


async def test_an_unfinished_stream_is_better_than_nothing_at_the_deadline() -> None:
    it = stage(lambda model, body, number: Play(" ".join(["word"] * 100), 100.0), SMALL, streamed=frozenset({"a"}))
    run = await it.run(task(Requirement("kind", "Sound kind"), budget=Budget(seconds=3.5)))
    assert run.finish_reason == FinishReason.DEADLINE
    assert run.chosen is not None
    assert run.chosen.text == "word word word"
    assert json.loads(run.chosen.completion)["choices"][0]["finish_reason"] == "length"


async def test_nothing_by_the_deadline_is_a_timeout_not_a_bad_budget() -> None:
    it = stage(lambda model, body, number: Play("fine", 100.0))
    with pytest.raises(UpstreamTimeout):
        await it.run(task(budget=Budget(seconds=3.0)))


async def test_a_stream_that_fails_for_good_is_cut_and_another_goes_on() -> None:
    endless = " ".join(["word"] * 200)

    def script(model: Model, body: Any, number: int) -> Play:
        return Play(endless, 20.0) if number == 0 else Play("fine now", 3.0)

    it = stage(script)
    run = await it.run(task(budget=Budget(seconds=8.0, effort="high")))
    first = it.upstreams.heard[0]
    assert first.outcome == "cancelled"
    assert first.ended is not None
    assert first.ended < 2.0
    assert run.chosen is not None
    assert run.chosen.text == "fine now"
    (saving,) = run.savings
    assert saving.requirement == SHORT.name
    assert 0 < saving.written_tokens < 30
    assert trace_of(run, False)["saved_output_tokens"] == saving.saved_tokens >= 0


async def test_the_only_answer_under_way_is_never_cut() -> None:
    it = stage(lambda model, body, number: Play(" ".join(["word"] * 40), 2.0), SMALL)
    run = await it.run(task(budget=Budget(calls=1)))
    assert it.upstreams.heard[0].outcome == "ok"
    assert run.chosen is not None
    assert run.score == 0.0


@pytest.mark.parametrize(
    ("budget", "count", "streams"),
    [
        (Budget(calls=1), 1, False),
        (Budget(calls=1, seconds=30.0), 1, True),
        (Budget(seconds=4.0, effort="high"), 2, True),
    ],
)
async def test_the_only_answer_under_way_is_asked_for_whole_unless_a_deadline_may_end_it(
    budget: Budget, count: int, streams: bool
) -> None:
    it = stage(lambda model, body, number: Play("fine", 1.0))
    run = await it.run(task(budget=budget))
    assert run.finish_reason == FinishReason.ALL_SATISFIED
    assert len(run.waves[0].actions) >= count
    assert {"stream" in heard.body for heard in it.upstreams.heard} == {streams}


async def test_a_slow_call_is_hedged_at_another_upstream_and_the_loser_cancelled() -> None:
    def script(model: Model, body: Any, number: int) -> Play:
        return Play("fine", 60.0) if number == 0 else Play("fine", 1.0)

    it = stage(script, SMALL, replace(BIG, price=SMALL.price), max_parallel=1)
    run = await it.run(task(budget=Budget(effort="low", seconds=30.0)))
    slow, hedge = it.upstreams.heard
    assert slow.model.split("/")[0] != hedge.model.split("/")[0]
    assert slow.outcome == "cancelled"
    assert run.seconds == pytest.approx(hedge.started + 1.0)
    assert run.finish_reason == FinishReason.ALL_SATISFIED


async def test_no_hedge_where_the_calls_are_used_up() -> None:
    it = stage(lambda model, body, number: Play("fine", 20.0))
    await it.run(task(budget=Budget(effort="low", calls=1)))
    assert len(it.upstreams.heard) == 1


async def test_samples_that_share_a_long_prompt_wait_for_the_first_to_be_read() -> None:
    cached = replace(SMALL, price=Price(1.0, 2.0, cached_input_usd_per_mtok=0.1))
    prompt = [{"role": "user", "content": "word " * 4000}]
    made = task(named_action=NamedAction("best_of_n", 3, "a/small"))
    fields = {**made.payload.fields, "messages": msgspec.Raw(json.dumps(prompt).encode())}
    it = stage(lambda model, body, number: Play("fine", 2.0), cached, streamed=frozenset({"a"}))
    await it.run(msgspec.structs.replace(made, payload=Payload(fields)))
    starts = [heard.started for heard in it.upstreams.heard]
    assert starts[0] == 0.0
    assert all(start > 0.0 for start in starts[1:])


async def test_teams_share_the_slots_fairly() -> None:
    it = stage(lambda model, body, number: Play("fine", 1.0), SMALL, slots={"a": 2})
    ended: list[tuple[float, str]] = []

    async def one(team: str) -> None:
        await it.dispatcher.run(task(), Caller(team=team), it.dispatcher.choose(task(), Caller(team=team)))
        ended.append((asyncio.get_running_loop().time(), team))

    running = [asyncio.create_task(one("greedy")) for _ in range(20)]
    await asyncio.sleep(0.5)
    running.append(asyncio.create_task(one("modest")))
    await asyncio.gather(*running)
    modest = next(seconds for seconds, team in ended if team == "modest")
    assert modest <= 2.0 + 1e-6


async def test_a_judged_pass_is_confirmed_by_another_judge_before_the_stop() -> None:
    verdict = {"satisfied": True, "score": 1, "confidence": 0.9, "evidence": "answer", "reason": "ok"}

    def script(model: Model, body: Any, number: int) -> Play:
        if is_judging(body):
            return Play(json.dumps({"verdicts": [verdict]}), 0.5)
        return Play("an answer", 1.0)

    it = stage(script, judges=("b/big", "a/small"), max_parallel=1)
    run = await it.run(task(Requirement("kind", "Sound kind", is_mandatory=True)))
    judges = [heard.model for heard in it.upstreams.heard if is_judging(heard.body)]
    assert sorted(judges) == ["a/small", "b/big"]
    assert run.waves[-1].actions[0].action.technique == "confirm"
    assert (run.score, len(run.candidates)) == (1.0, 1)


async def test_wrong_tool_arguments_are_no_answer_while_right_ones_can_be_had() -> None:
    def call(arguments: str) -> tuple[dict[str, Any], ...]:
        return ({"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": arguments}},)

    def script(model: Model, body: Any, number: int) -> Play:
        return Play(tool_calls=call("{}" if number == 0 else '{"city": "Paris"}'))

    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    tools = [{"type": "function", "function": {"name": "weather", "parameters": schema}}]
    made = task()
    fields = {**made.payload.fields, "tools": msgspec.Raw(json.dumps(tools).encode())}
    it = stage(script)
    run = await it.run(msgspec.structs.replace(made, payload=Payload(fields)))
    assert run.chosen is not None
    assert "Paris" in run.chosen.completion.decode()
    assert run.finish_reason == FinishReason.UNVALIDATED


async def test_every_upstream_failing_raises_and_leaves_nothing_behind() -> None:
    it = stage(lambda model, body, number: Play(error=UpstreamFailed("scripted", model.upstream)))
    with pytest.raises(UpstreamFailed):
        await it.run(task())


async def test_a_cancelled_run_leaves_no_task_and_no_hold() -> None:
    it = stage(lambda model, body, number: Play("fine", 60.0))
    running = asyncio.create_task(it.run(task(budget=Budget(seconds=50.0, effort="high"))))
    await asyncio.sleep(0.5)
    assert it.upstreams.live > 0
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_a_tool_loop_stays_with_its_model_and_a_plain_question_does_not() -> None:
    it = stage(lambda model, body, number: Play("fine"))
    call = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    first: list[dict[str, Any]] = [{"role": "user", "content": "Weather?"}]
    asked = {"role": "assistant", "content": None, "tool_calls": [call]}
    then = [*first, asked, {"role": "tool", "tool_call_id": "call_1", "content": "sunny"}]

    def of(messages: list[dict[str, Any]], model: str = "maestro", *models: str) -> Task:
        raw = msgspec.Raw(json.dumps(messages).encode())
        return Task(model, Payload({"messages": raw}), models=models)

    caller, other = Caller(key_id="k1"), Caller(key_id="k2")
    road = it.dispatcher.choose(of(first, "maestro", "big"), caller)
    await it.dispatcher.relay(of(first, "maestro", "big"), caller, road)
    assert it.dispatcher.choose(of(then), caller).models == (BIG,)
    assert it.dispatcher.choose(of(then), other).models == (SMALL,)
    assert it.dispatcher.choose(of([*first, {"role": "assistant", "content": "Hm."}, *first]), caller).models == (
        SMALL,
    )


async def test_a_relay_that_maestro_chose_is_kept_as_a_run() -> None:
    it = stage(lambda model, body, number: Play("fine"))
    plain = Task("maestro", Payload({"messages": msgspec.Raw(b'[{"role":"user","content":"Hi"}]')}))
    road = it.dispatcher.choose(plain, Caller())
    await it.dispatcher.relay(plain, Caller(), road)
    assert it.ledger.runs[road.run_id]["attempts"]
    assert it.ledger.outcomes[0]["model"] == "a/small"


async def test_without_requirements_answers_that_agree_decide_and_disagreement_buys_opinions() -> None:
    texts = ["The answer is 41.", "The answer is 42.", "I get 42. The answer is 42.", "The answer is 42."]
    it = stage(lambda model, body, number: Play(texts[min(number, 3)]))
    messages = msgspec.Raw(b'[{"role": "user", "content": "How many is six times seven?"}]')
    made = Task("maestro", Payload({"messages": messages}), budget=Budget(usd=1.0, effort="high"))
    run = await it.run(made)
    assert len(run.candidates) > 1
    assert run.chosen is not None
    assert "42" in run.chosen.text
    assert run.finish_reason == FinishReason.UNVALIDATED
    assert it.dispatcher.choose(msgspec.structs.replace(made, budget=Budget(effort="low")), Caller()).kind == "relay"
