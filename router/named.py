"""The one action an operator asked for, as fixed waves: for comparison and debugging. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from action_model.actions import Action, Portfolio
from action_model.belief import Belief, Estimate
from router.candidates import is_settled
from router.errors import BadRequest
from router.planning.situation import Stop
from router.portfolio import LIVELY_TEMPERATURE, is_cold, offer_of
from router.task import Candidate, FinishReason, NamedAction, PlannedAction, Task, Wave
from router.techniques.technique import Technique
from router.upstreams.upstream import Model

PARALLEL = frozenset({"best_of_n", "majority", "fuse"})
"""Fixed policies of n samples at once: all are carried out, whatever the first says."""


@dataclass(frozen=True, slots=True)
class NamedPlan:
    """A named action on one model: n samples at once (`best_of_n`, `majority`, `fuse`: then one answer out of them);
    `fix`: a sample, then repairs one after the other, n calls in all; any other technique by itself, n at once."""

    named: NamedAction
    samples: tuple[Estimate, ...]
    last: Estimate

    def next(self, candidates: Sequence[Candidate], wave: int) -> Wave | Stop:
        """The next wave of the fixed policy."""
        technique, n = self.named.technique, self.named.n
        done = Stop(FinishReason.NO_IMPROVEMENT_EXPECTED, f"{technique} with n = {n} is done")
        if technique == "fix":
            return self._repair(candidates, wave) or done
        if wave == 0:
            return _wave([PlannedAction(estimate.action, estimate) for estimate in self.samples], technique)
        if technique == "fuse" and wave == 1 and candidates:
            parents = tuple(candidate.id for candidate in candidates)
            return _wave([PlannedAction(self.last.action, self.last, parents)], technique)
        return done

    def _repair(self, candidates: Sequence[Candidate], wave: int) -> Wave | None:
        if wave >= self.named.n or any(is_settled(candidate) or candidate.has_tool_calls for candidate in candidates):
            return None
        if not candidates:
            return _wave([PlannedAction(self.samples[0].action, self.samples[0])], "fix")
        return _wave([PlannedAction(self.last.action, self.last, (candidates[-1].id,))], "fix")


def named_portfolio(
    task: Task, named: NamedAction, model: Model, techniques: Mapping[str, Technique], prompts: Collection[str]
) -> Portfolio:
    """The actions that the policy is made of. Raises BadRequest for a technique or a prompt nobody offers."""
    first, last = _techniques(named, techniques)
    temperature = LIVELY_TEMPERATURE if named.n > 1 and first == "sample" and is_cold(task) else None
    if named.prompt not in prompts:
        known = ", ".join(sorted(prompts))
        raise BadRequest(f"Unknown prompt '{named.prompt}'. Known: {known}.", "maestro.prompt")
    begun = Action(model.id, first, named.prompt, tool_limit=named.tool_limit)
    actions = dict.fromkeys((begun, replace(begun, temperature=temperature), replace(begun, technique=last)))
    return Portfolio(tuple(offer_of(model, action) for action in actions))


def named_plan(named: NamedAction, belief: Belief, techniques: Mapping[str, Technique]) -> NamedPlan:
    """The policy, with the estimates of its actions; the first of several samples is at the client's temperature."""
    first, last = _techniques(named, techniques)
    fresh = [estimate for estimate in belief.estimates if estimate.action.technique == first]
    count = 1 if named.technique == "fix" else named.n
    final = next(estimate for estimate in belief.estimates if estimate.action.technique == last)
    return NamedPlan(named, (fresh[0], *(fresh[-1] for _ in range(count - 1))), final)


def _techniques(named: NamedAction, known: Mapping[str, Technique]) -> tuple[str, str]:
    if named.technique == "fuse":
        return "sample", "fuse"
    if named.technique == "fix":
        return "sample", "fix"
    if named.technique in PARALLEL:
        return "sample", "sample"
    if named.technique in known:
        return named.technique, named.technique
    offered = ", ".join(sorted({*known, *PARALLEL}))
    raise BadRequest(f"Unknown technique '{named.technique}'. Known: {offered}.", "maestro.technique")


def _wave(actions: Sequence[PlannedAction], technique: str) -> Wave:
    return Wave(tuple(actions), 0.0, f"named by the operator: {technique}")
