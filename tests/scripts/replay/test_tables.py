"""Any table in the folder can be replayed: models that answered nearly everything, at a known cost."""

from pathlib import Path
from typing import Any

import click
import pyarrow
import pytest
from pyarrow import parquet

from scripts.replay.tables import load_tables


def row(number: int, model: str, split: str, usd: float | None = 0.001) -> dict[str, Any]:
    said = {"prompt_id": f"{split}{number}", "prompt": f"say {number}", "benchmark": "b", "category": "c"}
    seen = {"score": float(number % 2), "cost_usd": usd, "input_tokens": 5, "output_tokens": 7, "latency_s": 1.0}
    return said | seen | {"model": model, "technique": "sample", "sample_index": 0, "answer": "a", "split": split}


def write(folder: Path, rows: list[dict[str, Any]]) -> None:
    (folder / "mine").mkdir()
    parquet.write_table(pyarrow.Table.from_pylist(rows), folder / "mine" / "outcomes.parquet")


def test_a_table_nobody_named_is_read_with_the_models_that_answered_it(tmp_path: Path) -> None:
    asked = [(number, split) for split in ("train", "later") for number in range(4)]
    rows = [row(number, model, split) for number, split in asked for model in ("one", "two")]
    rows += [row(0, "seldom", "train"), *(row(number, "unpriced", split, None) for number, split in asked)]
    write(tmp_path, rows)
    tables = load_tables(tmp_path, "mine", ("train", "later"))
    assert [table.models for table in tables.values()] == [("one", "two")] * 2
    assert tables["later"].passed.tolist() == [[0, 0], [1, 1], [0, 0], [1, 1]]


def test_what_cannot_be_replayed_is_said(tmp_path: Path) -> None:
    with pytest.raises(click.BadParameter, match="no table 'mine'"):
        load_tables(tmp_path, "mine", ("train",))
    with pytest.raises(click.BadParameter, match="no table 'zeroeval_28'"):
        load_tables(tmp_path, "zeroeval_28", ("train",))
    write(tmp_path, [row(number, "alone", "train") for number in range(3)])
    with pytest.raises(click.ClickException, match="split 'train'"):
        load_tables(tmp_path, "mine", ("train",))
