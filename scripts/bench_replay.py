"""`maestro bench replay`: the planner that serves against fixed policies, on outcome tables; nothing is called."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table as Shown

from action_model.belief import Belief
from action_model.metrics import interval
from router.planner import Tradeoff
from scripts.replay.agreeing import fit_coincidence
from scripts.replay.beliefs import portfolio_of
from scripts.replay.fixed import (
    Played,
    answer_codes,
    best_cascade,
    best_single,
    best_trio,
    cascade,
    parallel,
    single,
    two_then_third,
    widest,
)
from scripts.replay.latent import LatentBeliefs, latent_beliefs
from scripts.replay.planned import Rules, doubtful_table, play
from scripts.replay.tables import Table, load_tables
from scripts.replay.thresholds import best_thresholds, scores_of, threshold_cascade
from scripts.reporting.console import report_console
from scripts.stamp import stamp

PARTS = ("checked", "polled")
SHARES = (0.09, 0.20, 0.48)
"""Mean cost aimed at, as a share of the best single model's."""
WIDTHS = (2, 3, 4)
"""How many models are always asked at once, whatever they cost."""
FITTED_ON = 640
HALVINGS = 8
FALSE_PASSES = 0.1
POLL_SHARES = {"zeroeval_28": 0.4, "mmlu_pro_11": 0.6, "gsm8k": 0.09}
"""Mean cost aimed at with agreement only, as a share of the best single model's."""
MOST_OPINIONS = 7
"""With agreement only, the planner also plays with so many calls instead of four."""
WAVES = Rules(max_parallel=4)
HURRIES = (0.02, 0.04, 0.08, 0.15, 0.3)
"""Worths of a second tried, in successes for the time of a typical run."""
CHEAPER = (1.0, 0.7, 0.5)
"""Shares of the worth of a dollar tried with them."""
DEARER = 1.2
QUICKER = 0.55
"""Of the p95 of seconds, with a margin to the .6 aimed at."""


