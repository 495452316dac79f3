"""Labelled verdicts are kept, shared between processes, and change what a verdict is worth."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from router.errors import Unavailable
from router.judging.calibration import FRESH_SECONDS, JudgeRates

pytestmark = pytest.mark.anyio


class Store:
    """Rows in memory, as a ledger keeps them."""

    def __init__(self) -> None:
        self.rows: list[Mapping[str, Any]] = []
        self.is_down = False

    async def add_labels(self, rows: Sequence[Mapping[str, Any]]) -> None:
        self.rows += rows

    async def read_labels(self) -> Sequence[Mapping[str, Any]]:
        if self.is_down:
            raise Unavailable("locked")
        return self.rows


async def test_a_judge_that_passes_what_is_wrong_is_believed_less() -> None:
    rates = JudgeRates()
    before = rates.errors("a/j", "style")
    for _ in range(40):
        await rates.learn("a/j", "style", True, False)
    after = rates.errors("a/j", "style")
    assert after.false_pass > 0.7 > before.false_pass
    assert rates.errors("b/other", "style") == before


async def test_labels_of_one_process_reach_another_within_a_minute() -> None:
    store, seconds = Store(), 0.0
    writing, reading = JudgeRates(store), JudgeRates(store, now=lambda: seconds)
    await reading.refresh()
    await writing.learn("a/j", "style", 0.9, False)
    await reading.refresh()
    assert reading.report() == []
    seconds = FRESH_SECONDS + 1
    await reading.refresh()
    assert reading.report() == writing.report() != []


async def test_a_store_that_is_down_leaves_what_is_known() -> None:
    store, seconds = Store(), 0.0
    rates = JudgeRates(store, now=lambda: seconds)
    await rates.learn("a/j", "style", 0.9, False)
    store.is_down, known = True, rates.report()
    await rates.refresh()
    assert rates.report() == known


TRACE = {
    "chosen": {"candidate": "c0.1"},
    "candidates": [
        {"id": "c0.0", "verdicts": []},
        {
            "id": "c0.1",
            "verdicts": [
                {"requirement": "kind", "judge": {"model": "a/j", "kind": "style", "claimed": 0.9}},
                {"requirement": "true", "judge": {"model": "a/j", "kind": "content", "claimed": 0.8}},
                {"requirement": "short"},
            ],
        },
    ],
}


@pytest.mark.parametrize(
    ("told", "labels"),
    [({"kind": False}, 1), ({"": True}, 2), ({"": False}, 0), ({"short": True}, 0), ({"": True, "kind": False}, 2)],
)
async def test_feedback_labels_the_verdicts_it_speaks_of(told: dict[str, bool], labels: int) -> None:
    rates = JudgeRates()
    assert await rates.learn_from_feedback(TRACE, told) == labels
    rows = [row for row in rates.report() if row["kind"] == "all"]
    assert sum(row["satisfied"] + row["broken"] for row in rows) == labels
