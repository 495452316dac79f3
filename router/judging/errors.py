"""How often a judge is right: P(what it claims | the truth), from counts of labelled verdicts. Pure.

Claims are sorted into bins. The counts of one judge over all kinds of requirements stand on a prior (Dirichlet, as
strong as `STRENGTH` labels of each truth), and the counts of one kind on those of the judge. The odds of the bins are
made to rise with the claim (pool adjacent violators, Ayer et al. 1955), so that few labels cannot turn a claim around.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from action_model.belief import Evidence

EDGES = (0.05, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999)
"""A claim P(satisfied) belongs to the bin after the last edge that it reaches."""
MIDDLE = 4
"""The first bin that says rather yes."""
UNFOUNDED = 3
"""The bin of a yes whose quotation is not in the answer."""
STRENGTH = 10.0
PRIOR_TRUE_PASS, PRIOR_FALSE_PASS = 0.9, 0.2
LEAST_LABELS = 20.0
"""Labels of each truth before another threshold than one half is taken."""
LEAST_GAIN = 0.05
"""What another threshold must gain in P(pass | satisfied) - P(pass | not) (Youden 1950)."""

Shares = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Counts:
    """Labelled verdicts by bin, of answers that truly satisfied a requirement and of those that did not."""

    satisfied: Shares = (0.0,) * (len(EDGES) + 1)
    broken: Shares = (0.0,) * (len(EDGES) + 1)

    def plus(self, place: int, truth: bool, count: float = 1.0) -> "Counts":
        """With more labels in one bin."""
        rows = [list(self.broken), list(self.satisfied)]
        rows[truth][place] += count
        return Counts(tuple(rows[1]), tuple(rows[0]))

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(_sum(self.satisfied, other.satisfied), _sum(self.broken, other.broken))


@dataclass(frozen=True, slots=True)
class JudgeErrors:
    """One judge on one kind. `given_true[b]` is P(claim in bin b | satisfied), `given_false` the same if it is not.

    `seen[b]` are these two of the block of bins that b is pooled with. A claim passes from bin `threshold` on.
    """

    given_true: Shares
    given_false: Shares
    seen: tuple[tuple[float, float], ...]
    threshold: int = MIDDLE

    @property
    def true_pass(self) -> float:
        """P(passes | truly satisfied)."""
        return sum(self.given_true[self.threshold :])

    @property
    def false_pass(self) -> float:
        """P(passes | not satisfied)."""
        return sum(self.given_false[self.threshold :])

    def passes(self, claimed: float) -> bool:
        """Is a claim a pass?"""
        return bin_of(claimed) >= self.threshold

    def evidence(self, claimed: float) -> Evidence:
        """How likely such a claim is of an answer that satisfies the requirement, and of one that does not."""
        return Evidence(*self.seen[bin_of(claimed)])


def bin_of(claimed: float) -> int:
    """The bin of P(satisfied) as a judge claims it."""
    return bisect_right(EDGES, claimed)


def prior_shares(passing: float) -> Shares:
    """Bins of a judge nobody has measured: it passes with that chance, and how sure it is says nothing yet."""
    above = len(EDGES) + 1 - MIDDLE
    return (*((1.0 - passing) / MIDDLE,) * MIDDLE, *(passing / above,) * above)


def errors_of(judge: Counts, kind: Counts) -> JudgeErrors:
    """From the labels of a judge of all kinds (the one included), and of one kind."""
    whole = (
        _posterior(judge.satisfied, prior_shares(PRIOR_TRUE_PASS)),
        _posterior(judge.broken, prior_shares(PRIOR_FALSE_PASS)),
    )
    given_true, given_false = (_posterior(kind.satisfied, whole[0]), _posterior(kind.broken, whole[1]))
    fewest = min(sum(judge.satisfied), sum(judge.broken))
    threshold = _threshold(given_true, given_false) if fewest >= LEAST_LABELS else MIDDLE
    return JudgeErrors(given_true, given_false, _rising(given_true, given_false), threshold)


def together(words: Sequence[tuple[JudgeErrors, float]], others: int, unknown: int) -> Evidence:
    """What claims on several requirements say of the whole answer: all hold, or one of them, any one, does not.

    `others` requirements were seen to hold by exact checks; of `unknown` nothing was seen.
    """
    seen = [errors.evidence(claimed) for errors, claimed in words]
    return _together(seen, others, unknown)


def channel_of(errors: Sequence[JudgeErrors], others: int) -> Evidence:
    """P(all pass | all hold) and P(all pass | one, any one, does not), before anything is seen."""
    return _together([Evidence(one.true_pass, one.false_pass) for one in errors], others, 0)


def _together(seen: Sequence[Evidence], others: int, unknown: int) -> Evidence:
    all_hold = 1.0
    for one in seen:
        all_hold *= one.given_success
    broken = [_product(seen, place) for place in range(len(seen))]
    count = len(seen) + others + unknown
    return Evidence(all_hold, (sum(broken) + unknown * all_hold) / max(count, 1))


def _product(seen: Sequence[Evidence], broken: int) -> float:
    result = 1.0
    for place, one in enumerate(seen):
        result *= one.given_failure if place == broken else one.given_success
    return result


def _posterior(counts: Shares, prior: Shares) -> Shares:
    total = sum(counts) + STRENGTH
    return tuple((count + STRENGTH * share) / total for count, share in zip(counts, prior, strict=True))


def _rising(given_true: Shares, given_false: Shares) -> tuple[tuple[float, float], ...]:
    """For each bin the mean masses of its block: neighbours are pooled until the odds never fall from bin to bin."""
    blocks: list[tuple[float, float, int]] = []
    for true, false in zip(given_true, given_false, strict=True):
        block = (true, false, 1)
        while blocks and blocks[-1][0] * block[1] > block[0] * blocks[-1][1]:
            before = blocks.pop()
            block = (before[0] + block[0], before[1] + block[1], before[2] + block[2])
        blocks.append(block)
    return tuple((true / size, false / size) for true, false, size in blocks for _ in range(size))


def _threshold(given_true: Shares, given_false: Shares) -> int:
    """One half, unless another gains: a higher one, or one that lets a yes pass whatever it quotes."""

    def gain(threshold: int) -> float:
        return sum(given_true[threshold:]) - sum(given_false[threshold:])

    best = max((MIDDLE, UNFOUNDED, *range(MIDDLE + 1, len(EDGES) + 1)), key=gain)
    return best if gain(best) >= gain(MIDDLE) + LEAST_GAIN else MIDDLE


def _sum(first: Shares, second: Shares) -> Shares:
    return tuple(a + b for a, b in zip(first, second, strict=True))
