"""`maestro bench scaling`: a weak action asked N times against a strong one asked once, at equal money and equal time.

On tables with repeated samples; nothing is called. Money is the table's, else today's list price; time is the tokens of
the longest of N answers written beside each other, as no latency was measured.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.table import Table as Shown

from action_model.metrics import interval
from scripts.replay.tables import Floats
from scripts.reporting.console import report_console
from scripts.scaling.samples import Key, Samples, read_samples
from scripts.stamp import stamp

MISGUIDED = "misguided_attention"
FLASH, PRO = "gemini-2.5-flash-preview-05-20", "gemini-2.5-pro-preview-05-06"
PAIRS: Sequence[tuple[str, Key, Key | None]] = (
    ("tot", ("game24", "gpt-4", "io"), ("game24", "gpt-4", "cot")),
    ("tot", ("game24", "gpt-4", "io"), ("game24", "gpt-4", "tot-b5-first")),
    ("tot", ("game24", "gpt-4", "cot"), ("game24", "gpt-4", "tot-b5-first")),
    ("cruxeval", ("cruxeval_o", "codellama-7b", "direct-t0.2"), None),
    ("cruxeval", ("cruxeval_i", "codellama-7b", "direct-t0.2"), None),
    ("reflexion", ("mbpp_py", "gpt-4", "single"), ("mbpp_py", "gpt-4", "reflexion")),
    ("misguided", (MISGUIDED, "gpt-4.1-mini", "single"), (MISGUIDED, "gpt-4.1", "single")),
    ("misguided", (MISGUIDED, "gpt-4.1-nano", "single"), (MISGUIDED, "gpt-4.1", "single")),
    ("misguided", (MISGUIDED, FLASH, "single"), (MISGUIDED, PRO, "single")),
    ("misguided", (MISGUIDED, "claude-sonnet-4", "single"), (MISGUIDED, "claude-opus-4", "single")),
    ("misguided", (MISGUIDED, "minimax-01", "single"), (MISGUIDED, "gpt-4o-2024-11-20", "single")),
)
"""Table, weak action, strong action; None: the table has no stronger one. The same pairs whatever comes of them."""
COUNTS = (1, 2, 3, 5, 10, 20, 50, 100)


@click.command()
@click.option("--data", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
@click.option("--seed", default=1, show_default=True)
@click.option("--json", "json_path", type=click.Path(dir_okay=False, path_type=Path))
def command(data: Path, seed: int, json_path: Path | None) -> None:
    """Does a weak model with N samples beat the strong one asked once? Told either way."""
    try:
        tables = {name: read_samples(data, name) for name in dict.fromkeys(name for name, _, _ in PAIRS)}
    except FileNotFoundError as error:
        raise click.ClickException(f"no such table: {error}") from None
    cases = [
        case(f"{table} {weak[0]}", tables[table], weak, strong, np.random.default_rng(seed))
        for table, weak, strong in PAIRS
        if weak in tables[table]
    ]
    if json_path is not None:
        json_path.write_text(json.dumps({"bench": "scaling", "made": stamp(), "cases": cases}, indent=1), "utf-8")
    report_console().print(shown(cases))


def case(
    name: str, table: Mapping[Key, Mapping[str, Samples]], weak: Key, strong: Key | None, dice: np.random.Generator
) -> dict[str, Any]:
    """One pair on the prompts that both have answered."""
    rivals = table[strong] if strong is not None else {}
    prompts = sorted(set(table[weak]) & set(rivals)) if strong is not None else sorted(table[weak])
    ours = [table[weak][prompt] for prompt in prompts]
    most = min(len(samples.right) for samples in ours)
    rows = [row(ours, n, dice) for n in COUNTS if n <= most]
    told: dict[str, Any] = {"name": name, "weak": label(weak), "prompts": len(prompts), "rows": rows}
    if strong is None:
        return told | {"strong": None, "verdict": "the table holds no stronger model"}
    theirs = [rivals[prompt] for prompt in prompts]
    once = row(theirs, 1, dice)
    return told | {"strong": label(strong), "once": once, **verdict(ours, theirs, most, once)}


def row(samples: Sequence[Samples], n: int, dice: np.random.Generator) -> dict[str, Any]:
    """Means over the prompts of what n samples bring and take."""
    votes = [one.majority(n, dice) for one in samples]
    known = [vote for vote in votes if vote is not None]
    return {
        "n": n,
        "verified": mean([one.verified(n) for one in samples]),
        "doubtful": mean([one.doubtful(n, dice) for one in samples]),
        "majority": mean(known) if len(known) == len(samples) else None,
        "usd": mean([one.money(n) for one in samples]),
        "longest_tokens": mean([one.longest(n) for one in samples]),
    }


def verdict(ours: Sequence[Samples], theirs: Sequence[Samples], most: int, once: Mapping[str, Any]) -> dict[str, Any]:
    """Where N checked samples reach the strong one, and how they compare for the same money and the same time."""
    counts = range(1, most + 1)
    reached = [mean([one.verified(n) for one in ours]) for n in counts]
    crossing = next((n for n, value in zip(counts, reached, strict=True) if value >= once["verified"]), None)
    money, seconds = (
        [mean([take(one, n) for one in ours]) for n in counts] for take in (Samples.money, Samples.longest)
    )
    found: dict[str, Any] = {"most": most, "crossing": crossing}
    if crossing is not None:
        found["crossing_usd_share"] = money[crossing - 1] / once["usd"]
        found["crossing_seconds_share"] = seconds[crossing - 1] / max(once["longest_tokens"], 1e-9)
    for what, costs, limit in (("money", money, once["usd"]), ("time", seconds, once["longest_tokens"])):
        n = max((n for n, cost in zip(counts, costs, strict=True) if cost <= limit * (1 + 1e-9)), default=0)
        found[f"equal_{what}"] = None if n == 0 else difference(ours, theirs, n)
    return found | {"verdict": said(found)}


def difference(ours: Sequence[Samples], theirs: Sequence[Samples], n: int) -> dict[str, Any]:
    """How much more often n checked samples are right than the strong one once, paired by prompt."""
    paired: Floats = np.array([a.verified(n) - b.verified(1) for a, b in zip(ours, theirs, strict=True)])
    return {
        "n": n,
        "difference": float(paired.mean()),
        "interval": interval(lambda rows: float(paired[rows].mean()), len(paired)),
    }


def said(found: Mapping[str, Any]) -> str:
    """The verdict in words."""
    if found["crossing"] is None:
        where = f"no crossing with up to {found['most']} checked samples"
    else:
        share = found["crossing_usd_share"]
        where = f"crossing at {found['crossing']} checked samples, for {share:.2f} × the money"
    return "; ".join([where, *(compared(f"the same {what}", found, what) for what in ("money", "time"))])


def compared(limit: str, found: Mapping[str, Any], what: str) -> str:
    """How the two compare within one limit."""
    told = found[f"equal_{what}"]
    if told is None:
        return f"for {limit} not even one sample"
    low, high = told["interval"]
    side = "ahead" if low > 0 else "behind" if high < 0 else "not told apart"
    most = ", all there are" if told["n"] == found["most"] else ""
    return f"for {limit} ({told['n']} samples{most}) {100 * told['difference']:+.1f} points: {side}"


def label(key: Key) -> str:
    """Model and technique."""
    return f"{key[1]} {key[2]}"


def mean(values: Sequence[float]) -> float:
    """The mean."""
    return float(np.mean(values))


def shown(cases: Sequence[Mapping[str, Any]]) -> Shown:
    """A row a pair, and each verdict below."""
    table = Shown("", "table", "weak, N times", "strong, once", "prompts", "weak once", "most N", "strong")
    for place, one in enumerate(cases, 1):
        first, last = one["rows"][0], one["rows"][-1]
        strong = f"{one['once']['verified']:.3f}" if one["strong"] else "-"
        numbers = (str(one["prompts"]), f"{first['verified']:.3f}", f"{last['verified']:.3f} ({last['n']})", strong)
        table.add_row(str(place), one["name"], one["weak"], one["strong"] or "-", *numbers)
    table.caption = "\n".join(f"{place}: {one['verdict']}" for place, one in enumerate(cases, 1))
    return table
