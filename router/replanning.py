"""What a stored run keeps of its request, so that it can be planned again; and the task that it stands for."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from action_model.facts import Facts
from router.planning.situation import Tradeoff
from router.task import Budget, Effort, Payload, Requirement, Task


def request_of(
    facts: Facts, requirements: Sequence[Requirement], tradeoff: Tradeoff, with_texts: bool
) -> dict[str, Any]:
    """Counts and kinds, and what money and time were worth; the text and the requirements' own words only if the
    operator stores texts."""
    kept: dict[str, Any] = {
        "input_tokens": facts.input_tokens,
        "max_output_tokens": facts.max_output_tokens,
        "kinds": list(facts.requirement_kinds),
        "mandatory": [requirement.is_mandatory for requirement in requirements],
        "usd_value": tradeoff.usd,
        "seconds_value": tradeoff.seconds,
    }
    if with_texts:
        kept["text"] = facts.text
        kept["requirements"] = [
            {"name": r.name, "description": r.description, "is_mandatory": r.is_mandatory, "check": r.check}
            for r in requirements
        ]
    return kept


def task_again(request: Mapping[str, Any], effort: Effort) -> Task:
    """The task of a stored request. Without its text: words of the same length, so that cost and time are as they
    were."""
    text = request.get("text") or "word " * max(1, int(request.get("input_tokens") or 1))
    fields: dict[str, Any] = {"model": "maestro", "messages": [{"role": "user", "content": text}]}
    if request.get("max_output_tokens"):
        fields["max_tokens"] = request["max_output_tokens"]
    return Task(
        model="maestro",
        payload=Payload({name: msgspec.Raw(msgspec.json.encode(value)) for name, value in fields.items()}),
        requirements=tuple(_requirements(request)),
        budget=Budget(effort=effort),
    )


def _requirements(request: Mapping[str, Any]) -> list[Requirement]:
    told = request.get("requirements")
    if told is not None:
        return [Requirement(r["name"], r["description"], bool(r["is_mandatory"]), check=r.get("check")) for r in told]
    kinds, mandatory = request.get("kinds") or [], request.get("mandatory") or []
    return [
        Requirement(f"{kind}.{place}", f"({kind})", bool(mandatory[place : place + 1] == [True]), check=_stand_in(kind))
        for place, kind in enumerate(kinds)
    ]


def _stand_in(kind: str) -> Mapping[str, Any] | None:
    """For a requirement whose words were not kept: what a check decided is decided by a check again."""
    return None if kind == "judge" else {"type": "min_words", "value": 1}
