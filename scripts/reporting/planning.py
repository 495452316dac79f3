"""Sections on the planner: replay, latency, efforts, scaling, repair."""

from collections.abc import Mapping
from typing import Any

from scripts.reporting.markdown import Result, bounds, number, table


def replay_tables(result: Result) -> list[str]:
    """Every policy on every outcome table."""
    heads = (
        "policy",
        "accuracy",
        "95 %",
        "cost share",
        "calls",
        "mean s",
        "p95 s",
        "above the fixed cascade (best single)",
    )
    return [
        f"### {name}\n\n" + table(heads, (replay_row(policy, row) for policy, row in rows.items()))
        for name, rows in result["tables"].items()
    ]


def replay_row(policy: str, row: Mapping[str, Any]) -> tuple[str, ...]:
    """One policy."""
    figures = (row["calls"], row["seconds"], row["p95_seconds"])
    said = (f"{row['accuracy']:.4f}", bounds(row["accuracy_interval"]), number(row["cost_share"]))
    gained = f"{row['gained']:+.4f} ({bounds(row['gained_interval'])})" if "gained" in row else ""
    return (policy, *said, *(number(value, 2) for value in figures), gained)


def latency_tables(result: Result) -> list[str]:
    """Deadlines, hedging, overlap: whichever were measured."""
    found = []
    if late := result.get("deadlines"):
        heads = (
            "runs",
            "at once",
            *(f"late {name} ms" for name in late["late_ms"]),
            "over 50 ms",
            "over 100 ms",
            "ended",
        )
        ended = ", ".join(f"{how} {count}" for how, count in late["ended"].items())
        told = (
            late["runs"],
            late["parallel"],
            *late["late_ms"].values(),
            late["over_50_ms"],
            late["over_100_ms"],
            ended,
        )
        found.append("### End of a run after its budget's seconds\n\n" + table(heads, [told]))
    if hedged := result.get("hedging"):
        rows = [(name, *hedged[name]["seconds"].values(), hedged[name]["calls"]) for name in ("with", "without")]
        names = [f"{name} s" for name in hedged["with"]["seconds"]]
        found.append("### Hedging, no deadline, one answer at a time\n\n" + table(("hedges", *names, "calls"), rows))
    if over := result.get("overlap"):
        row = (over["runs"], over["mean"], over["max"])
        found.append("### A wave's time over its critical path\n\n" + table(("runs", "mean", "max"), [row]))
    return found


def efforts_tables(result: Result) -> list[str]:
    """Each level: stated, on the tasks of the fit, by halves, on tasks not seen, and on those steered by their cost."""
    heads = (
        "effort",
        "a dollar is worth",
        "stated usd",
        "there",
        "halves",
        "tasks not seen",
        "95 %",
        "beside it",
        "expected",
        "right",
        "steered",
        "right then",
    )
    rows = (
        (
            name,
            number(level["usd_value"], 2),
            f"{level['goal_usd']:.6f}",
            f"{level['train_usd']:.6f}",
            f"{level['bias']:+.1%} ± {level['spread']:.1%}",
            f"{level['held_usd']:.6f}",
            bounds(level["held_interval"], 6),
            f"{level['held_usd'] / level['goal_usd'] - 1:+.1%}",
            f"{level['shift']:+.1%}",
            number(level["right"]),
            f"{min(level['steered']):+.1%} to {max(level['steered']):+.1%}",
            number(level["steered_right"]),
        )
        for name, level in result["efforts"].items()
    )
    return [
        f"### {result['table']}: fitted on {result['tasks']} tasks, {result['held']} not seen\n\n" + table(heads, rows)
    ]


def scaling_tables(result: Result) -> list[str]:
    """Every pair: its verdict, and what N samples bring."""
    found = []
    for case in result["cases"]:
        heads = ("N", "checked", "check that errs", "majority", "usd", "tokens of the longest")
        rows = [scaling_row(str(row["n"]), row) for row in case["rows"]]
        if case["strong"]:
            rows.append(scaling_row(f"{case['strong']}, once", case["once"]))
        against = f" against {case['strong']}" if case["strong"] else ""
        title = f"### {case['name']}: {case['weak']}{against}, {case['prompts']} prompts"
        found.append(f"{title}\n\n{case['verdict'].capitalize()}.\n\n" + table(heads, rows))
    return found


def scaling_row(name: str, row: Mapping[str, Any]) -> tuple[str, ...]:
    """One number of samples."""
    shares = (number(row[key]) for key in ("verified", "doubtful", "majority"))
    return (name, *shares, f"{row['usd']:.6f}", f"{row['longest_tokens']:.0f}")


def repair_tables(result: Result) -> list[str]:
    """Expected against actual, endings and losses; thresholds; stored runs."""
    found = []
    for name, one in result.get("tables", {}).items():
        found += [expected_table(name, one["costs"]), endings_table(name, one["costs"]), thresholds_table(name, one)]
    if "runs" in result:
        heads = ("technique", "repairs", "count", "with expectation", "expected", "actual", "gain in score", "usd")
        rows = (
            (
                *(row[key] for key in ("technique", "repairs", "count", "with_expectation")),
                *(number(row[key]) for key in ("expected", "actual", "gain")),
                f"{row['usd']:.6f}",
            )
            for row in result["runs"]["actions"]
        )
        ends = result["runs"]["endings"]
        reasons = ", ".join(f"{name} {count}" for name, count in ends["reasons"].items())
        after = (
            f"{ends['runs_with_answers_after_the_chosen']} of {ends['runs']} runs began answers after the chosen one, "
        )
        after += f"for {ends['usd_after_the_chosen_share']:.1%} of all money. Ended: {reasons}."
        found.append("### Stored runs\n\n" + table(heads, rows) + "\n\n" + after)
    return found


def expected_table(name: str, costs: Mapping[str, Any]) -> str:
    """The chance given to each next wave, and what came."""
    rows = [
        (
            share,
            wave["name"],
            wave["count"],
            number(wave["expected"]),
            f"{wave['actual']:.3f} ± {1.96 * wave['error']:.3f}",
        )
        for share, row in costs.items()
        for wave in row["waves"]
    ]
    return f"### {name}: the next wave\n\n" + table(("cost aimed at", "wave", "count", "expected", "actual"), rows)


def endings_table(name: str, costs: Mapping[str, Any]) -> str:
    """When it stopped, against one who knows the table, and what that cost in satisfied tasks."""
    kinds = ("right", "too early", "out of calls", "too late")
    losses = ("missed", "spent_in_vain", "detour")
    rows = [
        (share, *(row["endings"].get(kind, 0) for kind in kinds), *(number(row["losses"][loss]) for loss in losses))
        for share, row in costs.items()
    ]
    heads = ("cost aimed at", *kinds, *(f"lost: {loss.replace('_', ' ')}" for loss in losses))
    return f"### {name}: stops against hindsight\n\n" + table(heads, rows)


def thresholds_table(name: str, one: Mapping[str, Any]) -> str:
    """Quality thresholds under a check that errs."""
    rows = [
        (row["quality"], f"{row['reached']} of {row['tasks']}", number(row["predicted"]), number(row["actual"]))
        for row in one["thresholds"]
    ]
    return f"### {name}: quality thresholds\n\n" + table(("threshold", "reached", "predicted", "actual"), rows)
