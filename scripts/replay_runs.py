"""`maestro replay`: plans stored runs again, with another effort, operating point or checkpoint. Nothing is called."""

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from action_model.checkpoint import CheckpointError
from action_model.device import DeviceError
from action_model.estimator import Estimator
from action_model.learned import load_estimator
from proxy.ledgers import make_ledger
from proxy.providers import found_providers, upstream_of
from proxy.settings import Settings, SettingsError, load_settings
from proxy.specs import spec_of
from proxy.variants import VariantError, variants_of
from router.dispatcher import Dispatcher, DispatcherOptions
from router.efforts import EFFORTS, efforts_with
from router.errors import MaestroError
from router.judging.judge import Judge
from router.ledger.ledger import Ledger, RunQuery
from router.planner import Tradeoff
from router.replanning import task_again
from router.task import Caller
from router.upstreams.pool import Pool, build_pool
from router.verify import Verifier
from scripts.offline.rooms import validators_of
from scripts.reporting.console import report_console

CLOSED = "http://127.0.0.1:9"
"""Where embedded models would listen: nothing is sent."""


@dataclass(frozen=True, slots=True)
class Again:
    """One run, as it went and as it would be planned: first choice and expectation before and after."""

    run_id: str
    was: str
    before: str
    after: str
    success: float
    usd: float
    seconds: float
    new_success: float
    new_usd: float
    new_seconds: float
    actual_usd: float


