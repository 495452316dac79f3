"""Arms on the same answers: the k-th identical call is made once, paid by each, and survives a restart."""

import itertools
import json
from pathlib import Path

import pytest

from proxy.settings import load_settings
from scripts.bench_ifeval import carry_out
from scripts.fake_answers import Scripted
from scripts.fake_upstream import FakeUpstream
from scripts.ifeval.journal import Journal
from scripts.ifeval.prompts import read_prompts

pytestmark = pytest.mark.anyio

ROW = {
    "key": 1,
    "prompt": "Write a line. Do not use any commas.",
    "instruction_id_list": ["punctuation:no_comma"],
    "kwargs": [{}],
}
CONFIG = """
[ledger]
url = "sqlite:///{folder}/maestro.db"
[[upstream]]
name = "a"
base_url = "{url}"
[[upstream.model]]
name = "small"
input_usd_per_mtok = 1.0
output_usd_per_mtok = 2.0
"""


def options(folder: Path, **changed: object) -> dict[str, object]:
    said: dict[str, object] = {"models": None, "fixed": None, "n": 3, "efforts": "low", "modes": "code"}
    return said | {"max_tokens": 50, "parallel": 1, "answers": folder / "answers", "untold": True} | changed


async def test_arms_share_the_kth_answer_pay_for_it_and_a_torn_book_is_asked_again(tmp_path: Path) -> None:
    numbers = itertools.count(1)
    prompts_file = tmp_path / "input_data.jsonl"
    prompts_file.write_text(json.dumps(ROW), "utf-8")
    prompts = read_prompts(prompts_file, "all")
    async with FakeUpstream(lambda _: Scripted(f"answer {next(numbers)}, with a comma")) as fake:
        config = tmp_path / "m.toml"
        config.write_text(CONFIG.format(folder=tmp_path, url=fake.base_url), "utf-8")
        settings = load_settings(config)
        journal = Journal(tmp_path / "first", {})
        await carry_out(settings, prompts, journal, options(tmp_path, efforts=""))
        played = {one.arm.partition(" ")[0]: one for one in journal.played}
        # One call, then the two more samples that best-of-3 needs, then the two repairs of the first.
        assert len(fake.requests) == 5
        assert played["single"].text == "answer 1, with a comma"
        assert played["best_of_3"].calls == 3 and played["best_of_3"].usd > 2 * played["single"].usd
        assert played["fix_3"].calls == 3

        again = Journal(tmp_path / "again", {})
        await carry_out(settings, prompts, again, options(tmp_path, efforts=""))
        assert len(fake.requests) == 5 and [one.text for one in again.played] == [one.text for one in journal.played]

        book = tmp_path / "answers"
        book.write_text(book.read_text("utf-8")[:-20], "utf-8")
        await carry_out(settings, prompts, Journal(tmp_path / "torn", {}), options(tmp_path, efforts=""))
        assert len(fake.requests) == 6
