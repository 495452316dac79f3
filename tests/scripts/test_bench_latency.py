"""The deadline benchmark runs and counts every run."""

import asyncio

from scripts.bench_latency import durations, lateness, many


def test_every_run_is_counted_and_ends() -> None:
    ended = asyncio.run(many(12, 4, [0.2, 0.4], seed=3))
    told = lateness(ended)
    assert told["runs"] == sum(told["ended"].values()) == 12
    assert set(durations(ended)) == {"p50", "p95", "p99"}
