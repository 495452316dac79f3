"""Whatever upstreams do: money, calls and seconds are kept, nothing is left behind, and an answer or a reason comes."""

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.errors import MaestroError, UpstreamBusy, UpstreamFailed, UpstreamLost
from router.task import Budget, FinishReason, Run
from router.upstreams.upstream import Model
from scripts.simulation import JumpingLoop, Play
from scripts.stage import LONG, Stage, stage, task

plays = st.builds(
    Play,
    text=st.sampled_from(["fine", LONG, "one two three four", " ".join(["word"] * 45)]),
    seconds=st.floats(0.0, 8.0),
    error=st.sampled_from([None, None, None, UpstreamFailed("x", "a"), UpstreamLost("x", "a"), UpstreamBusy("x", "a")]),
)
budgets = st.builds(
    Budget,
    usd=st.none() | st.floats(0.00005, 0.003),
    seconds=st.none() | st.floats(0.5, 12.0),
    calls=st.none() | st.integers(1, 6),
    effort=st.sampled_from(["low", "medium", "high"]),
)


def on_stage(script: list[Play], budget: Budget, streamed: frozenset[str]) -> tuple[Stage, Run | MaestroError]:
    def play(model: Model, body: Any, number: int) -> Play:
        return script[number % len(script)]

    async def act() -> tuple[Stage, Run | MaestroError]:
        it = stage(play, streamed=streamed)
        try:
            return it, await it.run(task(budget=budget))
        except MaestroError as error:
            return it, error

    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        return runner.run(act())


@settings(max_examples=120, deadline=None)
@given(st.lists(plays, min_size=1, max_size=6), budgets, st.sampled_from([frozenset(), frozenset({"a", "b"})]))
def test_no_run_passes_its_limits(script: list[Play], budget: Budget, streamed: frozenset[str]) -> None:
    it, ended = on_stage(script, budget, streamed)
    calls, spent = len(it.upstreams.heard), sum(it.ledger.charged.values())
    assert budget.calls is None or calls <= budget.calls
    assert budget.usd is None or spent <= budget.usd * 1e9 + 1
    last = max((heard.ended or 0.0 for heard in it.upstreams.heard), default=0.0)
    assert budget.seconds is None or last <= budget.seconds + 1e-6
    if isinstance(ended, Run):
        assert ended.spent == spent
        assert ended.chosen is not None
        complete = [candidate for candidate in ended.candidates if not candidate.id.endswith("partial")]
        assert all((candidate.score or 0.0) <= (ended.score or 0.0) for candidate in complete)
        satisfied = ended.finish_reason == FinishReason.ALL_SATISFIED
        assert satisfied == (ended.score == 1.0)


def test_a_run_without_an_answer_is_kept_with_its_reason() -> None:
    it, ended = on_stage([Play(error=UpstreamFailed("scripted failure", "a"))], Budget(), frozenset())
    assert isinstance(ended, UpstreamFailed)
    (stored,) = it.ledger.runs.values()
    assert stored["status"] == "failed"
    assert stored["problems"] == ["UpstreamFailed: scripted failure"]
    assert stored["attempts"]


@pytest.mark.parametrize("effort", ["low", "medium", "high"])
def test_one_answer_is_preferred_over_an_error(effort: Any) -> None:
    script = [Play(LONG), Play(error=UpstreamFailed("x", "a"))]
    _, ended = on_stage(script, Budget(effort=effort), frozenset())
    assert isinstance(ended, Run)
    assert ended.chosen is not None
