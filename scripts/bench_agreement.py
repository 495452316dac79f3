"""Agreement as evidence, on outcome tables: two models first, a third only if their final answers differ.

`python -m scripts.bench_agreement --data DIRECTORY`. Cross-validated in five folds: the three models are the most
accurate, on the other folds, of those within a share of the best single model's cost. The shares are such that what
is spent on the prompts left out comes to what the reference figures spent (46 %, 9 %, 70 %).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from router.judging.agreement import final_answer

Floats = NDArray[np.float64]
Row = dict[str, Any]
TABLES = {
    "zeroeval": ("zeroeval", None, 0.48),
    "gsm8k": ("zeroeval", "gsm8k", 0.09),
    "mmlu_pro 11": ("mmlu_pro", None, 0.70),
}
ELEVEN = (
    "gemini-1.5-pro-002 gemini-1.5-flash-002 jamba-1.5-large Meta-Llama-3_1-70B-Instruct Meta-Llama-3_1-8B-Instruct "
    "Mixtral-8x7B-Instruct-v0.1 Mistral-7B-Instruct-v0.2 Phi-3-mini-4k-instruct c4ai-command-r-v01 mathstral-7B "
    "Qwen1.5-72B-Chat"
)


@dataclass(frozen=True)
class Table:
    """P prompts by M models: scores, dollars, and answers as numbers (equal answers are equal; -1: none)."""

    models: tuple[str, ...]
    scores: Floats
    usd: Floats
    answers: NDArray[np.int64]

    @property
    def best(self) -> tuple[str, float, float]:
        """The most accurate single model, its accuracy and its mean cost."""
        index = int(self.scores.mean(0).argmax())
        return self.models[index], float(self.scores[:, index].mean()), float(self.usd[:, index].mean())


def two_then_third(table: Table, first: int, second: int, third: int) -> tuple[float, float]:
    """Accuracy and mean cost: an answer that the first two agree on stands; else the third model's does."""
    said = table.answers
    agree = (said[:, first] == said[:, second]) & (said[:, first] >= 0)
    scores = np.where(agree, table.scores[:, first], table.scores[:, third])
    usd = table.usd[:, first] + table.usd[:, second] + np.where(agree, 0.0, table.usd[:, third])
    return float(scores.mean()), float(usd.mean())


def pick(table: Table, share: float) -> tuple[int, int, int]:
    """The most accurate three within `share` of the best single model's cost."""
    limit, found, best = share * table.best[2], (0, 0, 0), -1.0
    for first, second in combinations(range(len(table.models)), 2):
        for third in set(range(len(table.models))) - {first, second}:
            accuracy, usd = two_then_third(table, first, second, third)
            if usd <= limit and accuracy > best:
                found, best = (first, second, third), accuracy
    return found


def read_rows(path: Path, benchmark: str | None) -> list[Row]:
    """The outcomes of a table, or of one of its benchmarks."""
    from pyarrow import parquet

    names = ["prompt_id", "benchmark", "model", "score", "cost_usd", "answer"]
    rows: list[Row] = parquet.read_table(path, columns=names).to_pylist()
    return [row for row in rows if benchmark in (None, row["benchmark"])]


def table_of(rows: Sequence[Row], models: Sequence[str], extracts: bool) -> Table:
    """The prompts that every model answered at a known cost. `extracts`: answers go through `final_answer` first."""
    found: dict[str, dict[str, Row]] = {}
    for row in rows:
        if row["model"] in models and None not in (row["score"], row["cost_usd"]):
            found.setdefault(row["prompt_id"], {}).setdefault(row["model"], row)
    whole = [[prompt[model] for model in models] for prompt in found.values() if len(prompt) == len(models)]
    codes: dict[str, int] = {}
    answers = [[_code(row["answer"], extracts, codes) for row in prompt] for prompt in whole]
    scores, usd = ([[row[name] for row in prompt] for prompt in whole] for name in ("score", "cost_usd"))
    return Table(tuple(models), np.array(scores, float), np.array(usd, float), np.array(answers, np.int64))


def _code(text: str | None, extracts: bool, codes: dict[str, int]) -> int:
    said = final_answer(text) if extracts and text is not None else text
    return -1 if said is None else codes.setdefault(said, len(codes))


def models_of(rows: Sequence[Row], folder: str) -> list[str]:
    """The models that the reference figures compare."""
    if folder == "mmlu_pro":
        return ELEVEN.split()
    counts = Counter(row["model"] for row in rows if row["cost_usd"] is not None and not row["model"].startswith("o1-"))
    return sorted(model for model, count in counts.items() if count >= 0.98 * max(counts.values()))


def cross_validated(table: Table, share: float, folds: int = 5) -> tuple[float, float, float, float]:
    """Accuracy and mean cost where each fold's three models are picked on the other folds; the same of the best single
    model."""
    place = np.arange(len(table.scores)) % folds
    found = []
    for fold in range(folds):
        rest, held = part_of(table, place != fold), part_of(table, place == fold)
        single = rest.models.index(rest.best[0])
        found.append(
            (*two_then_third(held, *pick(rest, share)), held.scores[:, single].mean(), held.usd[:, single].mean())
        )
    accuracy, usd, best, dearest = np.mean(found, axis=0)
    return float(accuracy), float(usd), float(best), float(dearest)


def part_of(table: Table, rows: NDArray[np.bool_]) -> Table:
    """Some prompts of a table."""
    return Table(table.models, table.scores[rows], table.usd[rows], table.answers[rows])


@click.command()
@click.option("--data", type=click.Path(exists=True, path_type=Path), required=True, help="Outcome tables.")
def command(data: Path) -> None:
    """Two lines for each table: agreement of raw and of extracted answers, next to the best single model."""
    for name, (folder, benchmark, share) in TABLES.items():
        rows = read_rows(data / folder / "outcomes.parquet", benchmark)
        models = models_of(rows, folder)
        for extracts in (False, True):
            table = table_of(rows, models, extracts)
            accuracy, usd, best, dearest = cross_validated(table, share)
            kind = "extracted" if extracts else "raw"
            click.echo(
                f"{name:12} {kind:9} {accuracy:.4f} at {usd / dearest:.0%} of the best single model ({best:.4f}), "
                f"{len(table.scores)} prompts; best in hindsight within {share:.0%}: "
                f"{two_then_third(table, *pick(table, share))[0]:.4f}"
            )


if __name__ == "__main__":
    command()
