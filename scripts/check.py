"""`maestro check --jsonl`: what a requirement compiles to and how it scores an answer. No model is called."""

import json
import sys
from typing import Any

import click

from router.checks.check import Answer, Finding
from router.checks.compiler import compile_requirement
from router.errors import MaestroError
from router.task import Requirement


@click.command()
@click.option("--jsonl", is_flag=True, required=True, help="Read lines of JSON from standard input.")
def command(jsonl: bool) -> None:
    """Lines {requirement, check?, answer, prompt?} → lines {compiled, check, score, passed, reason}."""
    for line in sys.stdin:
        if line.strip():
            click.echo(json.dumps(check_line(line)))


def check_line(line: str) -> dict[str, Any]:
    """One line's verdict; a line that cannot be read gives an `error`."""
    try:
        asked = json.loads(line)
        if not isinstance(asked, dict):
            return {"error": "each line must be a JSON object"}
        text, answer = asked.get("requirement") or "", asked.get("answer") or ""
        prompt, spec = asked.get("prompt") or "", asked.get("check")
        if not all(isinstance(value, str) for value in (text, answer, prompt)):
            return {"error": "requirement, answer and prompt must be strings"}
        compiled = compile_requirement(Requirement(text[:60] or "requirement", text, check=spec))
    except (ValueError, MaestroError) as error:
        return {"error": str(error)}
    findings = [check.evaluate(Answer(answer, prompt)) for check in compiled.checks]
    specs = [dict(check.spec) for check in compiled.checks]
    if not findings:
        return {"compiled": False, "check": None, "score": None, "passed": None, "reason": "left to the judge"}
    worst = min(findings, key=_score)
    shown: dict[str, Any] = {
        "compiled": not compiled.judged,
        "check": specs[0] if len(specs) == 1 else {"type": "all", "checks": specs},
        "score": worst.score,
        "passed": worst.passed,
        "reason": "; ".join(finding.reason for finding in findings if finding.score == worst.score),
    }
    return {**shown, "judged": compiled.judged} if compiled.judged else shown


def _score(finding: Finding) -> float:
    return 0.5 if finding.score is None else finding.score