@click.command()
@click.option("--config", type=click.Path(path_type=Path), help="The settings file.")
@click.option(
    "--from-effort", type=click.Choice(list(EFFORTS)), help="How runs are planned now; default: defaults.effort."
)
@click.option("--effort", type=click.Choice(list(EFFORTS)), help="Plan them at this effort.")
@click.option("--usd-value", type=click.FloatRange(min=0), help="Or: what a dollar is worth, in satisfied tasks.")
@click.option("--seconds-value", type=click.FloatRange(min=0), help="And what a second is worth.")
@click.option("--checkpoint", type=click.Path(path_type=Path), help="Plan them by this checkpoint.")
@click.option("--team", help="Only runs of this team.")
@click.option("--limit", type=click.IntRange(1), default=200, show_default=True, help="The latest so many runs.")
@click.option("--json", "as_json", is_flag=True, help="Print every run as JSON.")
def command(
    config: Path | None,
    from_effort: Any,
    effort: Any,
    usd_value: float | None,
    seconds_value: float | None,
    checkpoint: Path | None,
    team: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """What would stored runs have been planned like with other settings? Nothing is called or paid."""
    try:
        settings = load_settings(config)
        was = from_effort or settings.defaults.effort
        efforts = efforts_with({name: Tradeoff(said.usd, said.seconds) for name, said in settings.efforts.items()})
        old = efforts[was]
        new = efforts[effort] if effort else Tradeoff(
            old.usd if usd_value is None else usd_value, old.seconds if seconds_value is None else seconds_value
        )  # fmt: skip
        found, left_out = asyncio.run(replay(settings, (old, new), checkpoint, RunQuery(team=team, limit=limit)))
    except (SettingsError, MaestroError, CheckpointError, DeviceError) as error:
        click.echo(f"maestro: {error}", err=True)
        sys.exit(2)
    if as_json:
        click.echo(json.dumps({"runs": [asdict(one) for one in found], "left_out": left_out}))
    else:
        show(found, left_out)


async def replay(
    settings: Settings, points: tuple[Tradeoff, Tradeoff], checkpoint: Path | None, query: RunQuery
) -> tuple[list[Again], int]:
    """Every stored run planned twice; how many keep too little of their request."""
    given = settings.upstream or tuple(upstream_of(provider) for provider in found_providers())
    if not given:
        raise SettingsError("no [[upstream]] is configured: there is nothing to plan with")
    in_use = Path(settings.checkpoint) if settings.checkpoint else None
    now = await asyncio.to_thread(load_estimator, in_use, settings.device)
    then = now if checkpoint is None else await asyncio.to_thread(load_estimator, checkpoint, settings.device)
    pool = build_pool([spec_of(upstream, {u.name: CLOSED for u in given if u.is_embedded}) for upstream in given])
    ledger = make_ledger(settings.ledger)
    try:
        await ledger.start()
        try:
            runs = await ledger.list_runs(query)
            traces = [trace for run in runs if (trace := await ledger.find_run(run["id"])) is not None]
        finally:
            before, after = (dispatcher_of(settings, pool, ledger, estimator) for estimator in (now, then))
            await ledger.close()
    finally:
        await pool.close()
    known = [trace for trace in traces if trace.get("request")]
    for estimator in (now, then):
        await asyncio.to_thread(estimator.prepare, [t for one in known if (t := one["request"].get("text"))])
    return [again(trace, (before, after), points) for trace in known], len(traces) - len(known)


def dispatcher_of(settings: Settings, pool: Pool, ledger: Ledger, estimator: Estimator) -> Dispatcher:
    """One that can plan. Raises SettingsError."""
    try:
        variants = variants_of(settings.variants)
    except VariantError as error:
        raise SettingsError(str(error)) from None
    clock = asyncio.get_running_loop().time
    options = DispatcherOptions(clock=clock, validators=validators_of(settings), variants=variants)
    judges = [pool.find(name) for name in settings.judge.models] or list(pool.models.values())
    return Dispatcher(pool, ledger, estimator, Verifier(Judge(pool), judges), options)


def again(
    trace: Mapping[str, Any], dispatchers: tuple[Dispatcher, Dispatcher], points: tuple[Tradeoff, Tradeoff]
) -> Again:
    """One run planned by the one and by the other."""
    task, caller = task_again(trace["request"], "low"), Caller()
    plans = [d.predict(task, caller, [point]) for d, point in zip(dispatchers, points, strict=True)]
    firsts = [first_choice(plan.estimates, point) for plan, point in zip(plans, points, strict=True)]
    before, after = (plan.plans[0] for plan in plans)
    chosen = trace.get("chosen") or {}
    return Again(
        run_id=trace["id"],
        was=str(chosen.get("model") or "–"),
        before=firsts[0],
        after=firsts[1],
        success=before["success"],
        usd=before["usd"],
        seconds=before["seconds"],
        new_success=after["success"],
        new_usd=after["usd"],
        new_seconds=after["seconds"],
        actual_usd=float(trace.get("usd") or 0.0),
    )


def first_choice(estimates: Sequence[Any], point: Tradeoff) -> str:
    """The single action worth most at this point."""
    best = max(estimates, key=lambda e: e.success - point.usd * e.usd - point.seconds * e.seconds)
    return str(best.action.name)


def show(found: Sequence[Again], left_out: int) -> None:
    """What would change, in a few lines."""
    console = report_console()
    if not found:
        console.print(f"no stored run can be planned again ({left_out} keep nothing of their request)")
        return
    table = Table("", "as planned now", "as it would be", title=f"{len(found)} runs planned again; nothing was called")
    for name in ("success", "usd", "seconds"):
        before = sum(getattr(one, name) for one in found) / len(found)
        after = sum(getattr(one, f"new_{name}") for one in found) / len(found)
        table.add_row(f"expected {name} a run", f"{before:.6f}", f"{after:.6f}")
    console.print(table)
    changed = [one for one in found if one.before != one.after]
    console.print(f"first choice: {len(changed)} of {len(found)} runs would begin with another action")
    moves: dict[tuple[str, str], int] = {}
    for one in changed:
        moves[one.before, one.after] = moves.get((one.before, one.after), 0) + 1
    for (before_name, after_name), count in sorted(moves.items(), key=lambda move: -move[1])[:10]:
        console.print(f"  {count}× {before_name} → {after_name}", markup=False)
    console.print(f"they really cost ${sum(one.actual_usd for one in found) / len(found):.6f} a run")
    if left_out:
        console.print(f"{left_out} runs keep nothing of their request and are left out")
