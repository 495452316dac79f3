"""The frozen values of a run, from what a client asks to what came of it. See docs/glossary.md."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

import msgspec

from action_model.actions import Action
from action_model.belief import Estimate
from action_model.prices import Usage
from router.tools.passages import Gathered, Passage, ToolCall
from router.tools.specs import Spec

Effort = Literal["low", "medium", "high"]


class Requirement(msgspec.Struct, frozen=True):
    """What must hold of the answer. `check` is the explicit form; `check_only` keeps it from the generator's prompt."""

    name: str
    description: str
    is_mandatory: bool = False
    weight: float = 1.0
    check: Mapping[str, Any] | None = None
    check_only: bool = False


class Budget(msgspec.Struct, frozen=True):
    """Limits of one run; None means no limit of that kind. `effort` sets what a dollar and a second are worth."""

    usd: float | None = None
    seconds: float | None = None
    calls: int | None = None
    effort: Effort = "low"


class OperatingPoint(msgspec.Struct, frozen=True):
    """A place on the frontier that an operator chose: a satisfied task is worth 1, a dollar costs `usd`, a second
    `seconds`. It stands in for an effort level.
    """

    usd: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Defaults:
    """What holds where a request says nothing: of a key, a team or the server. None = the next weaker place decides.

    `says_effort` is false where the budget has limits but no effort of its own.
    """

    budget: Budget | None = None
    quality_threshold: float | None = None
    requirements: tuple[Requirement, ...] = ()
    models: tuple[str, ...] = ()
    response_language: str | None = None
    operating_point: OperatingPoint | None = None
    says_effort: bool = True


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and what the key allows. `team` and `key_id` are ids in the ledger ("" without keys).

    `teams` are the other teams this key may name; `models` the ones it may use (empty: all), `team_models` its team's
    bounds on them (empty: none); `max_usd` bounds one run;
    `defaults` are the key's over the team's, merged; `rate` the team's requests and tokens a minute (None: unlimited),
    `key_rate` the key's own within them.
    """

    team: str = ""
    key_id: str = ""
    is_operator: bool = False
    teams: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    max_usd: float | None = None
    defaults: Defaults = Defaults()
    rate: tuple[int | None, int | None] = (None, None)
    key_rate: tuple[int | None, int | None] = (None, None)
    team_models: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NamedAction:
    """The one action an operator asked for by the body field `maestro`; `prompt` and `tool_limit` as in `Action`."""

    technique: str
    n: int = 1
    model: str | None = None
    prompt: str = "plain"
    tool_limit: int | None = None


class Payload(msgspec.Struct, frozen=True):
    """A request body: every top-level field as the raw JSON bytes that came, in their order."""

    fields: Mapping[str, msgspec.Raw]

    def encode(self, **changes: Any) -> bytes:
        """The body with some fields set (None removes one); all others stay byte for byte."""
        if not changes:
            return msgspec.json.encode(self.fields)
        merged: dict[str, Any] = {**self.fields, **changes}
        return msgspec.json.encode({name: value for name, value in merged.items() if value is not None})

    def read(self, name: str, default: Any = None) -> Any:
        """One field, decoded."""
        raw = self.fields.get(name)
        return default if raw is None else msgspec.json.decode(raw)


class Task(msgspec.Struct, frozen=True):
    """What one request asks, after all Maestro words are taken out of it.

    `model` is what the client named after aliases: a virtual name ("maestro") or a concrete one; `payload` is what
    an upstream may see: no block, no Maestro fields.
    """

    model: str
    payload: Payload
    requirements: tuple[Requirement, ...] = ()
    budget: Budget = Budget()
    quality_threshold: float = 0.95
    stream: bool = False
    include_usage: bool = False
    models: tuple[str, ...] = ()
    include: frozenset[str] = frozenset()
    response_language: str | None = None
    dry_run: bool = False
    named_action: NamedAction | None = None
    client_headers: Mapping[str, str] = {}
    operating_point: OperatingPoint | None = None
    tools: tuple[Spec, ...] = ()
    gathered: Gathered | None = None

    @property
    def is_virtual(self) -> bool:
        """Does Maestro choose the model?"""
        return self.model == "maestro" or self.model.startswith("maestro-")


VerdictSource = Literal["check", "judge", "validator", "consensus"]


class Word(msgspec.Struct, frozen=True):
    """What a judge (a model's id) said on a `kind` of requirement: P(satisfied), as it claims."""

    judge: str
    kind: str
    claimed: float


class Verdict(msgspec.Struct, frozen=True):
    """One requirement's word on one candidate. `score` None means not validated, never 0 or 1.

    `word` is the judge's own, where one was heard; `confidence` what its error rates make of it.
    """

    requirement: str
    score: float | None
    reason: str
    source: VerdictSource
    confidence: float = 1.0
    word: Word | None = None

    @property
    def passed(self) -> bool:
        """Only 1.0 is satisfied."""
        return self.score is not None and self.score >= 1.0


class FinishReason(StrEnum):
    """Why a run ended: the closed list of `requirements_result.finish_reason`."""

    ALL_SATISFIED = "all_satisfied"
    QUALITY_REACHED = "quality_reached"
    BUDGET_EXHAUSTED = "budget_exhausted"
    DEADLINE = "deadline"
    NO_IMPROVEMENT_EXPECTED = "no_improvement_expected"
    UPSTREAM_UNAVAILABLE = "upstream_unavailable"
    UNVALIDATED = "unvalidated"


class Attempt(msgspec.Struct, frozen=True):
    """One HTTP call to one upstream, as it went. Seconds count from the start of the run; money in nanodollars."""

    id: str
    model: str
    purpose: Literal["generate", "judge", "tool"]
    started_seconds: float
    ended_seconds: float
    outcome: Literal["ok", "error", "cancelled"]
    usage: Usage
    nanodollars: int
    is_estimated: bool = False
    error: str | None = None


class Candidate(msgspec.Struct, frozen=True):
    """One finished answer with its verdicts. `completion` is the upstream's completion as it came (JSON bytes)."""

    id: str
    action: Action
    completion: bytes
    text: str
    has_tool_calls: bool = False
    parents: tuple[str, ...] = ()
    wave: int = 0
    verdicts: tuple[Verdict, ...] = ()
    score: float | None = None
    usage: Usage = Usage()
    nanodollars: int = 0
    started_seconds: float = 0.0
    ended_seconds: float = 0.0
    repair_count: int = 0


class PlannedAction(msgspec.Struct, frozen=True):
    """One action of a wave, with the prediction it was chosen by; `parents` are the candidates it starts from.

    `propensity` is the chance that it was chosen: below 1 only where a share of first waves explores.
    """

    action: Action
    estimate: Estimate
    parents: tuple[str, ...] = ()
    propensity: float = 1.0


class Wave(msgspec.Struct, frozen=True):
    """The actions that run at the same time, and why: `alternatives` are the values of what was not chosen."""

    actions: tuple[PlannedAction, ...]
    value: float
    reason: str
    alternatives: tuple[Mapping[str, Any], ...] = ()


class Saving(msgspec.Struct, frozen=True):
    """An answer that was cut because it had failed `requirement` for good: `saved_tokens` of the output that was
    expected (its predicted mean) were never written."""

    action: str
    requirement: str
    written_tokens: int
    saved_tokens: int


class Run(msgspec.Struct, frozen=True):
    """One task carried out. `spent` (nanodollars) is the sum over attempts, judge included."""

    id: str
    finish_reason: FinishReason
    chosen: Candidate | None
    score: float | None
    candidates: tuple[Candidate, ...]
    waves: tuple[Wave, ...]
    attempts: tuple[Attempt, ...]
    usage: Usage
    spent: int
    seconds: float
    predicted: Mapping[str, float]
    problems: tuple[str, ...] = ()
    sources: tuple[Passage, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    savings: tuple[Saving, ...] = ()


def overall_score(requirements: tuple[Requirement, ...], verdicts: tuple[Verdict, ...]) -> float | None:
    """Weighted mean of the scores that are known; 0 if a mandatory requirement is known not to be fully met.

    None if nothing was validated. (AI21's rule for mandatory ones.)
    """
    by_name = {verdict.requirement: verdict for verdict in verdicts}
    known = [
        (r, by_name[r.name].score) for r in requirements if r.name in by_name and by_name[r.name].score is not None
    ]
    if any(r.is_mandatory and score is not None and score < 1.0 for r, score in known):
        return 0.0
    weight = sum(r.weight for r, _ in known)
    if not known or weight <= 0:
        return None
    return sum(r.weight * (score or 0.0) for r, score in known) / weight
