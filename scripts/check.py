"""`maestro check --jsonl`: what a requirement compiles to and how it scores an answer. No model is called."""

import asyncio
import json
import sys
from typing import Any

import click

from router.checks.check import Answer, Compiled, Finding
from router.checks.compiler import compile_requirement
from router.errors import MaestroError
from router.task import Requirement


class BadLine(Exception):
    """A line of JSON that does not ask what this command answers."""


@click.command()
@click.option("--jsonl", is_flag=True, required=True, help="Read lines of JSON from standard input.")
def command(jsonl: bool) -> None:
    """Lines {requirement, check?, answer, prompt?} → lines {compiled, check, score, passed, reason}."""
    for line in sys.stdin.buffer:
        if line.strip():
            click.echo(json.dumps(check_line(line)))


def check_line(line: str | bytes) -> dict[str, Any]:
    """One line's verdict; a line that cannot be read gives an `error`."""
    try:
        text, spec, answer = _read(line)
        compiled = compile_requirement(Requirement(text[:60] or "requirement", text, check=spec))
    except MaestroError as error:
        param = getattr(error, "param", None)
        return {"error": error.message, **({"param": param} if param else {})}
    except BadLine as error:
        return {"error": str(error)}
    except (ValueError, RecursionError) as error:
        return {"error": f"line is not JSON: {error}"}
    return _shown(compiled, spec, answer)


def _read(line: str | bytes) -> tuple[str, dict[str, Any] | None, Answer]:
    asked = json.loads(line)
    if not isinstance(asked, dict):
        raise BadLine("line must be a JSON object")
    text, answer, prompt = (_text(asked, name) for name in ("requirement", "answer", "prompt"))
    spec = asked.get("check")
    if spec is not None and not isinstance(spec, dict):
        raise BadLine("line: check must be an object")
    if not text and spec is None:
        raise BadLine("line must hold a requirement or a check")
    return text, spec, Answer(answer, prompt)


def _text(asked: dict[str, Any], name: str) -> str:
    value = asked.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadLine(f"line: {name} must be a string")
    return value


def _shown(compiled: Compiled, spec: dict[str, Any] | None, answer: Answer) -> dict[str, Any]:
    findings = [check.evaluate(answer) for check in compiled.checks]
    specs = [dict(check.spec) for check in compiled.checks]
    if compiled.validators:
        findings += asyncio.run(_validated(compiled, answer))
        specs += [spec] if spec else []
    if not findings:
        return {"compiled": False, "check": None, "score": None, "passed": None, "reason": "left to the judge"}
    worst = min(findings, key=_score)
    shown: dict[str, Any] = {
        "compiled": not compiled.judged,
        "check": specs[0] if len(specs) == 1 else {"type": "all", "checks": specs},
        "score": worst.score,
        "passed": None if worst.score is None else worst.passed,
        "reason": "; ".join(finding.reason for finding in findings if finding.score == worst.score),
    }
    return {**shown, "judged": compiled.judged} if compiled.judged else shown


async def _validated(compiled: Compiled, answer: Answer) -> list[Finding]:
    return list(await asyncio.gather(*(validator(answer) for validator in compiled.validators)))


def _score(finding: Finding) -> float:
    return 0.999 if finding.score is None else finding.score
