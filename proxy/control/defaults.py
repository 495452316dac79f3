"""What holds where a request says nothing: the key's and team's word, then the server's."""

from collections.abc import Sequence

from proxy.control.wishes import NOTHING, Wishes
from proxy.settings import Settings
from router.task import Budget, Caller, Defaults, Effort, OperatingPoint

NO_DEFAULTS = Defaults()


def default_wishes(caller: Caller) -> Wishes:
    """The key's and team's word."""
    if caller.defaults is NO_DEFAULTS or caller.defaults == NO_DEFAULTS:
        return NOTHING
    defaults, budget = caller.defaults, caller.defaults.budget
    said = Budget() if budget is None else budget
    return Wishes(
        usd=said.usd,
        seconds=said.seconds,
        calls=said.calls,
        effort=budget.effort if budget is not None and defaults.says_effort else None,
        quality=defaults.quality_threshold,
        requirements=defaults.requirements,
    )


def operating_point(
    request: Sequence[Wishes], caller: Caller, effort: Effort | None, settings: Settings
) -> OperatingPoint | None:
    """The key's or team's point, unless the request itself says an effort; else what the settings say of the effort."""
    point = caller.defaults.operating_point
    if point is not None and all(place.effort is None for place in request):
        return point
    said = settings.efforts.get(effort or "low")
    return None if said is None else OperatingPoint(said.usd, said.seconds)


def server_wishes(settings: Settings) -> Wishes:
    """The weakest word."""
    server = settings.defaults
    return Wishes(
        usd=server.budget_usd,
        seconds=server.budget_seconds,
        calls=server.budget_calls,
        effort=server.effort,
        quality=server.quality_threshold,
    )
