"""Runs: a list that is searched, filtered and paged; and one run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from router.ledger.ledger import Ledger, RunQuery

ROWS = 50
MOST_LOOKED_AT = 20_000
"""Filters that the ledger does not know look at so many of the newest runs."""
STEP = 2_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a visitor asked for. `search` is part of a run's id or model; `before` the cursor of the page."""

    team: str | None = None
    search: str = ""
    finish: str = ""
    score: str = ""
    before: float | None = None

    def link(self, **changes: Any) -> str:
        """The address of this list with some words changed."""
        said = {"team": self.team, "search": self.search, "finish": self.finish, "score": self.score, **changes}
        return "/dashboard/runs?" + urlencode({name: word for name, word in said.items() if word})

    def fits(self, run: Mapping[str, Any]) -> bool:
        """Is it one of those?"""
        text = f"{run.get('id')} {run.get('model')} {run.get('team')}".lower()
        return (
            self.search.lower() in text
            and (not self.finish or run.get("finish_reason") == self.finish)
            and _fits_score(self.score, run.get("score"))
        )


@dataclass(frozen=True, slots=True)
class RunsPage:
    """One page of the list. `next_before` is the cursor of the next; `looked_at` how many runs were seen."""

    rows: Sequence[Mapping[str, Any]]
    next_before: float | None
    looked_at: int
    is_cut: bool


async def find_runs(ledger: Ledger, wanted: Wanted) -> RunsPage:
    """A page of runs, newest first."""
    found: list[Mapping[str, Any]] = []
    query, looked_at = RunQuery(team=wanted.team, before=wanted.before, limit=STEP), 0
    if wanted == Wanted(team=wanted.team, before=wanted.before):
        query = replace(query, limit=ROWS + 1)
    while looked_at < MOST_LOOKED_AT:
        rows = await ledger.list_runs(query)
        looked_at += len(rows)
        found += [row for row in rows if wanted.fits(row)]
        if len(found) > ROWS or len(rows) < query.limit:
            break
        query = replace(query, before=rows[-1]["created_at"])
    more = len(found) > ROWS
    shown = found[:ROWS]
    return RunsPage(shown, shown[-1]["created_at"] if more else None, looked_at, looked_at >= MOST_LOOKED_AT)


def _fits_score(wanted: str, score: float | None) -> bool:
    match wanted:
        case "full":
            return score is not None and score >= 1.0
        case "part":
            return score is not None and score < 1.0
        case "none":
            return score is None
        case _:
            return True
