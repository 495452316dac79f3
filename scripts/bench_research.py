"""Questions of two hops over Python's documentation: a single call, one search before the call, and research.

Talks to a running Maestro with the official client, so that it measures what clients get. Results are written to a
journal as they come; what is there is not asked again.
"""

import asyncio
import json
import re
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click
import openai

from scripts.research_questions import QUESTIONS, Hopping
from scripts.retrieval_sets import PARTS, sections_of

WAYS = ("single", "search", "research")
BRIEFLY = "Answer in at most ten words, with the name or number asked for."
CHUNKING: Any = {"type": "static", "static": {"max_chunk_size_tokens": 200, "chunk_overlap_tokens": 20}}
PATIENCE_SECONDS = 3600.0
STORE = "python-docs for bench_research"


async def filled_store(client: openai.AsyncOpenAI, folder: Path) -> str:
    """The store with the documentation, a Markdown file for each part; made once."""
    async for store in client.vector_stores.list():
        if store.name == STORE and store.file_counts.completed == len(PARTS):
            return store.id
    texts: dict[str, list[str]] = {part: [] for part in PARTS}
    for section in sections_of(folder):
        part = section.place.partition("/")[0]
        if part in texts:
            title = re.sub(r"\s+", " ", " > ".join(section.titles))
            texts[part].append(f"# {title}\n\n{re.sub('^#', chr(92) + '#', section.text, flags=re.MULTILINE)}")
    made = await client.vector_stores.create(name=STORE)
    for part, sections in texts.items():
        file = await client.files.create(file=(f"{part}.md", "\n\n".join(sections).encode()), purpose="assistants")
        done = await client.vector_stores.files.create_and_poll(
            file.id, vector_store_id=made.id, chunking_strategy=CHUNKING, poll_interval_ms=500
        )
        click.echo(f"{part}: {done.status} {done.last_error or ''}")
    return made.id


def asked(way: str, question: Hopping, model: str, store: str, results: int) -> dict[str, Any]:
    """The request of one way; each writes its answer under the same words."""
    content = f"{question.text} {BRIEFLY}"
    body: dict[str, Any] = {
        "model": model,
        "messages": [{"role": "user", "content": content}],
        "temperature": 0.0,
        "max_tokens": 60,
    }
    if way == "single":
        return body
    tool = {"type": "file_search", "vector_store_ids": [store], "max_num_results": results}
    body |= {"tools": [tool], "extra_body": {"include": ["data_sources"]}}
    if way == "research":
        body["model"] = "maestro"
        body["extra_body"]["maestro"] = {"technique": "research", "model": model}
    return body


async def ask(client: openai.AsyncOpenAI, way: str, question: Hopping, **more: Any) -> dict[str, Any]:
    """One row of the journal."""
    began = time.perf_counter()
    answer: Any = await client.chat.completions.create(**asked(way, question, **more))
    found = (getattr(answer, "data_sources", None) or {}).get("file_search") or []
    text = answer.choices[0].message.content or ""
    told = getattr(answer, "maestro", None) or {}
    seconds = time.perf_counter() - began
    return {
        "way": way,
        "model": more["model"],
        "question": question.text,
        "answer": text,
        "is_right": question.is_answered(text),
        "hops_found": question.hits(one["text"] for one in found),
        "passages": len(found),
        "supports": sum(question.is_answered(one["text"]) for one in found),
        "calls": await calls_of(client, told["run_id"]) if way == "research" else 1,
        "seconds": seconds,
    }


async def calls_of(client: openai.AsyncOpenAI, run: str) -> int:
    """How many calls of models a run's tree tells of."""
    tree: Any = await client.get(f"/maestro/runs/{run}", cast_to=object)
    return len(tree["attempts"])


async def measure(base_url: str, folder: Path, model: str, journal: Path, results: int, most: int) -> None:
    """Asks what the journal does not have yet."""
    done = {(row["way"], row["model"], row["question"]) for row in read_rows(journal)}
    async with openai.AsyncOpenAI(base_url=base_url, api_key="none", max_retries=0, timeout=PATIENCE_SECONDS) as client:
        store = await filled_store(client, folder)
        for question in QUESTIONS[:most]:
            for way in WAYS:
                if (way, model, question.text) in done:
                    continue
                row = await ask(client, way, question, model=model, store=store, results=results)
                with journal.open("a") as file:
                    file.write(json.dumps(row) + "\n")
                said = f"{'right' if row['is_right'] else 'wrong'}, {row['hops_found']} of 2 hops"
                click.echo(f"{way:9} {said}, {row['seconds']:.1f} s: {row['answer'][:80]!r}")


def read_rows(journal: Path) -> list[dict[str, Any]]:
    """The journal's rows; none where there is none."""
    return [json.loads(line) for line in journal.read_text().splitlines()] if journal.exists() else []


def table_of(rows: Sequence[dict[str, Any]]) -> Iterable[str]:
    """Means of each model and way."""
    yield "| model | way | questions | right | both hops found | the answer in a passage | calls | seconds |"
    yield "|---|---|---|---|---|---|---|---|"
    for model in dict.fromkeys(row["model"] for row in rows):
        for way in WAYS:
            told = [row for row in rows if (row["model"], row["way"]) == (model, way)]
            if not told:
                continue
            n = len(told)
            right, both = sum(row["is_right"] for row in told), sum(row["hops_found"] == 2 for row in told)
            support = sum(row["supports"] > 0 for row in told)
            calls, seconds = sum(row["calls"] for row in told) / n, sum(row["seconds"] for row in told) / n
            yield f"| {model} | {way} | {n} | {right} | {both} | {support} | {calls:.1f} | {seconds:.1f} |"


@click.command()
@click.option("--base-url", default="http://127.0.0.1:8080/v1", help="A running Maestro, with an operator's rights.")
@click.option("--python-docs", type=click.Path(exists=True, path_type=Path), help="`html` of Debian's python3.11-doc.")
@click.option("--model", help="A model of the running Maestro. Without it, only the journal is told.")
@click.option("--journal", type=click.Path(path_type=Path), required=True)
@click.option("--results", default=3, help="Passages of each search.")
@click.option("--questions", default=len(QUESTIONS))
def command(
    base_url: str, python_docs: Path | None, model: str | None, journal: Path, results: int, questions: int
) -> None:
    """Single call, one search and research on questions of two hops: right answers, hops found, calls, seconds."""
    if model is not None:
        if python_docs is None:
            raise click.UsageError("--model needs --python-docs")
        asyncio.run(measure(base_url, python_docs, model, journal, results, questions))
    for line in table_of(read_rows(journal)):
        click.echo(line)


if __name__ == "__main__":
    command()
