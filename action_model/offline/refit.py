"""What real runs say of actions: their coefficients fitted again, corrected for how each outcome came to be logged.

A run tries an action because of what was predicted of it, or because another had failed before. Both are corrected:
first tries count by their inverse propensity (Horvitz & Thompson 1952; truncated: Ionides 2008), and a later try is
judged given the failures before it, which say that the task is hard (selection on what was observed is ignorable once
it is in the likelihood: Rubin 1976). A later try of an action that was tried before is left out: repeats are alike.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from action_model.features import Floats
from action_model.latent import sigmoid
from action_model.learnt import Learnt
from action_model.newcomer import Coefficients, fit_coefficients, prior_of
from action_model.offline.logged import LoggedRun, Outcome, columns_of
from action_model.onboard import shrunk_lengths, theta_prior

MOST_WEIGHT = 20.0
"""Of one outcome's inverse propensity."""
ROUNDS = 3
"""Of fitting: what earlier failures say of a task hangs on the fit itself."""
VARIANT_VARIANCE = 0.1
"""How much a variant of a model (another prompt, another temperature) may differ from its plain sample, squared."""
LABEL_PULL = 16.0
"""A model that was onboarded has its prior's variance divided by 1 + labels / this."""
LEAST_OUTCOMES = 8
"""Of a model that outcome tables taught: its own numbers say more than a few outcomes."""


@dataclass(frozen=True)
class Column:
    """What is believed of one action: `known` its coefficients, `theta` (d,) how it hangs together with others."""

    known: Coefficients
    theta: Floats

    def logits(self, demand: Floats) -> Floats:
        """(N,) at z = 0, without requirements."""
        return self.known.logits(demand)

    def chances(self, demand: Floats, hard: Floats) -> Floats:
        """(N,): chance of success of a first try, z integrated out (MacKay 1992)."""
        found: Floats = sigmoid(attenuation(float(self.theta @ self.theta)) * (self.logits(demand) - hard))
        return found


Columns = Mapping[str, Column]


def attenuation(variance: Floats | float) -> Floats:
    """What integrating over a normal of that variance does to a logit (MacKay 1992, eq. 30)."""
    found: Floats = 1.0 / np.sqrt(1.0 + np.pi * np.asarray(variance) / 8.0)
    return found


def stated(learnt: Learnt, column: str, ability: float, labels_count: bool = True) -> Column:
    """What is believed of an action before the log: as the checkpoint serves it now.

    `ability` is the logit of a model that it does not know (`prior.ability_logit`). `labels_count`: what was learnt
    from labels is kept, with the certainty that their number gives.
    """
    family = column.split(":", 1)[0]
    prior = prior_of(learnt, family)
    names = {name.lower(): i for i, name in enumerate(learnt.joined.names)}
    known = {name.split(":", 1)[1].lower(): i for i, name in enumerate(learnt.models)}
    place = names.get(column.lower(), names.get(family.lower()))
    if place is not None:
        mean = np.concatenate([[learnt.joined.bias[place]], learnt.joined.loadings[place]])
        sure = 1.0 + (float(learnt.joined.labels[place]) / LABEL_PULL if labels_count else 0.0)
        return Column(Coefficients(mean, prior.covariance / sure), learnt.joined.theta[place])
    place = known.get(column.lower(), known.get(family.lower()))
    if place is not None:
        mean = np.concatenate([[learnt.demand.center[place]], learnt.demand.loadings[place]])
        return Column(Coefficients(mean, prior.covariance), learnt.latent.theta[place])
    usual = float(np.median(learnt.latent.bias))
    bias = ability + 0.5 * (float(learnt.demand.center.mean()) - usual)
    mean = np.concatenate([[bias], 0.5 * learnt.demand.loadings.mean(axis=0)])
    return Column(Coefficients(mean, prior.covariance), theta_prior(learnt, family))


@dataclass(frozen=True)
class Rows:
    """Outcomes laid out: of which run, in which column, in which wave, with what weight."""

    run: NDArray[np.intp]
    column: Sequence[str]
    success: Floats
    weight: Floats
    wave: NDArray[np.intp]

    def of(self, column: str) -> NDArray[np.intp]:
        """Where this column's rows are."""
        return np.array([i for i, name in enumerate(self.column) if name == column], dtype=np.intp)


def rows_of(runs: Sequence[LoggedRun]) -> Rows:
    """Weights are normalised by column, so that they count for as many outcomes as they are worth (Kish 1965)."""
    run, column, success, weight, wave = [], list[str](), [], [], []
    for i, one in enumerate(runs):
        seen: dict[str, int] = {}
        for outcome in one.outcomes:
            first = seen.setdefault(outcome.column, outcome.wave)
            if outcome.wave != first:
                continue
            repeats = sum(o.column == outcome.column and o.wave == first for o in one.outcomes)
            inverse = 1.0 if outcome.wave else min(1.0 / max(outcome.propensity, 1e-6), MOST_WEIGHT)
            run.append(i)
            column.append(outcome.column)
            success.append(outcome.success)
            weight.append(inverse / repeats)
            wave.append(outcome.wave)
    rows = Rows(
        np.array(run, dtype=np.intp), column, np.array(success), np.array(weight), np.array(wave, dtype=np.intp)
    )
    for name in set(column):
        places = rows.of(name)
        some = rows.weight[places]
        rows.weight[places] = some * some.sum() / (some**2).sum()
    return rows


