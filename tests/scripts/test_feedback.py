"""`maestro feedback`: from a client's word to a table that training reads."""

import json
from pathlib import Path

import anyio
import pytest
from click.testing import CliRunner, Result

from action_model.outcomes import read_grids, selection_of
from scripts.fake_upstream import FakeUpstream, Scripted
from scripts.main import main
from tests.proxy.runs.test_runs import RUNS, ask, begin, ended
from tests.proxy.served import serving, settings_for

pytestmark = pytest.mark.anyio


def call(folder: Path, *words: str) -> Result:
    config = folder / "maestro.toml"
    config.write_text(f'[ledger]\nurl = "sqlite:///{folder}/maestro.db"\n')
    return CliRunner().invoke(main, ["feedback", *words, "--config", str(config)])


async def test_feedback_with_its_question_becomes_a_row_of_a_table_that_training_reads(tmp_path: Path) -> None:
    questions = [f"Say it {i}." for i in range(12)]
    async with FakeUpstream(Scripted("Short and kind")) as fake, serving(settings_for(fake, tmp_path)) as proxy:
        for i, question in enumerate(questions):
            run_id = await begin(proxy, input=question, models=["small"])
            await ended(proxy, run_id)
            said = {"score": i % 2, "input": question}
            assert (await ask(proxy, "POST", f"{RUNS}/{run_id}/feedback", said))[0] == 200
        await ask(proxy, "POST", f"{RUNS}/{run_id}/feedback", {"score": 1, "comment": "without its question"})
    listed = await anyio.to_thread.run_sync(call, tmp_path, "list", "--json")
    assert len(json.loads(listed.output)) == 13
    done = await anyio.to_thread.run_sync(call, tmp_path, "export", str(tmp_path / "tables"))
    assert done.output.startswith("12 rows"), done.output
    selection = selection_of("feedback", tmp_path / "tables")
    assert selection is not None
    grids = read_grids(tmp_path / "tables", selection, ["train", "dev"])
    read = [(prompt, row[0]) for grid in grids.values() for prompt, row in zip(grid.prompts, grid.score, strict=True)]
    assert sorted(read) == sorted((question, float(i % 2)) for i, question in enumerate(questions))
