"""Another model where one cannot answer."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from router.errors import MaestroError, UpstreamError
from router.upstreams.bodies import aim
from router.upstreams.layers.waits import may_fall_back
from router.upstreams.transport import OpenStream, Request, Tries
from router.upstreams.transport import Transport as Line
from router.upstreams.upstream import Call, Model, Reply

T = TypeVar("T")


class Fallback:
    """Sends a call down its model's line, then down the lines of the model's own fallbacks, in order.

    Each model is used at most once and fallbacks of fallbacks are not followed, so it never loops; retries leave one
    attempt for each model still to come. The first model's error is the one that is raised when all fail.
    """

    def __init__(self, lines: Mapping[str, Line], find: Callable[[str], Model], asks_usage: Mapping[str, bool]) -> None:
        self._lines = lines
        self._find = find
        self._asks_usage = asks_usage

    async def send(self, call: Call) -> Reply:
        """A whole answer of the first model that gives one."""
        return await self._walk(call, lambda line, request: line.send(request))

    async def open(self, call: Call) -> OpenStream:
        """An open stream of the first model that gives one."""
        return await self._walk(call, lambda line, request: line.open(request))

    async def _walk(self, call: Call, attempt: Callable[[Line, Request], Awaitable[T]]) -> T:
        road, tries = self._road(call.model), Tries(max(1, call.attempts))
        failure: UpstreamError | None = None
        for position, model in enumerate(road[: tries.left]):
            tries.kept_back = min(len(road) - position - 1, tries.left - 1)
            body, hides_usage = aim(call, model, self._asks_usage[model.upstream])
            request = Request(call, model, body, tries, hides_usage)
            try:
                return await attempt(self._lines[model.upstream], request)
            except UpstreamError as error:
                failure = failure or error
                if not may_fall_back(failure):
                    break
            except MaestroError as error:
                if failure is None:
                    raise
                raise failure from error
        assert failure is not None
        raise failure

    def _road(self, model: Model) -> list[Model]:
        road = {model.id: model}
        for name in model.fallbacks:
            other = self._find(name)
            road.setdefault(other.id, other)
        return list(road.values())
