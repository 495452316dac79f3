"""`maestro train --from-ledger`: learns from the runs in the ledger, and promotes only what they show to be better."""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from action_model.checkpoint import DEFAULT, Card, load_checkpoint, save_checkpoint
from action_model.features import Floats
from action_model.learnt import Learnt
from action_model.offline.logged import LoggedRun, columns_of, in_two
from action_model.offline.off_policy import Verdict, best_choice, judge
from action_model.offline.refit import Columns, grown, refit, stated
from action_model.prior import PriorConfig, ability_logit, blended_usd
from proxy.ledgers import make_ledger
from proxy.providers import found_providers, upstream_of
from proxy.settings import Settings, SettingsError
from proxy.specs import spec_of
from router.ledger.ledger import OutcomeQuery
from router.upstreams.pool import build_pool
from router.upstreams.upstream import Model
from scripts.offline.logs import Log, LogReader
from scripts.offline.pages import Line, Page, Plot
from scripts.offline.reports import write_page

CLOSED = "http://127.0.0.1:9"
"""Where embedded models would listen: nothing is sent."""
DAY = 86_400.0
MOST_OUTCOMES = 200_000


@dataclass(frozen=True)
class Wanted:
    """Which runs, how many of them are held out, and what the checkpoint is to be called."""

    checkpoint: Path | None
    output: Path
    held_out: float
    days: float | None
    team: str | None
    html: Path | None


@dataclass(frozen=True)
class Learning:
    """Columns before and after, the runs they were learnt from and those they are judged by."""

    learnt: Learnt
    runs: Sequence[LoggedRun]
    held: Sequence[LoggedRun]
    before: Columns
    after: Columns

    def verdict(self) -> Verdict:
        """May the new checkpoint be used?"""
        return judge(self.learnt, self.held, (self.before, self.after), hardness(self.held))


def train_from_ledger(settings: Settings, wanted: Wanted, console: Console) -> bool:
    """Writes the new checkpoint if it is promoted, and says what changed. Raises SettingsError, CheckpointError,
    Unavailable."""
    source = wanted.checkpoint or (Path(settings.checkpoint) if settings.checkpoint else DEFAULT)
    learnt, card = load_checkpoint(source)
    log, models = asyncio.run(_read(settings, learnt, wanted))
    learning = learn(learnt, card, log.runs, models, wanted.held_out)
    verdict = learning.verdict()
    lines, rows = words_of(log, learning, verdict), rows_of(learning)
    for line in lines:
        console.print(line, markup=False, highlight=False)
    for row in rows:
        console.print("  " + ", ".join(f"{name} {_shown(value)}" for name, value in row.items()), markup=False)
    if wanted.html is not None:
        console.print(write_page(page_of(lines, rows), wanted.html), markup=False)
    if not verdict.is_promoted:
        console.print(f"not promoted: {verdict.why}", markup=False)
        return False
    new = grown(learnt, learning.runs, learning.after)
    save_checkpoint(wanted.output, new, replace(card, trained_on=_trained_on(card, learning, log)))
    console.print(f'promoted: {verdict.why}; {wanted.output}.safetensors, checkpoint = "{wanted.output}"', markup=False)
    return True


async def _read(settings: Settings, learnt: Learnt, wanted: Wanted) -> tuple[Log, Sequence[Model]]:
    given = settings.upstream or tuple(upstream_of(provider) for provider in found_providers())
    if not given:
        raise SettingsError("no [[upstream]] is configured: there is nothing to learn of")
    pool = build_pool([spec_of(upstream, {u.name: CLOSED for u in given if u.is_embedded}) for upstream in given])
    ledger = make_ledger(settings.ledger)
    try:
        models = list(pool.models.values())
        await ledger.start()
        try:
            since = None if wanted.days is None else time.time() - DAY * wanted.days
            query = OutcomeQuery(team=wanted.team, since=since, limit=MOST_OUTCOMES)
            return await LogReader(learnt, models).read(ledger, query), models
        finally:
            await ledger.close()
    finally:
        await pool.close()


