"""Outcome tables: who answered what, how well, at what cost. Folder of `<table>/outcomes.parquet`, one row an answer.

Columns: prompt_id, prompt, benchmark, category, model, technique, sample_index, score, cost_usd, input_tokens,
output_tokens, latency_s, answer, split.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Selection:
    """Which rows of a table make a benchmark: its benchmarks and models (None: all), and how cost is had.

    `usd_per_mtok` gives a cost to models of a table without costs: price × estimated input tokens.
    `is_partial`: not every model was asked everything (`maestro collect`); what is missing from the first split is
    filled by its expectation.
    """

    table: str
    benchmarks: tuple[str, ...] | None = None
    models: tuple[str, ...] | None = None
    needs_cost: bool = True
    without_prefix: str | None = None
    coverage: float = 0.0
    usd_per_mtok: tuple[tuple[str, float], ...] = ()
    is_partial: bool = False


@dataclass(frozen=True)
class Grid:
    """Prompts × models of one benchmark, only prompts that every model answered. NaN where a figure is unknown.

    `score`, `usd`, `output_tokens`, `seconds` are (N, M); `input_tokens` (N,); `requirements` (N,) counts those of each
    task, where the table says it.
    """

    prompts: tuple[str, ...]
    prompt_ids: tuple[str, ...]
    categories: tuple[str, ...]
    models: tuple[str, ...]
    score: Floats
    usd: Floats
    output_tokens: Floats
    seconds: Floats
    input_tokens: Floats
    answers: tuple[tuple[str | None, ...], ...]
    requirements: Floats | None = None

    def take(self, rows: NDArray[np.intp]) -> "Grid":
        """Some of the prompts."""
        return Grid(
            tuple(self.prompts[i] for i in rows),
            tuple(self.prompt_ids[i] for i in rows),
            tuple(self.categories[i] for i in rows),
            self.models,
            self.score[rows],
            self.usd[rows],
            self.output_tokens[rows],
            self.seconds[rows],
            self.input_tokens[rows],
            tuple(self.answers[i] for i in rows),
            None if self.requirements is None else self.requirements[rows],
        )


MMLU_PRO_11 = (
    "gemini-1.5-pro-002",
    "gemini-1.5-flash-002",
    "jamba-1.5-large",
    "Meta-Llama-3_1-70B-Instruct",
    "Meta-Llama-3_1-8B-Instruct",
    "Mixtral-8x7B-Instruct-v0.1",
    "Mistral-7B-Instruct-v0.2",
    "Phi-3-mini-4k-instruct",
    "c4ai-command-r-v01",
    "mathstral-7B",
    "Qwen1.5-72B-Chat",
)
LLMROUTER_PRICES = (
    ("codegemma-7b", 0.2),
    ("gemma-2-9b-it", 0.3),
    ("llama-3.1-8b-instruct", 0.2),
    ("llama-3.1-nemotron-51b-instruct", 0.9),
    ("llama-3.3-nemotron-super-49b-v1", 0.9),
    ("llama3-chatqa-1.5-70b", 0.9),
    ("llama3-chatqa-1.5-8b", 0.2),
    ("mistral-7b-instruct-v0.3", 0.2),
    ("qwen2.5-7b-instruct", 0.3),
)
"""Size tiers of 2024 price tables: the table itself has no costs."""

NEARLY_ALL = 0.98
"""The share of a table's prompts that a model must have answered."""

SELECTIONS = {
    "mmlu_pro_11": Selection("mmlu_pro", models=MMLU_PRO_11),
    "mmlu_pro_10": Selection("mmlu_pro", models=tuple(m for m in MMLU_PRO_11 if m != "gemini-1.5-flash-002")),
    "zeroeval_28": Selection("zeroeval", without_prefix="o1-", coverage=NEARLY_ALL),
    "gsm8k": Selection("zeroeval", benchmarks=("gsm8k",), without_prefix="o1-", coverage=NEARLY_ALL),
    "llmdrift": Selection("llmdrift", benchmarks=("llmdrift_prime", "llmdrift_happy", "llmdrift_leetcode")),
    "routellm_mmlu": Selection("routellm", benchmarks=("mmlu",)),
    "routellm_gsm8k": Selection("routellm", benchmarks=("gsm8k",)),
    "llmrouter": Selection("llmrouter", needs_cost=False, usd_per_mtok=LLMROUTER_PRICES),
}
"""The named benchmarks of the data's README."""


