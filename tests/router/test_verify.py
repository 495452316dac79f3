"""Verdicts from checks and judges; what calibrated error rates change in them, and in what the planner decides."""

import json
import re
from typing import Any

import pytest

from action_model.actions import Action
from router.checks.compiler import compile_requirement
from router.judging.calibration import JudgeRates
from router.judging.judge import Judge, Terms
from router.ledger.ledger import Account
from router.ledger.purse import RunLimits, RunPurse
from router.task import Candidate, Requirement
from router.upstreams.upstream import Model
from router.verify import Subject, Verifier
from scripts.simulation import JumpingLoop, MemoryLedger, Play, ScriptedUpstreams
from scripts.stage import BIG, SMALL, is_judging, stage, task

pytestmark = pytest.mark.anyio
SOFT = Requirement("kind", "Sound kind")
SHORT = Requirement("short", "At most 3 words")
MIXED = Requirement("mixed", "At most 3 words. Sound kind.")


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return "asyncio", {"loop_factory": JumpingLoop}


def judging(claimed: float, evidence: str = "") -> Any:
    """A judge that claims the same of all it is asked."""

    def script(model: Model, body: Any, number: int) -> Play:
        asked = body["messages"][1]["content"].rsplit("Requirements:", 1)[1]
        said = {"satisfied": claimed >= 0.5, "confidence": max(claimed, 1 - claimed), "evidence": evidence}
        numbers = re.findall(r"^(\d+)\. ", asked, re.MULTILINE)
        return Play(json.dumps({"verdicts": [{"id": int(one), **said} for one in numbers]}))

    return script


def subject_of(*requirements: Requirement) -> Subject:
    return Subject(
        requirements, tuple(compile_requirement(requirement) for requirement in requirements), "Ask.", "Ask."
    )


def terms() -> Terms:
    return Terms(RunPurse(MemoryLedger(), "run", Account(), RunLimits(), lambda: 0.0))


def said(text: str) -> Candidate:
    return Candidate("c0.0", Action("a/small"), b"", text)


def verifier_of(script: Any, rates: JudgeRates | None = None, audit_share: float = 0.0) -> Verifier:
    upstreams = ScriptedUpstreams((SMALL, BIG), script)
    return Verifier(Judge(upstreams), [SMALL, BIG], rates, audit_share, lambda: 0.0)


async def taught(judge: str, claimed: float, truth: bool, count: int) -> JudgeRates:
    rates = JudgeRates()
    for _ in range(count):
        await rates.learn(judge, "style", claimed, truth)
    return rates


async def test_the_least_of_a_requirements_parts_is_its_score() -> None:
    verifier = verifier_of(judging(0.95, "a kind"))
    found = {}
    for text in ("a kind word", "a kind word too many"):
        (found[text],) = await verifier.verify(said(text), subject_of(MIXED), terms())
    assert found["a kind word"].passed
    assert found["a kind word too many"].source == "check"
    assert found["a kind word too many"].word is not None


async def test_another_model_than_the_answers_judges_and_a_third_confirms() -> None:
    verifier = verifier_of(judging(0.95))
    (first,) = await verifier.verify(said("kind"), subject_of(SOFT), terms())
    assert first.word is not None
    assert first.word.judge == BIG.id
    again = Candidate("c0.0", Action("a/small"), b"", "kind", verdicts=(first,))
    (second,) = await verifier.confirm(again, subject_of(SOFT), terms())
    assert second.word is not None
    assert second.word.judge == SMALL.id


async def test_without_a_verdict_the_score_is_null() -> None:
    verifier = verifier_of(lambda model, body, number: Play("no idea"))
    (found,) = await verifier.verify(said("kind"), subject_of(SOFT), terms())
    assert (found.score, found.passed) == (None, False)
    evidence = verifier.evidence([found])
    assert (evidence.given_success, evidence.given_failure) == (1.0, 1.0)