@click.command()
@click.option("--data", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
@click.option("--train", "train_split", default="train", show_default=True)
@click.option("--test", "test_split", default="dev", show_default=True)
@click.option("--tables", default="zeroeval_28,mmlu_pro_11", show_default=True, help="Named, or of the folder.")
@click.option("--most", default=400, show_default=True, help="At most so many test prompts a table, evenly taken.")
@click.option("--parts", default=",".join(PARTS), show_default=True, help="With a verifier, with agreement only.")
@click.option("--json", "json_path", type=click.Path(dir_okay=False, path_type=Path))
def command(
    data: Path, train_split: str, test_split: str, tables: str, most: int, parts: str, json_path: Path | None
) -> None:
    """Exact verifier, at most four calls; one with 10 % false passes; waves against one at a time; agreement only."""
    if unknown := set(parts.split(",")) - set(PARTS):
        raise click.BadParameter(f"no part {', '.join(sorted(unknown))}", param_hint="--parts")
    found: dict[str, Any] = {}
    with Progress(console=Console(stderr=True)) as progress:
        for name in tables.split(","):
            loaded = load_tables(data, name, (train_split, test_split))
            test = evenly(loaded[test_split], most)
            step = progress.add_task(name, total=None)
            tick = partial(progress.advance, step)
            found[name] = replay(loaded[train_split], test, tick, POLL_SHARES.get(name, 0.4), parts.split(","))
    if json_path is not None:
        json_path.write_text(json.dumps({"bench": "replay", "made": stamp(), "tables": found}, indent=1), "utf-8")
    report_console().print(shown(found))


def evenly(table: Table, most: int) -> Table:
    """Every n-th prompt, so that at most `most` are left."""
    step = max(1, -(-table.count // most))
    return table.take(np.arange(0, table.count, step))


@dataclass(frozen=True)
class Field:
    """One table: policies are tuned on `train`, the planner's worths on a part of it, and played on `test`.

    `usd` is what the best single model costs a test prompt, `train_usd` what it costs a train prompt.
    """

    train: Table
    test: Table
    beliefs: LatentBeliefs
    sample: Table
    sample_beliefs: Sequence[Belief]
    usd: float
    train_usd: float
    tick: Callable[[], None]

    @staticmethod
    def of(train: Table, test: Table, tick: Callable[[], None]) -> "Field":
        """Fits the beliefs."""
        beliefs, best = latent_beliefs(train, test), best_single(train)
        fitted = np.arange(0, train.count, max(1, train.count // FITTED_ON))
        seen = [beliefs.train[i] for i in fitted.tolist()]
        usd, train_usd = (float(single(table, best).usd.mean()) for table in (test, train))
        return Field(train, test, beliefs, train.take(fitted), seen, usd, train_usd, tick)

    def fit(self, target_usd: float, rules: Rules) -> Tradeoff:
        """The worth of a dollar for a mean cost; polls take long, so that half of the prompts must do for them."""
        taken = np.arange(0, self.sample.count, 2 if rules.polls else 1)
        beliefs = [self.sample_beliefs[i] for i in taken.tolist()]
        return fit_tradeoff(self.sample.take(taken), beliefs, target_usd, rules, self.tick)

    def planned(self, tradeoff: Tradeoff, rules: Rules, rival: Played) -> dict[str, Any]:
        """The planner's figures on the test prompts, and how much more often it is right than a rival."""
        played = play(self.test, self.beliefs.test, portfolio_of(self.train), tradeoff, rules, self.tick)
        gained = played.right - rival.right
        return self.told(played) | {
            "usd_value": tradeoff.usd,
            "seconds_value": tradeoff.seconds,
            "gained": float(gained.mean()),
            "gained_interval": interval(lambda rows: float(gained[rows].mean()), len(gained)),
        }

    def told(self, played: Played) -> dict[str, Any]:
        """Figures on the test prompts."""
        return figures(played, self.usd)


def replay(
    train: Table, test: Table, tick: Callable[[], None], poll_share: float = 0.4, parts: Sequence[str] = PARTS
) -> dict[str, Any]:
    """Every policy of one table on the test prompts; each is tuned on the train prompts."""
    field = Field.of(train, test, tick)
    rows = {"best_single": field.told(single(test, best_single(train)))}
    for count in WIDTHS:
        rows[f"always_{count}"] = field.told(parallel(test, widest(train, 0.0, count)))
    for share in SHARES if "checked" in parts else ():
        named = checked_rows(field, share * field.train_usd)
        rows.update({f"{policy}@{share:g}": row for policy, row in named.items()})
    polled = polled_rows(field, poll_share * field.train_usd) if "polled" in parts else {}
    rows.update({f"{policy}@{poll_share:g}": row for policy, row in polled.items()})
    return rows


def checked_rows(field: Field, target_usd: float) -> dict[str, dict[str, Any]]:
    """With a verifier, exact or passing one wrong answer in ten, at one mean cost."""
    train, test = field.train, field.test
    order = cascade_for(doubtful_table(train), target_usd)
    tradeoff = field.fit(target_usd, Rules())
    noisy = Rules(false_pass=FALSE_PASSES, judge_usd=0.05 * field.usd, quality=0.95)
    hurried = in_a_hurry(field.sample, field.sample_beliefs, tradeoff, field.tick)
    fixed = cascade(test, cascade_for(train, target_usd))
    fixed_noisy = cascade(test, order, doubtful_table(test).passed)
    return {
        "cascade": field.told(fixed),
        "cascade_noisy": field.told(fixed_noisy),
        "parallel": field.told(parallel(test, parallel_for(train, target_usd))),
        "maestro": field.planned(tradeoff, Rules(), fixed),
        "maestro_noisy": field.planned(field.fit(target_usd, noisy), noisy, fixed_noisy),
        "maestro_waves": field.planned(hurried, WAVES, fixed),
    }


def polled_rows(field: Field, target_usd: float) -> dict[str, dict[str, Any]]:
    """Where nothing checks an answer: agreement, or what is predicted of a model."""
    train, test = field.train, field.test
    thresholds = best_thresholds(train, scores_of(field.beliefs.train), target_usd)
    polls = Rules(polls=True, coincidence=fit_coincidence(field.sample, field.sample_beliefs))
    many = replace(polls, calls=MOST_OPINIONS)
    codes, alone = answer_codes(test), single(test, best_single(train))
    return {
        "two_then_third": field.told(two_then_third(test, best_trio(train, target_usd), codes)),
        "thresholds": field.told(threshold_cascade(test, scores_of(field.beliefs.test), thresholds, codes)),
        "maestro_agreement": field.planned(field.fit(target_usd, polls), polls, alone),
        f"maestro_agreement_of_{MOST_OPINIONS}": field.planned(field.fit(target_usd, many), many, alone),
    }


def in_a_hurry(sample: Table, beliefs: Sequence[Belief], tradeoff: Tradeoff, tick: Callable[[], None]) -> Tradeoff:
    """Worths that on train bring the p95 of seconds down to `QUICKER` for at most `DEARER` times the money, hardly less
    right: the ones of the most value at the patient's worth of a dollar; where none do, the ones with the lowest p95.
    """
    portfolio = portfolio_of(sample)
    patient = play(sample, beliefs, portfolio, tradeoff, Rules(), tick)
    typical = max(float(patient.seconds.mean()), 1e-3)
    tried = [(tradeoff, patient)]
    for usd, worth in product(CHEAPER, HURRIES):
        hurried = Tradeoff(tradeoff.usd * usd, worth / typical)
        played = play(sample, beliefs, portfolio, hurried, WAVES, tick)
        if is_as_good(played, patient):
            tried.append((hurried, played))
    enough = QUICKER * p95(patient)

    def misses(entry: tuple[Tradeoff, Played]) -> tuple[float, float]:
        played = entry[1]
        return max(p95(played) - enough, 0.0), float((tradeoff.usd * played.usd - played.right).mean())

    return min(tried, key=misses)[0]


def is_as_good(played: Played, patient: Played) -> bool:
    """Is it hardly less right, and not much dearer?"""
    is_right = played.right.mean() >= patient.right.mean() - 0.01
    return bool(is_right and played.usd.mean() <= DEARER * patient.usd.mean())


def p95(played: Played) -> float:
    """Seconds that one run in twenty exceeds."""
    return float(np.quantile(played.seconds, 0.95))


def cascade_for(train: Table, target_usd: float) -> tuple[int, ...]:
    """The best fixed cascade of four whose mean cost on train is within the target."""
    return _within(train, target_usd, best_cascade, cascade)


def parallel_for(train: Table, target_usd: float) -> tuple[int, ...]:
    """The best set to ask at once whose mean cost on train is within the target; the cheapest model if none is."""
    return _within(train, target_usd, widest, parallel)


def _within(
    train: Table,
    target_usd: float,
    search: Callable[[Table, float], tuple[int, ...]],
    played: Callable[[Table, Sequence[int]], Played],
) -> tuple[int, ...]:
    best: tuple[float, tuple[int, ...]] = (-1.0, (int(train.usd.mean(axis=0).argmin()),))
    scale = 1.0 / max(float(train.usd.mean()), 1e-12)
    for value in np.logspace(-3, 2, 26) * scale:
        order = search(train, float(value))
        outcome = played(train, order)
        if outcome.usd.mean() <= target_usd and outcome.right.mean() > best[0]:
            best = (float(outcome.right.mean()), order)
    return best[1]


def fit_tradeoff(
    sample: Table,
    beliefs: Sequence[Belief],
    target_usd: float,
    rules: Rules,
    tick: Callable[[], None],
    halvings: int = HALVINGS,
) -> Tradeoff:
    """The worth of a dollar at which the mean cost is the target: bisection, as cost falls with it."""
    low, high = 1e-3 / target_usd, 1e3 / target_usd
    for _ in range(halvings):
        middle = float(np.sqrt(low * high))
        spent = play(sample, beliefs, portfolio_of(sample), Tradeoff(usd=middle), rules, tick).usd.mean()
        low, high = (middle, high) if spent > target_usd else (low, middle)
    return Tradeoff(usd=float(np.sqrt(low * high)))


def figures(played: Played, best_usd: float) -> dict[str, Any]:
    """Accuracy with its interval, cost as a share of the best single model's, calls, mean and p95 seconds."""
    return {
        "accuracy": float(played.right.mean()),
        "accuracy_interval": interval(lambda rows: float(played.right[rows].mean()), len(played.right)),
        "cost_share": float(played.usd.mean()) / best_usd,
        "calls": float(played.calls.mean()),
        "seconds": float(played.seconds.mean()),
        "p95_seconds": p95(played),
    }


def shown(found: dict[str, Any]) -> Shown:
    """A row a policy."""
    table = Shown("table", "policy", "accuracy", "95 %", "cost share", "calls", "seconds", "p95 s")
    for name, rows in found.items():
        for policy, row in rows.items():
            low, high = row["accuracy_interval"]
            numbers = (f"{row['cost_share']:.3f}", f"{row['calls']:.2f}", f"{row['seconds']:.2f}")
            said = (f"{row['accuracy']:.4f}", f"{low:.3f}-{high:.3f}", *numbers, f"{row['p95_seconds']:.2f}")
            table.add_row(name, policy, *said)
    return table
