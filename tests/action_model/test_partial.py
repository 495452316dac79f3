"""Tables of others: columns that are not there, costs that are not told, splits of any name."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyarrow import Table, parquet

from action_model.outcomes import read_grids, selection_of
from action_model.partial import read_partial


def table(folder: Path, **more: Any) -> Path:
    """Twenty prompts that two models answered, with no more columns than must be there."""
    rows = [
        {"prompt_id": f"p{i}", "prompt": f"Say {i}", "benchmark": "b", "model": model, "score": 1.0, "split": split}
        for i in range(20)
        for model in ("x", "y")
        for split in ["train" if i < 12 else "kept"]
    ]
    (folder / "mine").mkdir()
    parquet.write_table(Table.from_pylist([row | more for row in rows]), folder / "mine" / "outcomes.parquet")
    return folder


def test_only_prompts_models_scores_and_splits_must_be_there(tmp_path: Path) -> None:
    grids = read_partial(table(tmp_path), "mine", ["train", "kept"])
    assert [len(grid.prompts) for grid in grids.values()] == [12, 8]
    assert grids["kept"].models == ("x", "y")
    for column in (grids["kept"].usd, grids["kept"].output_tokens, grids["kept"].seconds):
        assert np.isnan(column).all()
    assert grids["kept"].answers[0] == (None, None)


@pytest.mark.parametrize("more", [{}, {"cost_usd": None}])
def test_a_whole_table_without_costs_has_no_prompt_with_a_known_cost(tmp_path: Path, more: Any) -> None:
    folder = table(tmp_path, **more)
    selection = selection_of("mine", folder, is_whole=True)
    assert selection is not None
    grids = read_grids(folder, selection, ["train", "kept"])
    assert [grid.prompts for grid in grids.values()] == [(), ()]
