"""Labelled pairs to measure a judge with: instructions of a benchmark, real answers mutated, the independent grader's
word; as many that hold as do not. `python -m scripts.judge_pairs --data WHEEL > pairs.jsonl`"""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from scripts.check_grader import Instruction, read_answers, read_instructions
from scripts.check_mutations import make_answers


@click.command()
@click.option("--data", type=click.Path(exists=True, path_type=Path), required=True, help="Directory, zip or wheel.")
@click.option("--count", default=120, show_default=True, help="How many pairs.")
@click.option("--characters", default=700, show_default=True, help="The longest answer.")
@click.option("--seed", default=0, show_default=True)
def command(data: Path, count: int, characters: int, seed: int) -> None:
    """Prints JSON lines for `maestro judge calibrate --pairs`."""
    chance = random.Random(seed)
    texts = [text for text in read_answers(data, 600) if len(text) <= characters]
    instructions = list(read_instructions(data, "ifeval"))
    chance.shuffle(instructions)
    left = {True: (count + 1) // 2, False: count // 2}
    for pair in _pairs(instructions, texts, chance):
        if left[pair["satisfied"]] and len(pair["answer"]) <= characters:
            left[pair["satisfied"]] -= 1
            click.echo(json.dumps(pair, ensure_ascii=False))
        if not any(left.values()):
            return


def _pairs(instructions: list[Instruction], texts: list[str], chance: random.Random) -> Iterator[dict[str, Any]]:
    """One answer that holds and one that does not of each instruction, where the mutations give both."""
    for instruction in instructions:
        found: dict[bool, str] = {}
        for answer in make_answers(instruction, chance.choice(texts), chance):
            try:
                found.setdefault(instruction.follows(answer), answer)
            except (IndexError, ValueError, KeyError):
                continue
        for satisfied, answer in found.items():
            if len(found) > 1:
                request = "Write a short text."
                yield {
                    "request": request,
                    "answer": answer,
                    "requirement": instruction.text,
                    "satisfied": satisfied,
                }


if __name__ == "__main__":
    command()
