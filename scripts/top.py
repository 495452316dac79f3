"""`maestro top`: what a running proxy does now, in a terminal: runs, spend, upstreams."""

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import click
import httpx
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

ENOUGH = 12


@dataclass(frozen=True, slots=True)
class Reading:
    """The figures of one moment: sums since the start, by their labels."""

    at: float
    inside: float = 0.0
    requests: Mapping[str, float] = field(default_factory=dict)
    calls: Mapping[tuple[str, str], float] = field(default_factory=dict)
    spend: Mapping[tuple[str, str], float] = field(default_factory=dict)
    runs: Mapping[str, float] = field(default_factory=dict)


def reading_of(page: str, at: float) -> Reading:
    """From the text of `/metrics`."""
    samples: dict[str, list[Any]] = {}
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            samples.setdefault(sample.name, []).append(sample)
    requests: dict[str, float] = {}
    for sample in samples.get("maestro_requests_total", []):
        status = sample.labels["status"]
        requests[status] = requests.get(status, 0.0) + sample.value
    calls: dict[tuple[str, str], float] = {}
    for sample in samples.get("maestro_upstream_calls_total", []):
        key = (sample.labels["model"], sample.labels["outcome"])
        calls[key] = calls.get(key, 0.0) + sample.value
    return Reading(
        at=at,
        inside=sum(s.value for s in samples.get("maestro_requests_inside", [])),
        requests=requests,
        calls=calls,
        spend={(s.labels["team"], s.labels["model"]): s.value for s in samples.get("maestro_spend_usd_total", [])},
        runs={s.labels["outcome"]: s.value for s in samples.get("maestro_runs_total", [])},
    )


def screen(now: Reading, before: Reading | None, latest: Sequence[Mapping[str, Any]]) -> Group:
    """What is shown of two readings: rates between them, and sums."""
    seconds = max(now.at - before.at, 1e-9) if before else None
    moved = sum(now.requests.values()) - sum(before.requests.values()) if before else 0.0
    usd = sum(now.spend.values()) - sum(before.spend.values()) if before else 0.0
    rate = "" if seconds is None else f"   {moved / seconds:.1f} requests/s   ${3600 * usd / seconds:.4f}/h"
    head = Text(f"Maestro   in flight {now.inside:.0f}{rate}   spent ${sum(now.spend.values()):.4f}", style="bold")
    parts: list[Any] = [head, _upstreams(now), _sums("Requests by status", now.requests), _sums("Runs", now.runs)]
    parts += [_spend(now)] + ([_latest(latest)] if latest else [])
    return Group(*parts)


def _upstreams(now: Reading) -> Table:
    table = Table("model", "calls", "failed", "health", title="Upstreams", title_justify="left")
    for model in sorted({model for model, _ in now.calls}):
        ok, bad = now.calls.get((model, "ok"), 0.0), now.calls.get((model, "error"), 0.0)
        share = bad / (ok + bad) if ok + bad else 0.0
        table.add_row(
            model, f"{ok + bad:.0f}", f"{bad:.0f}", "bad" if share > 0.2 else "fair" if share > 0.02 else "good"
        )
    return table


def _sums(title: str, sums: Mapping[str, float]) -> Text:
    words = "   ".join(f"{name} {count:.0f}" for name, count in sorted(sums.items()))
    return Text(f"{title}: {words or 'none yet'}")


def _spend(now: Reading) -> Table:
    table = Table("team", "model", "dollars", title="Spend", title_justify="left")
    for (team, model), usd in sorted(now.spend.items(), key=lambda pair: -pair[1])[:ENOUGH]:
        table.add_row(team or "-", model, f"{usd:.6f}")
    return table


def _latest(rows: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(
        "run", "team", "model", "ended by", "score", "dollars", "seconds", title="Latest", title_justify="left"
    )
    for row in rows[:ENOUGH]:
        score = "-" if row["score"] is None else f"{row['score']:.2f}"
        figures = (score, f"{row['usd'] or 0:.6f}", f"{row['seconds'] or 0:.2f}")
        table.add_row(row["id"], row["team"] or "-", row["model"] or "-", row["finish_reason"] or "-", *figures)
    return table


def read(client: httpx.Client) -> tuple[Reading, list[Mapping[str, Any]]]:
    """One reading, and the latest runs if the admin key lets us see them. Raises httpx.HTTPError."""
    answer = client.get("/metrics")
    answer.raise_for_status()
    runs = client.get("/admin/runs", params={"limit": ENOUGH}) if "authorization" in client.headers else None
    return reading_of(answer.text, time.time()), runs.json() if runs is not None and runs.is_success else []


@click.command()
@click.option("--url", default="http://127.0.0.1:8000", show_default=True, help="Where the proxy listens.")
@click.option("--admin-key", envvar="MAESTRO_ADMIN_KEY", help="Also shows the latest runs.")
@click.option("--every", default=2.0, show_default=True, type=click.FloatRange(min=0.2), help="Seconds.")
@click.option("--once", is_flag=True, help="Print one screen and end.")
def command(url: str, admin_key: str | None, every: float, once: bool) -> None:
    """Live runs, spend and upstream health of a running proxy. Ctrl-C ends it."""
    headers = {"authorization": f"Bearer {admin_key}"} if admin_key else {}
    try:
        with httpx.Client(base_url=url, headers=headers, timeout=10.0) as client, Live(screen=not once) as live:
            now, latest = read(client)
            live.update(screen(now, None, latest), refresh=True)
            while not once:
                time.sleep(every)
                before, (now, latest) = now, read(client)
                live.update(screen(now, before, latest), refresh=True)
    except httpx.HTTPError as error:
        click.echo(f"maestro: {url} does not answer: {error}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        pass
