"""Which model a name means."""

from collections.abc import Callable, Mapping, Sequence

from cachetools import LRUCache

from router.errors import UnknownModel
from router.upstreams.upstream import Model

LONGEST_NAME = 256
REMEMBERED_NAMES = 1024

UNPRICED = (
    "It is listed, but its price is unknown, so it is not served: set input_usd_per_mtok and output_usd_per_mtok "
    "(or usd_per_request, usd_per_second) in its [[upstream.model]]."
)

PriceAny = Callable[[str], Model | None]
"""The model that an upstream's "*" makes of a name, or None if its price is unknown there."""


class Catalogue:
    """Finds models by id ("upstream/name"), by bare name (the first upstream that lists it), then through a "*".

    A "*" takes only names whose price is known, so that nothing is ever served for $0 by mistake.
    """

    def __init__(
        self,
        models: Sequence[Model],
        open_upstreams: Mapping[str, PriceAny],
        unpriced: frozenset[str] = frozenset(),
    ) -> None:
        self.models: Mapping[str, Model] = {model.id: model for model in models}
        self._by_name = {model.name: model for model in reversed(models)}
        self._open_upstreams = open_upstreams
        self._unpriced = unpriced
        self._remembered: LRUCache[str, Model] = LRUCache(REMEMBERED_NAMES)

    def find(self, name: str) -> Model:
        """Raises UnknownModel."""
        listed = self.models.get(name) or self._by_name.get(name)
        if listed is not None:
            return listed
        if name not in self._remembered:
            self._remembered[name] = self._price(name)
        return self._remembered[name]

    def _price(self, name: str) -> Model:
        if name in self._unpriced:
            raise UnknownModel(name, UNPRICED)
        if not name or len(name) > LONGEST_NAME or not name.isprintable() or not self._open_upstreams:
            raise UnknownModel(name[:LONGEST_NAME])
        upstream, _, rest = name.partition("/")
        if rest and upstream in self._open_upstreams:
            tried = [self._open_upstreams[upstream](rest)]
        else:
            tried = [price_any(name) for price_any in self._open_upstreams.values()]
        found = next((model for model in tried if model is not None), None)
        if found is None:
            hint = "No upstream lists it and no price is known for it: list it as an [[upstream.model]] with its price."
            raise UnknownModel(name, hint)
        return found
