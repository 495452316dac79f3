"""How many instructions compile, and how often the compiled checks agree with an independent grader."""

import json
import random
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from router.checks.check import Answer, Compiled
from router.checks.compiler import compile_requirement
from router.task import Requirement
from scripts.check_grader import FILES, Instruction, read_answers, read_instructions
from scripts.check_mutations import make_answers


@dataclass
class Score:
    """One family's tally, and some of its disagreements."""

    instructions: int = 0
    compiled: int = 0
    pairs: int = 0
    agreed: int = 0
    passed: int = 0
    disputes: list[dict[str, Any]] = field(default_factory=list)


@click.command()
@click.option("--data", type=click.Path(exists=True, path_type=Path), required=True, help="Directory, zip or wheel.")
@click.option("--benchmark", type=click.Choice(sorted(FILES)), default="ifeval")
@click.option("--answers", default=300, help="How many real answers to draw from.")
@click.option("--per-instruction", default=2, help="Real answers mutated for each instruction.")
@click.option("--disputes", default=3, help="Disagreements kept per family.")
@click.option("--json", "target", type=click.Path(path_type=Path), help="Write the tally and the disagreements here.")
def command(data: Path, benchmark: str, answers: int, per_instruction: int, disputes: int, target: Path | None) -> None:
    """Compile rate and agreement with the grader, by family."""
    texts = read_answers(data, answers) or ["A plain answer. It has two sentences, and a comma."]
    chance, scores = random.Random(0), defaultdict[str, Score](Score)
    for instruction in read_instructions(data, benchmark):
        drawn = [chance.choice(texts) for _ in range(per_instruction)]
        tally(scores[instruction.family], instruction, drawn, chance, disputes)
    for family, score in sorted(scores.items()):
        click.echo(show(family, score))
    click.echo(show("all", total(list(scores.values()))))
    if target is not None:
        target.write_text(
            json.dumps({name: vars(score) for name, score in scores.items()}, ensure_ascii=False, indent=1)
        )


def tally(score: Score, instruction: Instruction, drawn: list[str], chance: random.Random, keep: int) -> None:
    """Adds an instruction's pairs to its family's score."""
    compiled = compile_requirement(Requirement("r", instruction.text))
    score.instructions += 1
    if compiled.judged or not compiled.checks:
        return
    score.compiled += 1
    asked = str(instruction.arguments.get("prompt_to_repeat") or instruction.prompt)
    for base in drawn:
        for text in dict.fromkeys(make_answers(instruction, base, chance)):
            _compare(score, instruction, compiled, Answer(text, asked), keep)


def _compare(score: Score, instruction: Instruction, compiled: Compiled, answer: Answer, keep: int) -> None:
    try:
        wanted = instruction.follows(answer.text)
    except (IndexError, ValueError, KeyError):
        return
    findings = [check.evaluate(answer) for check in compiled.checks]
    if any(finding.score is None for finding in findings):
        return
    found = all(finding.passed for finding in findings)
    score.pairs += 1
    score.agreed += found == wanted
    score.passed += found
    if found != wanted and len(score.disputes) < keep:
        reasons = [finding.reason for finding in findings]
        score.disputes.append(
            {"text": instruction.text, "answer": answer.text[:1500], "grader": wanted, "reasons": reasons}
        )


def total(scores: list[Score]) -> Score:
    """The sum."""
    names = ("instructions", "compiled", "pairs", "agreed", "passed")
    return Score(*(sum(getattr(score, name) for score in scores) for name in names))


def show(family: str, score: Score) -> str:
    """One line of the table."""
    share = f"{100 * score.agreed / score.pairs:6.2f} % of {score.pairs} pairs" if score.pairs else "not compared"
    return f"{family:46} compiled {score.compiled:4} of {score.instructions:4}   agrees {share}   passes {score.passed}"


if __name__ == "__main__":
    command()
