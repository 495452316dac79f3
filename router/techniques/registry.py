"""The techniques on offer: our own, and what others register under the entry point group `maestro.techniques`."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points

from router.techniques.decompose import Decompose
from router.techniques.fix import Fix
from router.techniques.fuse import Fuse
from router.techniques.research import Research
from router.techniques.sample import Sample
from router.techniques.technique import Technique

GROUP = "maestro.techniques"


class TechniqueError(Exception):
    """A registered technique cannot be used."""


def load_techniques(found: Iterable[EntryPoint] | None = None) -> Mapping[str, Technique]:
    """By name. An entry point names a class without parameters, or an object. Raises TechniqueError."""
    known: dict[str, Technique] = {
        technique.name: technique for technique in (Sample(), Fix(), Fuse(), Decompose(), Research())
    }
    for point in entry_points(group=GROUP) if found is None else found:
        technique = _load(point)
        if known.get(technique.name) is not None:
            raise TechniqueError(f"technique '{technique.name}' ({point.value}) is registered twice")
        known[technique.name] = technique
    return known


def prompted(known: Mapping[str, Technique], prompts: Callable[[], Mapping[str, str]]) -> Mapping[str, Technique]:
    """The same, our own with these prompt variants, as they are at the time of each call."""
    live = LivePrompts(prompts)
    return {**known, "sample": Sample(live), "fix": Fix(live)}


class LivePrompts(Mapping[str, str]):
    """Prompt variants that may change: a new checkpoint brings its own."""

    def __init__(self, read: Callable[[], Mapping[str, str]]) -> None:
        self._read = read

    def __getitem__(self, name: str) -> str:
        return self._read()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())


def _load(point: EntryPoint) -> Technique:
    try:
        loaded = point.load()
    except (ImportError, AttributeError) as error:
        raise TechniqueError(f"technique '{point.name}' ({point.value}): {error}") from error
    technique: Technique = loaded() if isinstance(loaded, type) else loaded
    if not isinstance(getattr(technique, "name", None), str) or not callable(getattr(technique, "steps", None)):
        raise TechniqueError(f"technique '{point.name}' ({point.value}) has no name or no steps")
    return technique
