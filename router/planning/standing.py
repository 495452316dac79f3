"""Where the candidates stand: how likely each truly satisfies the task, and which is the best."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from action_model.belief import Belief, Evidence
from router.planning.opinions import count_opinions
from router.planning.situation import Situation
from router.task import Candidate, Verdict, overall_score

SCORE_CREDIT = 0.1
"""What a perfect score of an answer that does not satisfy the task is worth, next to 1 for one that does."""

NOTHING = Evidence(1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Standing:
    """One candidate: `chance` that it truly satisfies the task, graded `score`, and `worth`, what it is judged by."""

    candidate: Candidate
    chance: float
    score: float
    worth: float
    passed: bool

    @property
    def worth_if_wrong(self) -> float:
        """What it is worth if it does not satisfy after all: the credit for its score."""
        return SCORE_CREDIT * self.score


def standings(situation: Situation) -> tuple[Standing, ...]:
    """The candidates, best first; equal ones in their order."""
    found = _polled(situation) if situation.is_poll else [_standing(situation, c) for c in situation.candidates]
    return tuple(sorted(found, key=lambda standing: -standing.worth))


def _polled(situation: Situation) -> list[Standing]:
    """Where nothing is required: by agreement if answers can be compared, by what was expected of the action if not."""
    chances = [chance_of(situation.belief, candidate, NOTHING) for candidate in situation.candidates]
    worths = chances
    if any(answer is not None for answer in situation.answers):
        support = [*count_opinions(situation).support, *(0.0 for _ in chances)]
        worths = [share + 1e-6 * chance for share, chance in zip(support, chances, strict=False)]
        chances = support[: len(chances)]
    pairs = zip(situation.candidates, chances, worths, strict=True)
    return [Standing(candidate, chance, 0.0, value, False) for candidate, chance, value in pairs]


def _standing(situation: Situation, candidate: Candidate) -> Standing:
    evidence = situation.evidence.get(candidate.id) or evidence_of(candidate.verdicts)
    chance = chance_of(situation.belief, candidate, evidence)
    score = _score(situation, candidate)
    passed = bool(candidate.verdicts) and all(verdict.passed for verdict in candidate.verdicts)
    return Standing(candidate, chance, score, worth(chance, score), passed)


def worth(chance: float, score: float) -> float:
    """Value of an answer: mainly the chance that all is satisfied, plus a small credit for a graded score."""
    return chance + (1.0 - chance) * SCORE_CREDIT * score


def evidence_of(verdicts: tuple[Verdict, ...]) -> Evidence:
    """What verdicts say where nobody put them through error rates: checks are exact, judges as sure as they claim."""
    known = [verdict for verdict in verdicts if verdict.score is not None]
    if not known:
        return NOTHING
    doubt = max(0.0 if v.source in {"check", "validator"} else 1.0 - min(max(v.confidence, 0.0), 1.0) for v in known)
    if all(verdict.passed for verdict in known):
        return Evidence(1.0 - doubt, doubt)
    failed = [v for v in known if not v.passed]
    sure = any(verdict.source in {"check", "validator"} for verdict in failed)
    return Evidence(0.0 if sure else doubt, 1.0 if sure else 1.0 - doubt)


def chance_of(belief: Belief, candidate: Candidate, evidence: Evidence) -> float:
    """P(candidate satisfies the task | its evidence), over the particles as all evidence left them."""
    true, false = _clean(evidence.given_success), _clean(evidence.given_failure)
    if true <= 0.0 or false <= 0.0:
        return 1.0 if true > false else 0.0
    prior = _prior(belief, candidate)
    odds = prior * true
    chance = float(np.dot(np.nan_to_num(belief.weights), odds / (odds + (1.0 - prior) * false)))
    return min(max(chance, 0.0), 1.0)


def _prior(belief: Belief, candidate: Candidate) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    for index, estimate in enumerate(belief.estimates):
        if estimate.action == candidate.action:
            return np.clip(np.nan_to_num(belief.success[:, index]), 1e-6, 1.0 - 1e-6)
    return np.full(len(belief.weights), 0.5)


def _clean(likelihood: float) -> float:
    return max(likelihood, 0.0) if np.isfinite(likelihood) else 0.0


def _score(situation: Situation, candidate: Candidate) -> float:
    score = overall_score(situation.requirements, candidate.verdicts)
    score = candidate.score if score is None else score
    return min(max(score, 0.0), 1.0) if score is not None and np.isfinite(score) else 0.0


def failed_kinds(situation: Situation, verdicts: Mapping[str, Verdict]) -> tuple[str, ...]:
    """The kinds of the requirements that a candidate is known to fail."""
    pairs = zip(situation.requirements, situation.kinds, strict=False)
    return tuple(kind for r, kind in pairs if r.name in verdicts and not verdicts[r.name].passed)
