"""The repair message: what failed, by how much, and what to leave alone."""

from collections.abc import Sequence

from router.task import Candidate, Requirement


def repair_message(candidate: Candidate, requirements: Sequence[Requirement]) -> str:
    """Asks for the smallest change to the candidate's text that satisfies what failed and keeps what passed.

    A `check_only` requirement is named only once it has failed: the model cannot repair what it is not told.
    """
    verdicts = {verdict.requirement: verdict for verdict in candidate.verdicts}
    failed, kept = [], []
    for requirement in requirements:
        verdict = verdicts.get(requirement.name)
        if verdict is None or verdict.score is None:
            continue
        if verdict.passed:
            if not requirement.check_only:
                kept.append(f"- {requirement.description}")
        else:
            failed.append(f"- {requirement.description} (now: {verdict.reason})")
    parts = ["Your answer does not yet satisfy:", *failed]
    if kept:
        parts += ["", "It already satisfies, and must go on doing so:", *kept]
    parts += [
        "",
        "Write the whole answer again with the smallest change that satisfies everything. Only the answer, no comment.",
    ]
    return "\n".join(parts)
