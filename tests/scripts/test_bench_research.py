"""The benches of retrieval and research: sets read from pages, rows written once, tables from the journal."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scripts.bench_research import WAYS, filled_store, measure, read_rows, table_of
from scripts.bench_retrieval import ndcg, spread
from scripts.fake_answers import Scripted
from scripts.fake_upstream import FakeUpstream
from scripts.research_questions import QUESTIONS
from scripts.retrieval_sets import PARTS, read_python_docs
from tests.proxy.served import serving, settings_for

FAQ = """<html><body><section id="faq"><h1>General FAQ<a class="headerlink">¶</a></h1>
<nav class="contents"><ul><li>What is Python called after?</li></ul></nav>
<p>These are the questions that people ask us most of all.</p>
<section id="name"><h2>What is Python called after?<a class="headerlink">¶</a></h2>
<p>It is called after a troupe of comedians who had a show on television.</p><div class="highlight"><pre># spam
eggs</pre></div></section></section></body></html>"""
ZONES = """<html><body><section id="zoneinfo"><h1>zoneinfo — IANA time zone support</h1>
<div class="versionadded"><p>New in version 3.9.</p></div>
<p>The zoneinfo module provides a concrete time zone implementation.</p></section></body></html>"""


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    for part in PARTS:
        (tmp_path / "html" / part).mkdir(parents=True)
        text = FAQ if part == "faq" else ZONES
        (tmp_path / "html" / part / "page.html").write_text(text, "utf-8")
    return tmp_path / "html"


def test_an_answer_stands_without_its_question(docs: Path) -> None:
    labelled = read_python_docs(docs)
    assert labelled.questions == [("What is Python called after?", "faq/page.html#name")]
    answer = labelled.documents["faq/page.html#name"]
    assert "called after?" not in answer
    assert "comedians" in answer
    assert "# spam\neggs" in answer
    assert not any("called after?" in text for text in labelled.documents.values())


def test_ndcg_falls_with_the_place_and_an_interval_holds_its_mean() -> None:
    assert [ndcg(["a", "b", "c"], name) for name in "abz"] == [1.0, pytest.approx(0.6309, abs=1e-4), 0.0]
    assert spread(np.array([0.5, 0.5])) == "0.5000 (0.5000 to 0.5000)"


def test_a_question_is_answered_by_a_word_of_its_own_and_hops_are_told_from_passages() -> None:
    zones = QUESTIONS[0]
    assert zones.is_answered("It was added in Python 3.9.")
    assert not zones.is_answered("It was added in Python 3.91.")
    assert not zones.is_answered("13.9")
    assert zones.hits(["zoneinfo — IANA time\nzone support", "New in version 3.9."]) == 1
    assert zones.hits(["zoneinfo — IANA time zone support. New in version 3.9."]) == 2


@pytest.mark.anyio
async def test_each_way_is_asked_once_and_told(docs: Path, tmp_path: Path) -> None:
    def script(body: Any) -> Scripted:
        last = str(body["messages"][-1]["content"])
        return Scripted(text="zoneinfo version" if "Do not answer yet" in last else "In 3.9.")

    journal = tmp_path / "journal.jsonl"
    async with FakeUpstream(script) as fake, serving(settings_for(fake, tmp_path)) as served:
        for _ in range(2):
            await measure(served.base_url, docs, "small", journal, 2, 1)
        async with served.client() as client:
            await filled_store(client, docs)
            assert len([store async for store in client.vector_stores.list()]) == 1
    rows = {row["way"]: row for row in read_rows(journal)}
    assert len(read_rows(journal)) == len(rows) == len(WAYS)
    assert [rows[way]["hops_found"] for way in WAYS] == [0, 2, 2]
    assert rows["research"]["calls"] > rows["search"]["calls"]
    assert "| small | search | 1 | 1 | 1 | 1 | 1.0 |" in "\n".join(table_of(list(rows.values())))
