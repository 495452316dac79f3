"""From the journal to an outcome table in the format that `maestro train` and `maestro evaluate` read."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from action_model.actions import Action
from action_model.prices import to_usd
from router.judging.agreement import final_answer
from router.upstreams.upstream import Upstreams
from scripts.offline.actions import column_of, parse_action
from scripts.offline.journal import Journal, Key, Row
from scripts.offline.tasks import OfflineTask

PROMPTS = "prompts.json"
COLUMNS = (
    *("prompt_id", "prompt", "benchmark", "category", "model", "technique", "sample_index", "score", "cost_usd"),
    *("input_tokens", "output_tokens", "latency_s", "answer", "split", "action", "graded_score", "requirement_count"),
)


def table_rows(
    journal: Journal, tasks: Mapping[str, OfflineTask], name: str, upstreams: Upstreams, prompts: Sequence[str]
) -> list[dict[str, Any]]:
    """One row an answer whose success is known. A repaired answer serves every smaller depth too."""
    chains: dict[Key, list[Row]] = {}
    for row in journal.rows():
        chains.setdefault(row.key, []).append(row)
    found: list[dict[str, Any]] = []
    for key, chain in chains.items():
        if key.task_id not in tasks:
            continue
        action = parse_action(key.action, prompts)
        model = upstreams.find(action.model)
        for depth in range(1, action.repairs + 1) if action.repairs else (0,):
            taken = chain[: depth + 1]
            if taken[-1].success is None:
                continue
            shown = action if depth == action.repairs else Action(**{**_fields(action), "repairs": depth})
            found.append(_row(tasks[key.task_id], key, taken, shown) | {"benchmark": name})
            found[-1]["model"] = column_of(shown, model.family or model.name)
    return found


def write_table(
    rows: Sequence[Mapping[str, Any]],
    folder: Path,
    name: str,
    about: str,
    prompts: Mapping[str, str] = MappingProxyType({}),
) -> Path:
    """`FOLDER/NAME/outcomes.parquet`, `DERIVATION.md`, and `prompts.json`: the texts of the prompt variants that its
    actions name. Needs the extra `build`."""
    import pyarrow
    from pyarrow import parquet

    place = folder / name
    place.mkdir(parents=True, exist_ok=True)
    kinds = {
        "sample_index": pyarrow.int64(),
        "score": pyarrow.float64(),
        "cost_usd": pyarrow.float64(),
        "input_tokens": pyarrow.int64(),
        "output_tokens": pyarrow.int64(),
        "latency_s": pyarrow.float64(),
        "graded_score": pyarrow.float64(),
        "requirement_count": pyarrow.int64(),
    }
    schema = pyarrow.schema([(column, kinds.get(column, pyarrow.string())) for column in COLUMNS])
    table = pyarrow.Table.from_pylist([dict(row) for row in rows], schema=schema)
    fresh = place / "outcomes.parquet.new"
    parquet.write_table(table, fresh)
    fresh.replace(place / "outcomes.parquet")
    (place / "DERIVATION.md").write_text(about, "utf-8")
    named = {word for row in rows for word in str(row["action"]).split(":")[1:]}
    used = {prompt: text for prompt, text in prompts.items() if text and prompt in named}
    (place / PROMPTS).write_text(json.dumps(used, indent=1, sort_keys=True, ensure_ascii=False), "utf-8")
    return place / "outcomes.parquet"


def read_prompts(folder: Path, name: str) -> Mapping[str, str]:
    """The prompt variants of a collected table; none of another."""
    try:
        found = json.loads((folder / name / PROMPTS).read_text("utf-8"))
    except FileNotFoundError:
        return {}
    return {str(prompt): str(text) for prompt, text in found.items()}


def _row(task: OfflineTask, key: Key, chain: Sequence[Row], action: Action) -> dict[str, Any]:
    last = chain[-1]
    return {
        "prompt_id": task.id,
        "prompt": task.text,
        "category": task.category,
        "technique": action.technique,
        "sample_index": key.sample_index,
        "score": last.success,
        "cost_usd": to_usd(sum(row.spell.nanodollars for row in chain)),
        "input_tokens": sum(row.spell.input_tokens for row in chain),
        "output_tokens": sum(row.spell.output_tokens for row in chain),
        "latency_s": sum(row.spell.seconds for row in chain),
        "answer": final_answer(last.spell.text),
        "split": task.split,
        "action": action.name,
        "graded_score": last.score,
        "requirement_count": len(task.subject.kinds),
    }


def _fields(action: Action) -> dict[str, Any]:
    return {name: getattr(action, name) for name in action.__struct_fields__}
