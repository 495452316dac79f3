"""What promotes a checkpoint, and what a page says."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from action_model.offline.figures import Change, change, predicted
from action_model.outcomes import Grid
from scripts.offline.pages import Line, Page, Plot
from scripts.offline.reports import Judged, is_promoted, words_of

RANDOM = np.random.default_rng(0)
CHANCE = RANDOM.random((200, 2))
SCORE = (RANDOM.random((200, 2)) < CHANCE).astype(float)
IDS = tuple(f"task {i}" for i in range(200))
GRID = Grid(
    *(IDS, IDS, ("all",) * 200, ("a", "b"), SCORE, np.full((200, 2), 0.01), SCORE, SCORE, np.zeros(200)),
    tuple((None, None) for _ in IDS),
)


BLIND = np.full((200, 2), 0.5)


def judged(found: Change | None) -> Judged:
    return Judged("t", GRID, predicted(CHANCE, GRID), predicted(BLIND, GRID), found)


def test_better_predictions_are_surely_better_and_worse_ones_are_not() -> None:
    good, blind = predicted(CHANCE, GRID), predicted(BLIND, GRID)
    better = change(blind, good, GRID)
    assert better.is_better
    assert better.gain > 0.05, "and it chooses better"
    assert better.gain_surely > 0.95
    assert change(good, blind, GRID).is_worse
    assert not change(good, blind, GRID).is_better
    assert not change(good, good, GRID).is_better


@pytest.mark.parametrize(
    ("changes", "promoted"),
    [
        ([Change(0.2, 0.1, 0.99)], True),
        ([Change(0.2, 0.199, 0.55)], False),
        ([Change(0.2, 0.1, 0.99), Change(0.1, 0.2, 0.01)], False),
        ([Change(0.2, 0.1, 0.99), Change(0.1, 0.101, 0.4)], True),
        ([Change(0.2, 0.1, 0.99, -0.02, 0.05)], False),
        ([Change(0.2, 0.1, 0.99, -0.02, 0.4)], True),
        ([], False),
    ],
)
def test_only_what_is_better_somewhere_and_surely_worse_nowhere_is_promoted(
    changes: list[Change], promoted: bool
) -> None:
    assert is_promoted([judged(one) for one in changes]) is promoted


def test_the_report_says_both_figures() -> None:
    lines = words_of([dataclasses.replace(judged(Change(0.25, 0.1667, 0.97, 0.031, 0.9)))])
    assert "200 held-out tasks" in lines[0]
    text = "\n".join(lines)
    assert "Brier 0.2500" in text
    assert "97%" in text
    assert "+0.0310" in text
    assert "in use success" in text, "accuracy, cost and latency of both"


def test_a_page_is_whole_in_one_file_and_escapes_what_it_shows(tmp_path: Path) -> None:
    page = Page("<b>title</b>")
    page.say("5 < 6 & more")
    page.show("rows", [{"name": "<script>alert(1)</script>", "value": 0.5, "missing": None}])
    page.plots.append(Plot("costs", "dollars", "success", [Line("a", [1.0, 2.0], [0.1, 0.2], ["x", "y"])]))
    page.write(tmp_path / "deep" / "page.html")
    text = (tmp_path / "deep" / "page.html").read_text("utf-8")
    assert "<script>alert(1)" not in text
    assert "5 &lt; 6 &amp; more" in text
    assert 'src="http' not in text
    assert "default-src 'none'" in text, "it may ask nobody for anything"
