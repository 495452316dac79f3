"""What building needs beside the rooms of the proxy: validators, and how many calls each upstream takes at once."""

from collections.abc import Mapping

from proxy.assembly import Rooms
from proxy.settings import Settings, SettingsError
from router.checks.check import Validator
from router.checks.validators import Effects, ValidatorError, load_validators
from router.tools.guard import Allowance

DEFAULT_SLOTS = 64


def validators_of(settings: Settings) -> Mapping[str, Validator]:
    """The operator's validators, as the proxy has them. Raises SettingsError."""
    try:
        effects = Effects(Allowance.of(settings.checks.webhook_hosts), settings.checks.run_code)
        return load_validators(settings.validators, effects=effects)
    except ValidatorError as error:
        raise SettingsError(str(error)) from None


def slots_of(rooms: Rooms, most: int | None = None) -> dict[str, int]:
    """Calls in flight at each upstream: its own limit, or `most` where that is less."""
    given = {
        upstream.name: min(upstream.max_parallel, upstream.slots) if upstream.is_embedded else upstream.max_parallel
        for upstream in rooms.settings.upstream
    }
    names = {model.upstream for model in rooms.upstreams.models.values()} | set(given)
    return {name: min(given.get(name, DEFAULT_SLOTS), most or 2**31) for name in names}