COLUMNS = [
    "prompt_id",
    "prompt",
    "benchmark",
    "category",
    "model",
    "technique",
    "sample_index",
    "score",
    "cost_usd",
    "input_tokens",
    "output_tokens",
    "latency_s",
    "answer",
    "split",
]


def selection_of(name: str, folder: Path, is_whole: bool = False) -> Selection | None:
    """A named benchmark, or any other table that lies in the folder; None: there is none.

    `is_whole`: of another table only models that answered nearly every prompt, and prompts that all of them answered.
    """
    known = SELECTIONS.get(name)
    if known is None and (folder / name / "outcomes.parquet").is_file():
        return Selection(name, coverage=NEARLY_ALL) if is_whole else Selection(name, is_partial=True)
    return known


def read_rows(folder: Path, table: str) -> dict[str, list[Any]]:
    """A whole table, column by column; one that is not there is unknown throughout. Raises FileNotFoundError."""
    from pyarrow import parquet

    rows: dict[str, list[Any]] = parquet.read_table(folder / table / "outcomes.parquet").to_pydict()
    missing = [None] * len(rows["score"])
    return {column: rows.get(column, missing) for column in dict.fromkeys((*COLUMNS, *rows))}


def read_grids(folder: Path, selection: Selection, splits: Sequence[str]) -> dict[str, Grid]:
    """One grid per split; models are chosen by coverage over all rows of the table, so that splits agree."""
    if selection.is_partial:
        from action_model.partial import read_partial

        return read_partial(folder, selection.table, splits, splits[0])
    rows = read_rows(folder, selection.table)
    kept = _kept(rows, selection)
    models = selection.models or _covering(rows, kept, selection)
    return {split: _pivot(rows, [i for i in kept if rows["split"][i] == split], models, selection) for split in splits}


def _kept(rows: dict[str, list[Any]], selection: Selection) -> list[int]:
    allowed = None if selection.benchmarks is None else set(selection.benchmarks)
    return [
        i
        for i, benchmark in enumerate(rows["benchmark"])
        if (allowed is None or benchmark in allowed)
        and not (selection.without_prefix and rows["model"][i].startswith(selection.without_prefix))
    ]


def _covering(rows: dict[str, list[Any]], kept: Sequence[int], selection: Selection) -> tuple[str, ...]:
    """Models with a cost that answered (nearly) every prompt."""
    prompts = {rows["prompt_id"][i] for i in kept}
    answered: dict[str, set[str]] = {}
    for i in kept:
        if rows["cost_usd"][i] is not None or not selection.needs_cost:
            answered.setdefault(rows["model"][i], set()).add(rows["prompt_id"][i])
    return tuple(sorted(name for name, ids in answered.items() if len(ids) >= selection.coverage * len(prompts)))


def _pivot(rows: dict[str, list[Any]], kept: Sequence[int], models: tuple[str, ...], selection: Selection) -> Grid:
    column = {model: j for j, model in enumerate(models)}
    cells: dict[str, dict[int, int]] = {}
    for i in kept:
        j = column.get(rows["model"][i])
        if j is not None:
            cells.setdefault(rows["prompt_id"][i], {}).setdefault(j, i)
    whole = sorted(prompt_id for prompt_id, row in cells.items() if len(row) == len(models))
    index = np.array([[cells[p][j] for j in range(len(models))] for p in whole], dtype=np.intp).reshape(
        len(whole), len(models)
    )
    first: list[int] = index[:, 0].tolist() if whole else []
    prompts = tuple(rows["prompt"][i] for i in first)
    inputs = _numbers(rows["input_tokens"], np.array(first, dtype=np.intp))
    inputs = np.where(np.isnan(inputs), [len(prompt) / 4 for prompt in prompts], inputs)
    usd = _numbers(rows["cost_usd"], index)
    if selection.usd_per_mtok:
        prices = dict(selection.usd_per_mtok)
        usd = inputs[:, None] * np.array([prices[model] for model in models])[None, :] / 1e6
    return Grid(
        prompts,
        tuple(whole),
        tuple(f"{rows['benchmark'][i]}/{rows['category'][i]}" for i in first),
        models,
        _numbers(rows["score"], index),
        usd,
        _numbers(rows["output_tokens"], index),
        _numbers(rows["latency_s"], index),
        inputs,
        tuple(tuple(rows["answer"][i] for i in row) for row in index.tolist()),
    )


def _numbers(column: Sequence[Any], index: NDArray[np.intp]) -> Floats:
    flat = [np.nan if column[i] is None else float(column[i]) for i in index.ravel().tolist()]
    return np.array(flat, dtype=np.float64).reshape(index.shape)
