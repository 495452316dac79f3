"""The following set: enough tasks, real texts, requirements that can be met, graders of its own."""

import ast
from pathlib import Path

import scripts.following
from scripts.following.sources import read_sources
from scripts.following.tasks import read_tasks
from scripts.following.templates import TEMPLATES
from scripts.ifeval.prompts import half_of

TASKS = read_tasks()
ANSWERS = {
    "zen/toast": (
        "Dear colleague, you showed us that beautiful is better than ugly and simple is better than complex. "
        "May your next team see it too. Cheers"
    ),
    "zen/library": '{"title": "The Zen of Python", "author": "Tim Peters", "themes": ["clarity", "order", "rules"]}',
}


def test_there_are_enough_tasks_of_three_to_six_requirements_on_real_texts() -> None:
    assert len(TASKS) >= 150
    assert len({task.key for task in TASKS}) == len(TASKS)
    assert all(3 <= len(task.demands) <= 6 for task in TASKS)
    assert len({task.source.name for task in TASKS}) > 80
    assert {kind for task in TASKS for kind in task.kinds} == {"content", "format", "tone", "grounding"}
    assert all(300 < len(source.text) < 1600 for source in read_sources().values())


def test_the_same_tasks_come_in_the_same_order_and_part_in_two_halves() -> None:
    assert [task.key for task in read_tasks()] == [task.key for task in TASKS]
    halves = [read_tasks("dev"), read_tasks("kept")]
    assert sum(map(len, halves)) == len(TASKS) and min(map(len, halves)) > 60
    assert all(half_of(task.key) == "kept" for task in halves[1])


def test_what_must_be_mentioned_or_left_out_comes_from_the_text() -> None:
    for source in read_sources().values():
        assert len(source.terms) >= 2, source.name
        assert all(term.lower() in source.text.lower() for term in source.terms)


def test_no_requirement_contradicts_another_on_its_face() -> None:
    for task in TASKS:
        asked = {term for d in task.demands if d.grader == "mentions" for term in d.args["terms"]}
        banned = {term for d in task.demands if d.grader == "avoids" for term in d.args["terms"]}
        assert not asked & banned
        low = max([d.args["low"] for d in task.demands if d.grader == "words_between"], default=0)
        high = min([d.args["high"] for d in task.demands if d.grader == "words_between"], default=10_000)
        assert low < high


def test_a_model_is_told_every_requirement_and_a_client_sends_its_words_only() -> None:
    task = TASKS[0]
    assert all(demand.text in task.text for demand in task.demands) and task.source.text in task.text
    sent = task.requirements("code", is_told=True)
    assert [row["description"] for row in sent] == [demand.text for demand in task.demands]
    assert all("check" not in row and not row["check_only"] for row in sent)
    assert task.requirements("judge", is_told=False)[0]["check"] == {"type": "judge"}


def test_hand_written_tasks_have_answers_that_meet_everything() -> None:
    by_hand = {"zen/toast": "toast", "zen/library": "library"}
    for name, word in by_hand.items():
        (task,) = [task for task in TASKS if word in task.instruction]
        assert task.grade(ANSWERS[name]) == [True] * len(task.demands)
        assert not any(task.grade("")) and not all(task.grade(task.source.text))


def test_the_graders_share_no_code_with_maestros_checks() -> None:
    folder = Path(scripts.following.__file__).parent
    for file in folder.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not any(name.startswith(("router", "proxy", "action_model")) for name in names), file.name


def test_every_template_is_used_and_asks_for_several_kinds() -> None:
    for template in TEMPLATES:
        head = template.instruction.split("{title}")[0]
        made = [task for task in TASKS if task.instruction.startswith(head)]
        assert made and all(len(set(task.kinds)) >= 2 for task in made)
