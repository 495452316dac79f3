"""The deadline benchmark runs and counts every run."""

import asyncio

from scripts.bench_latency import durations, lateness, many, overlapping


def test_every_run_is_counted_and_ends() -> None:
    ended = asyncio.run(many(12, 4, [0.2, 0.4], seed=3))
    told = lateness(ended)
    assert told["runs"] == sum(told["ended"].values()) == 12
    assert set(durations(ended)) == {"p50", "p95", "p99"}


def test_a_wave_takes_its_critical_path() -> None:
    (ratio,) = asyncio.run(overlapping(1, seed=3))
    assert ratio > 0.98