async def test_a_judge_known_to_pass_what_is_wrong_says_little() -> None:
    trusted, distrusted = verifier_of(judging(0.95)), verifier_of(judging(0.95), await taught(BIG.id, 0.95, False, 60))
    odds = []
    for verifier in (trusted, distrusted):
        found = verifier.evidence(await verifier.verify(said("kind"), subject_of(SOFT), terms()))
        odds.append(found.given_success / found.given_failure)
    assert odds[0] > 4.0
    assert odds[1] < 1.5


async def test_what_passes_of_a_judge_is_learnt() -> None:
    rates = JudgeRates()
    for claimed, truth in [(0.9995, True)] * 50 + [(0.8, False)] * 50 + [(0.8, True)] * 5:
        await rates.learn(BIG.id, "style", claimed, truth)
    (doubted,) = await verifier_of(judging(0.8), rates).verify(said("kind"), subject_of(SOFT), terms())
    (sure,) = await verifier_of(judging(0.9995, "kind"), rates).verify(said("kind"), subject_of(SOFT), terms())
    assert (doubted.passed, sure.passed) == (False, True)
    assert "below what passes" in doubted.reason


async def test_an_audit_learns_from_what_a_check_knows() -> None:
    verifier = verifier_of(judging(0.95), audit_share=1.0)
    await verifier.verify(said("much more than three words"), subject_of(SOFT, SHORT), terms())
    rows = {row["kind"]: row for row in verifier.rates.report()}
    assert (rows["length"]["satisfied"], rows["length"]["broken"]) == (0, 1)
    assert "style" not in rows


async def test_no_audit_unless_it_is_asked_for() -> None:
    verifier = verifier_of(judging(0.95))
    await verifier.verify(said("much more than three words"), subject_of(SOFT, SHORT), terms())
    assert verifier.rates.report() == []


RIGHT, WRONG = "a right answer", "a wrong answer"


async def play(rates: JudgeRates, count: int) -> tuple[int, int]:
    """Runs over a model that is right in 4 of 10 answers and a judge that passes all, less sure of most wrong ones:
    how many came to the right answer, and the calls."""
    answers = [RIGHT if place * 7 % 10 < 4 else WRONG for place in range(997)]
    taken = iter(answers * 40)

    def script(model: Model, body: Any, number: int) -> Play:
        if not is_judging(body):
            return Play(next(taken), 1.0)
        is_right = RIGHT in body["messages"][1]["content"].split("Requirements:")[0]
        return judging(0.9995 if is_right else 0.92, "answer")(model, body, number)  # type: ignore[no-any-return]

    right = calls = 0
    for _ in range(count):
        it = stage(script, judges=("b/big",), rates=rates, max_parallel=1)
        run = await it.run(task(SOFT))
        assert run.chosen is not None
        right, calls = right + (run.chosen.text == RIGHT), calls + len(it.upstreams.heard)
    return right, calls


async def test_calibrated_rates_win_back_what_a_judge_that_passes_everything_loses() -> None:
    rates = JudgeRates()
    for claimed, truth in [(0.9995, True)] * 60 + [(0.92, False)] * 60 + [(0.92, True)] * 6:
        await rates.learn("b/big", "style", claimed, truth)
    believed, _ = await play(JudgeRates(), 12)
    calibrated, _ = await play(rates, 12)
    assert believed <= 7
    assert calibrated >= 11


@pytest.mark.parametrize("judges", [(), ("b/big",)])
async def test_where_nothing_can_be_judged_no_more_answers_are_bought(judges: tuple[str, ...]) -> None:
    it = stage(lambda model, body, number: Play("???" if is_judging(body) else "an answer", 1.0), judges=judges)
    await it.run(task(SOFT))
    before = len(it.upstreams.heard)
    run = await it.run(task(SOFT))
    answers = [heard for heard in it.upstreams.heard[before:] if not is_judging(heard.body)]
    assert (run.score, run.finish_reason) == (None, "unvalidated")
    assert len(answers) <= 4
