"""The guided example of docs/guided_example.md, small: task file → outcomes → checkpoint → in use, on a real model."""

from pathlib import Path

import msgspec
import pytest

from action_model.checkpoint import load_checkpoint
from proxy.assembly import build_router
from proxy.settings import load_settings
from router.task import Budget, Caller, Payload, Requirement, Task
from tests.scripts.offline.test_collect import run

pytestmark = [pytest.mark.anyio, pytest.mark.real_model, pytest.mark.timeout(300)]
EXAMPLE = Path(__file__).parents[3] / "examples" / "tasks.jsonl"


async def test_from_a_task_file_to_a_checkpoint_in_use(tmp_path: Path) -> None:
    lines = EXAMPLE.read_text("utf-8").splitlines()
    facts = [line for line in lines if '"category": "facts"' in line][:8]
    (tmp_path / "tasks.jsonl").write_text("\n".join(facts) + "\n", "utf-8")
    config = tmp_path / "maestro.toml"
    ledger = f'[ledger]\nurl = "sqlite:///{tmp_path}/ledger.db"\n'
    model = '[[upstream]]\nname = "local"\nbuiltin = "smollm2"\nthreads = 1\n'
    config.write_text(ledger + model, "utf-8")
    out, checkpoint = tmp_path / "outcomes", tmp_path / "mine"
    await run(
        [
            "collect",
            str(tmp_path / "tasks.jsonl"),
            "--config",
            str(config),
            "--output",
            str(out),
            "--cap-usd",
            "0.1",
            "--prompts",
            "plain,careful",
            "--held-out",
            "0.4",
            "--max-tokens",
            "12",
            "--sampling",
            "grid",
        ]
    )
    page = tmp_path / "report.html"
    words = ["train", "--data", str(out), "--tables", "tasks", "--output", str(checkpoint), "--html", str(page)]
    told = await run([*words, "--anyway"])
    assert "the checkpoint in use" in told.output
    assert "calibration" in page.read_text("utf-8")
    learnt, card = load_checkpoint(checkpoint)
    assert learnt.models == ("tasks:smollm2", "tasks:smollm2:careful")
    assert set(card.prompts) == {"careful"}
    config.write_text(f'checkpoint = "{checkpoint}"\n{ledger}{model}', "utf-8")
    rooms = await build_router(load_settings(config))
    try:
        messages = msgspec.Raw(b'[{"role": "user", "content": "What is the capital of France?"}]')
        payload = Payload({"messages": messages, "max_tokens": msgspec.Raw(b"8")})
        task = Task("maestro", payload, (Requirement("short", "At most 50 words"),), budget=Budget(calls=1))
        done = await rooms.dispatcher.run(task, Caller(), rooms.dispatcher.choose(task, Caller()))
        assert done.chosen is not None
        assert done.chosen.action.model == "local/smollm2"
    finally:
        await rooms.close()
