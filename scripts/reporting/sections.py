"""One section of the benchmark page for each kind of stored result: a table of every row, good or bad."""

from collections.abc import Callable, Mapping
from typing import Any

from scripts.reporting.learning import onboard_tables, sampling_tables
from scripts.reporting.markdown import Result, anything, bounds, number, ratio, table
from scripts.reporting.planning import efforts_tables, latency_tables, repair_tables, replay_tables, scaling_tables


def kind_of(result: Result) -> str | None:
    """Which bench wrote it; None for a file that is none of ours."""
    told = result.get("bench")
    return told if isinstance(told, str) and (told in SECTIONS or "made" in result) else None


def section(name: str, result: Result) -> str:
    """The section of one result, with how it was made."""
    kind = str(result["bench"])
    title, tables = SECTIONS.get(kind, (kind.capitalize(), anything))
    made = result.get("made", {})
    versions = ", ".join(f"{package} {found}" for package, found in made.get("versions", {}).items())
    facts = [
        f"`{made.get('command', '?')}`, {made.get('date', '?')}, commit {made.get('commit', '?')}",
        f"{made.get('machine', '?')}; {made.get('system', '?')}; {versions}",
    ]
    return "\n\n".join([f"## {title} ({name})", "  \n".join(facts), *tables(result)])


def ifeval_tables(result: Result) -> list[str]:
    """Every arm of every mode, and the paired differences."""
    found = []
    for mode in (mode for mode in ("code", "judge") if mode in result):
        one = result[mode]
        heads = ("arm", "prompts right", "95 %", "instructions", "calls", "output tokens", "usd", "seconds", "failed")
        rows = (
            (
                name,
                f"{row['prompt_accuracy']:.3f}",
                bounds(row["prompt_interval"]),
                f"{row['instruction_accuracy']:.3f}",
                f"{row['calls']:.2f}",
                f"{row['output_tokens']:.0f}",
                f"{row['usd']:.6f}",
                f"{row['seconds']:.1f}",
                row["failed"],
            )
            for name, row in one["arms"].items()
        )
        found.append(f"### {mode} mode, {one['prompts']} prompts\n\n" + table(heads, rows))
        pair_heads = ("arm", "against", "difference", "95 %, paired", "accuracy ×", "output tokens ×", "usd ×")
        pairs = (
            (
                row["arm"],
                row["against"],
                f"{row['difference']:+.3f}",
                bounds(row["interval"]),
                f"{row['accuracy_ratio']:.2f}",
                f"{row['output_token_ratio']:.2f}",
                number(row.get("usd_ratio"), 2),
            )
            for row in one["paired"]
        )
        found.append(table(pair_heads, pairs))
        found += [*kind_tables(one["arms"]), *scaling_of_arms(one["arms"])]
    return found


def kind_tables(arms: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The share of requirements met, by kind; none for a result that was made before kinds were kept."""
    kinds = sorted({kind for row in arms.values() for kind in row.get("by_kind", {})})
    rows = ((name, *(f"{row.get('by_kind', {}).get(kind, 0.0):.3f}" for kind in kinds)) for name, row in arms.items())
    return [table(("arm", *kinds), rows)] if kinds else []


def scaling_of_arms(arms: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """One model asked several times against another asked once: does the crossing appear on these models?"""
    rows = []
    for many in (name for name in arms if name.startswith("best_of_")):
        for once in (name for name in arms if name.startswith("single ")):
            if many.split(" ", 1)[1] != once.split(" ", 1)[1]:
                ours, theirs = arms[many], arms[once]
                ratios = (ratio(ours[key], theirs[key]) for key in ("usd", "output_tokens", "seconds"))
                rows.append((many, once, f"{ours['prompt_accuracy'] - theirs['prompt_accuracy']:+.3f}", *ratios))
    heads = ("many times", "against, once", "difference", "usd ×", "output tokens ×", "seconds ×")
    return ["One model asked several times against another asked once:", table(heads, rows)] if rows else []


def proxy_tables(result: Result) -> list[str]:
    """Every target of every case."""
    heads = ("case", "at once", "target", "req/s", "CPU ms", "× bare", "p50 ms", "p99 ms", "head ms", "errors")
    bare = {(r["case"], r["connections"]): r["cpu_ms"] for r in result["rows"] if r["target"] == "bare"}
    rows = (
        (
            r["case"],
            r["connections"],
            r["target"],
            f"{r['per_second']:.0f}",
            f"{r['cpu_ms']:.3f}",
            ratio(r["cpu_ms"], bare.get((r["case"], r["connections"]))),
            f"{r['p50_ms']:.2f}",
            f"{r['p99_ms']:.2f}",
            f"{r['first_ms']:.2f}",
            f"{r['errors']:.0f}",
        )
        for r in result["rows"]
    )
    return [table(heads, rows)]


SECTIONS: dict[str, tuple[str, Callable[[Result], list[str]]]] = {
    "replay": ("Planner in replay", replay_tables),
    "ifeval": ("IFEval on real models", ifeval_tables),
    "following": ("Loosely worded requirements on real texts", ifeval_tables),
    "latency": ("Deadlines, hedging and overlap", latency_tables),
    "efforts": ("Effort levels: stated against actual cost", efforts_tables),
    "scaling": ("Horizontal scaling: a weak action N times, a strong one once", scaling_tables),
    "repair": ("Expected against actual benefit, and the moment to stop", repair_tables),
    "onboard": ("A new model learnt from few labels", onboard_tables),
    "sampling": ("Active against uniform sampling", sampling_tables),
    "proxy": ("The proxy beside a bare pass-through", proxy_tables),
}
