"""A share of first waves tries an action at random, so that what is never chosen can still be learnt of.

The chance of each choice is kept with it (its propensity), so that later estimates can be corrected for how it came
about (Horvitz & Thompson 1952; Dudik, Langford & Li 2011, arXiv 1103.4601).
"""

from collections.abc import Callable
from dataclasses import dataclass

from msgspec.structs import replace

from action_model.belief import Belief
from router.task import PlannedAction, Wave


@dataclass(frozen=True)
class Exploration:
    """`share` of the first waves explores; `draw` gives a number in [0, 1), a new one each time."""

    share: float = 0.0
    draw: Callable[[], float] = lambda: 1.0


NONE = Exploration()


def explored(wave: Wave, belief: Belief, share: float, draw: float) -> Wave:
    """The wave, or with chance `share` one action alone, each of those that fit the limits equally likely.

    Only fresh samples are tried: techniques of several calls cost a multiple. Both carry their propensities. Pure.
    """
    free = _free(wave, belief)
    if share <= 0.0 or not free:
        return wave
    each = share / len(free)
    names = {planned.action for planned in free}
    if draw >= share:
        kept = (replace(p, propensity=1.0 - share + each * (p.action in names)) for p in wave.actions)
        return replace(wave, actions=tuple(kept))
    chosen = free[min(int(draw / each), len(free) - 1)]
    planned = any(p.action == chosen.action for p in wave.actions)
    tried = replace(chosen, propensity=each + (1.0 - share) * planned)
    return replace(wave, actions=(tried,), reason=f"explored: one of {len(free)} actions that fit, at random")


def _free(wave: Wave, belief: Belief) -> list[PlannedAction]:
    """The samples that fit money, time and calls, in the portfolio's order."""
    fitting = {one["action"] for one in wave.alternatives if one.get("fits") and not one.get("parents")}
    return [
        PlannedAction(estimate.action, estimate)
        for estimate in belief.estimates
        if estimate.action.technique == "sample" and estimate.action.name in fitting
    ]
