"""A judge is an instrument with an error: its labelled verdicts are counted, kept, and turned into error rates."""

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol

from router.errors import MaestroError
from router.judging.errors import EDGES, Counts, JudgeErrors, bin_of, errors_of
from router.judging.prompts import PROMPT_VERSION

FRESH_SECONDS = 60.0
"""How old the counts may be that other processes write."""

Source = Literal["check", "feedback", "calibrate"]


@dataclass(frozen=True, slots=True)
class Tally:
    """How many labels of one sort there are: `truth` is whether the requirement held, `place` the bin of the claim."""

    judge: str
    version: str
    kind: str
    place: int
    truth: bool
    source: str
    labels: float = 1.0


class TallyStore(Protocol):
    """Where tallies are kept, summed: the ledger."""

    async def add_labels(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Queues them; they become durable with the next commit."""
        ...

    async def read_labels(self) -> Sequence[Mapping[str, Any]]:
        """All of them. Raises Unavailable."""
        ...


class JudgeRates:
    """Error rates by judge × kind of requirement, for the current version of the judge's prompt."""

    def __init__(self, store: TallyStore | None = None, now: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._now = now
        self._tallies: dict[tuple[str, str, str, int, bool, str], float] = {}
        self._known: dict[tuple[str, str], JudgeErrors] = {}
        self._read_at = -FRESH_SECONDS

    async def refresh(self) -> None:
        """Reads what is kept, at most once a minute; a store that cannot be read leaves what is known."""
        if self._store is None or self._now() - self._read_at < FRESH_SECONDS:
            return
        self._read_at = self._now()
        try:
            tallies = [Tally(**row) for row in await self._store.read_labels()]
        except MaestroError:
            return
        self._tallies, self._known = {_key(tally): tally.labels for tally in tallies}, {}

    async def learn(self, judge: str, kind: str, said: float, truth: bool, source: Source = "feedback") -> None:
        """One labelled verdict: `said` is P(satisfied) as the judge claimed (or a plain yes or no). Kept durably."""
        await self.add([Tally(judge, PROMPT_VERSION, kind, bin_of(float(said)), truth, source)])

    async def add(self, tallies: Sequence[Tally]) -> None:
        """Several at once."""
        for tally in tallies:
            self._tallies[_key(tally)] = self._tallies.get(_key(tally), 0.0) + tally.labels
        self._known = {}
        if self._store is not None and tallies:
            await self._store.add_labels([{**asdict(tally), "truth": int(tally.truth)} for tally in tallies])

    def errors(self, judge: str, kind: str) -> JudgeErrors:
        """What is known of a judge on a kind of requirement; the prior where nothing is."""
        found = self._known.get((judge, kind))
        if found is None:
            counts = self._counts(judge)
            whole = sum(counts.values(), Counts())
            found = self._known[judge, kind] = errors_of(whole, counts.get(kind, Counts()))
        return found

    async def learn_from_feedback(self, trace: Mapping[str, Any], truths: Mapping[str, bool]) -> int:
        """Labels for the judge from a stored run: `truths` says by requirement whether the chosen answer satisfies it.

        The key "" speaks of the whole: that it holds is a label for every judged requirement, that it does not only
        where one was judged. Returns how many verdicts were labelled.
        """
        said = _chosen_words(trace)
        told = {name: truth for name, truth in truths.items() if name in said}
        whole = truths.get("")
        if whole is True or (whole is False and len(said) == 1):
            told = dict.fromkeys(said, whole) | told
        for name, truth in told.items():
            word = said[name]
            await self.learn(word["model"], word["kind"], word["claimed"], truth)
        return len(told)

    def report(self) -> list[dict[str, Any]]:
        """A row for each judge, prompt version and kind: labels, rates, threshold; kind "all" first."""
        kinds = sorted({(judge, version, kind) for judge, version, kind, *_ in self._tallies})
        judges = sorted({(judge, version) for judge, version, _ in kinds})
        rows = []
        for judge, version in judges:
            counts = self._counts(judge, version)
            whole = sum(counts.values(), Counts())
            rows.append(_row(judge, version, "all", whole, errors_of(whole, Counts())))
            rows += [
                _row(judge, version, kind, counts[kind], errors_of(whole, counts[kind])) for kind in sorted(counts)
            ]
        return rows

    def _counts(self, judge: str, version: str = PROMPT_VERSION) -> dict[str, Counts]:
        found: dict[str, Counts] = defaultdict(Counts)
        for (name, of, kind, place, truth, _), labels in self._tallies.items():
            if (name, of) == (judge, version) and 0 <= place < len(Counts().satisfied):
                found[kind] = found[kind].plus(place, truth, labels)
        return dict(found)


def _key(tally: Tally) -> tuple[str, str, str, int, bool, str]:
    return tally.judge, tally.version, tally.kind, tally.place, bool(tally.truth), tally.source


def _row(judge: str, version: str, kind: str, counts: Counts, errors: JudgeErrors) -> dict[str, Any]:
    return {
        "judge": judge,
        "prompt_version": version,
        "kind": kind,
        "satisfied": sum(counts.satisfied),
        "broken": sum(counts.broken),
        "true_pass_rate": round(errors.true_pass, 4),
        "false_pass_rate": round(errors.false_pass, 4),
        "passes_from": passes_from(errors),
    }


def passes_from(errors: JudgeErrors) -> float:
    """The least claim that passes."""
    return EDGES[errors.threshold - 1]


def _chosen_words(trace: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """What judges said of a stored run's chosen candidate, by requirement."""
    chosen = (trace.get("chosen") or {}).get("candidate")
    candidate: Mapping[str, Any] = next((one for one in trace.get("candidates", ()) if one.get("id") == chosen), {})
    return {
        verdict["requirement"]: verdict["judge"] for verdict in candidate.get("verdicts", ()) if verdict.get("judge")
    }