def learn(learnt: Learnt, card: Card, runs: Sequence[LoggedRun], models: Sequence[Model], held_out: float) -> Learning:
    """Fits on one part of the runs. What an earlier log taught is learnt anew, not on top of itself."""
    fit, held = in_two(runs, held_out)
    ability = {(model.family or model.name).lower(): _ability(model) for model in models}
    logged = set((card.trained_on.get("ledger") or {}).get("actions") or ())
    names = {choice.column for run in runs for choice in run.choices} | set(columns_of(runs))
    names |= {name.split(":", 1)[0] for name in names}
    bare = learnt
    for name in logged:
        bare = replace(bare, joined=bare.joined.without(name))
    served = {name: stated(learnt, name, ability.get(name.split(":", 1)[0], 0.0)) for name in sorted(names)}
    start = {name: stated(bare, name, ability.get(name.split(":", 1)[0], 0.0)) for name in sorted(names)}
    return Learning(learnt, fit, held, served, refit(learnt, fit, start, hardness(fit)))


def _ability(model: Model) -> float:
    return ability_logit(PriorConfig(), blended_usd(model.price), model.parameters_billions)


def hardness(runs: Sequence[LoggedRun]) -> Floats:
    """(N,): what each run's requirements take off a logit."""
    return PriorConfig().logit_per_requirement * np.array([float(len(run.kinds)) for run in runs])


def words_of(log: Log, learning: Learning, verdict: Verdict) -> list[str]:
    """The report in sentences."""
    value = verdict.value
    return [
        f"{log.outcomes} outcomes read; {len(learning.runs)} runs to learn from, {len(learning.held)} held out",
        *(f"  left out: {count} × {why}" for why, count in sorted(log.left_out.items())),
        f"first choice: {value.changed:.0%} of {value.runs} held-out runs would begin with another action",
        *_moves(learning),
        f"value of the first choice, in satisfied tasks a run less money and time: {value.old:.4f} by the checkpoint "
        f"in use, {value.new:.4f} by the new one; difference {value.difference:+.4f} "
        f"(95 % interval {value.low:+.4f} to {value.high:+.4f}); {value.support:.0%} of the new choices were tried",
        f"Brier score of {verdict.firsts} held-out first tries: {verdict.brier_old:.4f}, new {verdict.brier_new:.4f}; "
        f"better in {verdict.surely:.0%} of resamples",
    ]


def _moves(learning: Learning) -> list[str]:
    hard = hardness(learning.held)
    moves: Counter[tuple[str, str]] = Counter()
    for run, taken in zip(learning.held, hard.tolist(), strict=True):
        was, now = (best_choice(run, some, taken) for some in (learning.before, learning.after))
        if was is not None and now is not None and was.column != now.column:
            moves[was.column, now.column] += 1
    return [f"  {count}× {was} → {now}" for (was, now), count in moves.most_common(10)]


def rows_of(learning: Learning) -> list[dict[str, Any]]:
    """A row an action: how often it was tried, and how its first tries did against what is predicted of them."""
    runs = [*learning.runs, *learning.held]
    found = []
    for name in columns_of(runs):
        some = [(run, one) for run in runs for one in run.outcomes if one.column == name]
        firsts = [(run, one.success) for run, one in some if one.wave == 0]
        row: dict[str, Any] = {"action": name, "outcomes": len(some), "first tries": len(firsts)}
        if firsts:
            demand, hard = np.array([run.demand for run, _ in firsts]), hardness([run for run, _ in firsts])
            row["satisfied"] = float(np.mean([success for _, success in firsts]))
            row["predicted"] = float(learning.before[name].chances(demand, hard).mean())
            row["predicted now"] = float(learning.after[name].chances(demand, hard).mean())
        found.append({"satisfied": None, "predicted": None, "predicted now": None} | row if not firsts else row)
    return found


def page_of(lines: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> Page:
    """The report as a page."""
    page = Page("What the ledger taught")
    for line in lines:
        page.say(line)
    page.show("Actions: first tries", [{"action": row["action"]} | dict(row) for row in rows])
    known = [row for row in rows if row["satisfied"] is not None]
    seen, names = [row["satisfied"] for row in known], [str(row["action"]) for row in known]
    points = [Line(word, [row[word] for row in known], seen, names) for word in ("predicted", "predicted now")]
    ideal = Line("ideal", [0.0, 1.0], [0.0, 1.0], mode="lines")
    page.plots.append(Plot("Predicted and observed", "predicted success", "observed success", [ideal, *points]))
    return page


def _trained_on(card: Card, learning: Learning, log: Log) -> dict[str, Any]:
    said = {"runs": len(learning.runs), "held_out": len(learning.held), "last_outcome": log.last}
    return {**card.trained_on, "ledger": {**said, "actions": list(columns_of(learning.runs))}}


def _shown(value: Any) -> str:
    return "–" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)
