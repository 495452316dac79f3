"""`maestro feedback`: what clients said of answers, and the same as a table for the next training."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from router.ledger.ledger import Ledger
from router.ledger.registry import Registry
from router.runs.feedback import SqliteWords
from scripts.offline.tables import write_table
from scripts.rooms import config_option, csv_option, json_option, show_rows, with_ledger

if TYPE_CHECKING:
    from proxy.ledgers import StoredLedger

Word = Mapping[str, Any]
ABOUT = "Feedback of clients on answers of the whole (score 1: it was good), written by `maestro feedback export`.\n"
DEV_SHARE = 0.2


@click.group()
def command() -> None:
    """What clients said of answers."""


@command.command(name="list")
@config_option
@json_option
@csv_option
def list_all(config: Path | None, as_json: bool, as_csv: bool) -> None:
    """All of it."""

    async def act(ledger: Ledger, _: Registry) -> list[Word]:
        return [word for word, _ in await words_of(ledger)]

    show_rows(with_ledger(config, act), as_json, as_csv)


@command.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--table", default="feedback", show_default=True, help="Its name for `maestro train --tables`.")
@config_option
def export(folder: Path, table: str, config: Path | None) -> None:
    """Write FOLDER/TABLE/outcomes.parquet: one row a scored answer whose question came with the feedback."""

    async def act(ledger: Ledger, _: Registry) -> list[dict[str, Any]]:
        rows = [row_of(word, trace) for word, trace in await words_of(ledger)]
        return [row | {"benchmark": table} for row in rows if row is not None]

    rows = with_ledger(config, act)
    click.echo(f"{len(rows)} rows: {write_table(rows, folder, table, ABOUT)}")


async def words_of(ledger: Ledger) -> list[tuple[Word, Word | None]]:
    """Every word with the run it is on; None where that was pruned."""
    stored = cast("StoredLedger", ledger)
    reader, found, after = stored.new_reader(), list[tuple[Word, Word | None]](), ""
    words = SqliteWords(stored.writer, reader)
    try:
        while page := await words.list_all(after):
            after = page[-1]["id"]
            found += [(word, await ledger.find_run(word["run_id"])) for word in page]
    finally:
        await reader.close()
    return found


def row_of(word: Word, trace: Word | None) -> dict[str, Any] | None:
    """A row to train on; None without a question, a score of the whole, or a run."""
    score = word["score"] if word["score"] is not None else (0.0 if word["better_answer"] else None)
    chosen = _chosen(trace or {})
    if not word.get("input") or score is None or word["requirement"] or chosen is None:
        return None
    usage: Mapping[str, Any] = chosen.get("usage") or {}
    digest = hashlib.sha256(word["input"].encode()).digest()
    return {
        "prompt_id": digest.hex()[:16],
        "prompt": word["input"],
        "category": "feedback",
        "model": str(chosen["model"]).rpartition("/")[2],
        "technique": chosen["technique"],
        "sample_index": 0,
        "score": float(score >= 1.0),
        "cost_usd": chosen.get("usd"),
        "input_tokens": usage.get("input_tokens"),
        "output_tokens": usage.get("output_tokens"),
        "latency_s": (chosen.get("ended_seconds") or 0.0) - (chosen.get("started_seconds") or 0.0),
        "answer": None,
        "split": "dev" if digest[0] < 256 * DEV_SHARE else "train",
        "action": chosen.get("action"),
        "graded_score": float(score),
    }


def _chosen(trace: Word) -> Word | None:
    name = (trace.get("chosen") or {}).get("candidate")
    candidates: Sequence[Word] = trace.get("candidates") or ()
    return next((one for one in candidates if one.get("id") == name), None)