def refit(learnt: Learnt, runs: Sequence[LoggedRun], before: Columns, hard: Floats) -> dict[str, Column]:
    """The columns after the runs; `hard` (N,) is what each run's requirements take away. Deterministic.

    A model's plain sample first; its variants start from it.
    """
    rows, now = rows_of(runs), dict(before)
    if not len(rows.run):
        return now
    demand = np.array([run.demand for run in runs])
    order = sorted(set(rows.column), key=lambda name: (":" in name, name))
    order = [name for name in order if len(rows.of(name)) >= least_outcomes(learnt, name)]
    for _ in range(ROUNDS):
        shift, spread = _told_before(learnt, rows, now, demand, hard)
        for name in order:
            places = rows.of(name)
            at = rows.run[places]
            column = _start(before, now, name)
            known = fit_coefficients(
                column.known,
                demand[at],
                rows.success[places],
                attenuation(spread[places]),
                hard[at] - shift[places],
                rows.weight[places],
            )
            now[name] = replace(column, known=known)
    return now


def least_outcomes(learnt: Learnt, column: str) -> int:
    """From how many outcomes on an action gets numbers of its own."""
    known = {name.split(":", 1)[1].lower() for name in learnt.models}
    return LEAST_OUTCOMES if column in known or column.split(":", 1)[0] in known else 1


def _start(before: Columns, now: Columns, name: str) -> Column:
    """A variant's prior: its model's plain sample as it is known by now, and that they may differ."""
    family = name.split(":", 1)[0]
    if name == family or family not in now:
        return before[name]
    plain = now[family]
    mean = before[name].known.mean + (plain.known.mean - before[family].known.mean)
    covariance = plain.known.covariance + VARIANT_VARIANCE * np.eye(len(mean))
    return replace(before[name], known=Coefficients(mean, covariance))


def _told_before(learnt: Learnt, rows: Rows, columns: Columns, demand: Floats, hard: Floats) -> tuple[Floats, Floats]:
    """(n,), (n,): mean and variance of theta·z for each row, given what earlier waves of its run brought."""
    z = learnt.latent.particles
    shift, spread = np.zeros(len(rows.run)), np.zeros(len(rows.run))
    by_run: dict[int, list[int]] = {}
    for i, run in enumerate(rows.run.tolist()):
        by_run.setdefault(run, []).append(i)
    for run, places in by_run.items():
        for i in places:
            theta = columns[rows.column[i]].theta
            earlier = [j for j in places if rows.wave[j] < rows.wave[i]]
            if not earlier:
                spread[i] = float(theta @ theta)
                continue
            at = np.array([columns[rows.column[j]].logits(demand[[run]])[0] - hard[run] for j in earlier])
            thetas = np.array([columns[rows.column[j]].theta for j in earlier])
            p = np.clip(sigmoid(at + z @ thetas.T), 1e-6, 1 - 1e-6)
            score = rows.success[earlier]
            logs = np.log(p) @ score + np.log1p(-p) @ (1.0 - score)
            weights = np.exp(logs - logs.max())
            weights /= weights.sum()
            along = z @ theta
            shift[i] = float(weights @ along)
            spread[i] = float(weights @ (along - shift[i]) ** 2)
    return shift, spread


def grown(learnt: Learnt, runs: Sequence[LoggedRun], columns: Columns) -> Learnt:
    """The checkpoint with every column that was fitted on these runs; all else bit for bit as it was."""
    joined, rows = learnt.joined, rows_of(runs)
    for name in columns_of(runs):
        if len(rows.of(name)) < least_outcomes(learnt, name):
            continue
        seen = [(run, one) for run in runs for one in run.outcomes if one.column == name]
        column = columns[name]
        longer, spread = _lengths(learnt, seen)
        parts = (column.known.mean[0], column.known.mean[1:], column.theta, longer, spread, float(len(seen)))
        joined = joined.plus(name, tuple(np.asarray(part) for part in parts))
    return replace(learnt, joined=joined)


def _lengths(learnt: Learnt, seen: Sequence[tuple[LoggedRun, Outcome]]) -> tuple[float, float]:
    """How far log output tokens lie above the known models' mean, and their spread."""
    pairs = [(run.log_tokens, one.output_tokens) for run, one in seen if one.output_tokens and run.log_tokens > 0]
    off = np.array([math.log(tokens) - usual for usual, tokens in pairs])
    return shrunk_lengths(learnt, off)
