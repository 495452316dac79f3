"""What `maestro onboard` ends with: a new model's answers against what is predicted of them, and what changes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from action_model.actions import Action, Offer, Portfolio
from action_model.belief import Estimate
from action_model.facts import Facts
from action_model.features import Floats
from action_model.learned import LearnedEstimator
from action_model.learnt import Learnt
from action_model.offline.figures import RESAMPLES, SURE, calibration_bins
from router.efforts import EFFORTS
from router.planning.situation import Tradeoff
from router.upstreams.upstream import Model
from scripts.offline.pages import Line, Page, Plot
from scripts.offline.tasks import OfflineTask


@dataclass(frozen=True, slots=True)
class Answer:
    """What an answer of the new model came to: its success, dollars and seconds."""

    success: float
    usd: float
    seconds: float


@dataclass(frozen=True)
class Newcomers:
    """Held-out tasks with the new model's answers, and what both checkpoints expect: `before` and `after` are estimates
    of all models' plain samples (tasks × models), the new one's first."""

    model: str
    labels: int
    usd: float
    answers: tuple[Answer, ...]
    before: tuple[tuple[Estimate, ...], ...]
    after: tuple[tuple[Estimate, ...], ...]

    @property
    def truth(self) -> Floats:
        """(N,): its success on the held-out tasks."""
        return np.array([answer.success for answer in self.answers])

    def predicted(self, estimates: Sequence[Sequence[Estimate]]) -> Floats:
        """(N,): what is expected of it."""
        return np.array([row[0].success for row in estimates])

    def brier(self, estimates: Sequence[Sequence[Estimate]]) -> float:
        """How wrong that is."""
        return float(((self.predicted(estimates) - self.truth) ** 2).mean())

    @property
    def surely(self) -> float:
        """The share of resamples of tasks in which the new checkpoint predicts better (bootstrap, Efron 1979)."""
        old, new = self.predicted(self.before), self.predicted(self.after)
        difference = (new - self.truth) ** 2 - (old - self.truth) ** 2
        rows = np.random.default_rng(0).integers(0, len(difference), (RESAMPLES, len(difference)))
        return float((difference[rows].mean(axis=1) < 0).mean())

    @property
    def is_promoted(self) -> bool:
        """Are there held-out answers, and does the new checkpoint predict them surely better?"""
        return bool(self.answers) and self.brier(self.after) < self.brier(self.before) and self.surely >= SURE


def estimates_of(
    learnt: Learnt, model: Model, others: Sequence[Model], tasks: Sequence[OfflineTask]
) -> tuple[tuple[Estimate, ...], ...]:
    """What a checkpoint expects of plain samples: of the new model first, then of the others."""
    estimator = LearnedEstimator(learnt)
    models = [model, *(other for other in others if other.id != model.id)]
    offers = tuple(
        Offer(Action(m.id), m.price, family=m.family or m.name, parameters_billions=m.parameters_billions)
        for m in models
    )
    facts = [Facts(task.text, task.input_tokens, requirement_kinds=task.subject.kinds) for task in tasks]
    return tuple(estimator.believe(one, Portfolio(offers)).estimates for one in facts)


def words_of(found: Newcomers) -> list[str]:
    """The report in sentences."""
    first = f"{found.model}: {found.labels} answers learnt from, {len(found.answers)} held out, ${found.usd:.6f} spent"
    if not found.answers:
        return [first, "no held-out answers: nothing says whether it predicts better (--held-out, --cap-usd)"]
    old, new = found.predicted(found.before).mean(), found.predicted(found.after).mean()
    usd, seconds = (np.mean([getattr(answer, name) for answer in found.answers]) for name in ("usd", "seconds"))
    return [
        first,
        f"held-out success {found.truth.mean():.3f} for ${usd:.6f} in {seconds:.2f} s; predicted {old:.3f} by the "
        f"checkpoint in use, {new:.3f} now",
        f"Brier score {found.brier(found.before):.4f} by the checkpoint in use, {found.brier(found.after):.4f} now "
        f"(lower is better), better in {found.surely:.0%} of resamples",
        *(_change(found, effort, point) for effort, point in EFFORTS.items()),
    ]


def _change(found: Newcomers, effort: str, point: Tradeoff) -> str:
    old, new = ([_first(row, point) for row in rows] for rows in (found.before, found.after))
    changed = sum(a.action != b.action for a, b in zip(old, new, strict=True))
    share = [np.mean([one.action.model == found.model for one in some]) for some in (old, new)]
    return (
        f"effort {effort}: {changed} of {len(new)} held-out tasks would begin with another model; {found.model} would "
        f"be first for {share[1]:.0%}, was for {share[0]:.0%}"
    )


def _first(row: Sequence[Estimate], point: Tradeoff) -> Estimate:
    return max(row, key=lambda e: e.success - point.usd * e.usd - point.seconds * e.seconds)


def page_of(found: Newcomers, lines: Sequence[str]) -> Page:
    """The same with what is expected of every model, and plots of cost, latency and calibration."""
    page = Page(f"Onboarding {found.model}")
    for line in lines:
        page.say(line)
    if not found.answers:
        return page
    rows = [_row(found, place) for place in range(len(found.after[0]))]
    page.show("Expected on the held-out tasks", rows)
    for name, title in (("usd", "dollars an answer"), ("seconds", "seconds an answer")):
        page.plots.append(Plot(f"Success against {name}", title, "success", _points(found, rows, name)))
    bins = [
        Line(word, b[:, 0].tolist(), b[:, 1].tolist(), mode="lines+markers")
        for word, some in (("in use", found.before), ("new", found.after))
        for b in (calibration_bins(found.predicted(some), found.truth),)
    ]
    ideal = Line("ideal", [0.0, 1.0], [0.0, 1.0], mode="lines")
    page.plots.append(Plot("Calibration", "predicted success", "observed success", [ideal, *bins]))
    return page


def _row(found: Newcomers, place: int) -> dict[str, Any]:
    old, new = ([row[place] for row in rows] for rows in (found.before, found.after))
    return {
        "model": new[0].action.model,
        "success in use": float(np.mean([one.success for one in old])),
        "success": float(np.mean([one.success for one in new])),
        "usd": float(np.mean([one.usd for one in new])),
        "seconds": float(np.mean([one.seconds for one in new])),
    }


def _points(found: Newcomers, rows: Sequence[Mapping[str, Any]], name: str) -> list[Line]:
    """Models as they are expected now and were before, and the new one as it was seen."""
    names = [str(row["model"]) for row in rows]
    x = [row[name] for row in rows]
    seen = float(np.mean([getattr(answer, name) for answer in found.answers]))
    return [
        Line("in use", x, [row["success in use"] for row in rows], names),
        Line("new", x, [row["success"] for row in rows], names),
        Line(f"{found.model}, observed", [seen], [float(found.truth.mean())]),
    ]
