"""What answers that agree or differ say of which is right, where nothing else can be checked.

Each answer is an opinion. Under particle s, action a is right with chance p_sa; right answers are all the same one, so
at most one group of equal answers is right. A wrong answer repeats an earlier wrong one with chance c_s, spread over
the wrong groups by their size, and is new otherwise. That makes the opinions one generative model (Dawid and Skene
1979, with one truth and particles for the raters), and `Poll.joint` its exact joint weights. c differs between
particles: some tasks have a trap that most fall into, and answers that agree on those are no proof.
A repeat of one action is, with chance 1 / (1 + concentration), the same answer again and says nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from action_model.belief import Belief
from router.planning.particles import Floats, clean_weights
from router.planning.situation import Coincidence, Situation

GOLDEN = 0.6180339887498949
"""Its multiples fill an interval evenly."""


@dataclass(frozen=True)
class Poll:
    """N polls of one shape. `joint` (N, S, G + 1): weight of particle s and group g being right, last: none is.

    `sizes` are the groups' sizes, the same in all N.
    """

    joint: Floats
    sizes: tuple[int, ...]

    @cached_property
    def masses(self) -> Floats:
        """(N, G + 1): the mass of each hypothesis; their sum is the chance of having come here."""
        result: Floats = np.matmul(np.ones((1, self.joint.shape[1])), self.joint)[:, 0, :]
        return result

    def best(self) -> Floats:
        """(N,): the mass on which the best group is right; 0 without opinions."""
        best: Floats = self.masses[:, :-1].max(axis=1, initial=0.0)
        return best


def coincidences(of: Coincidence, count: int) -> Floats:
    """(count,): c of each particle, its odds log-logistic about those of the centre, whatever the particle demands."""
    middle = min(max(of.centre, 1e-6), 1.0 - 1e-6)
    rank = (np.arange(1, count + 1) * GOLDEN) % 1.0  # evenly spread over any stretch of particles
    odds = middle / (1.0 - middle) * (rank / (1.0 - rank)) ** of.spread
    found: Floats = odds / (1.0 + odds)
    return found


def wrong_shares(sizes: tuple[int, ...]) -> tuple[Floats, NDArray[np.bool_]]:
    """How a repeated wrong answer falls: (G, G + 1) into group g under each hypothesis, (G + 1,) whether it may."""
    counts = np.array(sizes, dtype=float)
    wrong = counts.sum() - np.append(counts, 0.0)
    share = counts[:, None] / np.maximum(wrong, 1.0)[None, :]
    share[np.arange(len(sizes)), np.arange(len(sizes))] = 0.0
    return share, wrong > 0.0


def after_opinion(poll: Poll, chance: Floats, coincidence: Floats) -> Iterator[Poll]:
    """The polls after one more opinion, right with `chance` (N, S): it joins group 0, 1, ..., or is a new answer."""
    share, may_repeat = wrong_shares(poll.sizes)
    wrong = 1.0 - chance
    repeated = poll.joint * (wrong * coincidence)[:, :, None]
    for group, size in enumerate(poll.sizes):
        joint = repeated * share[group]
        joint[:, :, group] = poll.joint[:, :, group] * chance
        yield Poll(joint, (*poll.sizes[:group], size + 1, *poll.sizes[group + 1 :]))
    count = len(poll.sizes)
    fresh = np.empty((*poll.joint.shape[:2], count + 2))
    other = poll.joint * wrong[:, :, None] - (repeated if may_repeat.all() else repeated * may_repeat)
    fresh[:, :, :count], fresh[:, :, count + 1] = other[:, :, :-1], other[:, :, -1]
    fresh[:, :, count] = poll.joint[:, :, -1] * chance
    yield Poll(fresh, (*poll.sizes, 1))


def expected_best(poll: Poll, chances: Floats, coincidence: Floats) -> Floats:
    """(N, A): the expected mass of the best group after one opinion of each action, `chances` (S, A)."""
    share, may_repeat = wrong_shares(poll.sizes)
    count, often = chances.shape[1], coincidence[:, None]
    told = np.matmul(poll.joint.transpose(0, 2, 1), np.concatenate((chances, often * chances, often), axis=1))
    right = told[:, :, :count]  # (N, G + 1, A)
    wrong = poll.masses[:, :, None] - right
    repeated = told[:, :, -1:] - told[:, :, count:-1]
    fresh = (wrong - repeated * may_repeat[:, None])[:, :-1]
    total: Floats = np.maximum(fresh.max(axis=1, initial=0.0), right[:, -1])
    for group in range(len(poll.sizes)):
        others = (repeated[:, :-1] * share[group, :-1, None]).max(axis=1)
        total = total + np.maximum(others, right[:, group])
    return total


def first_poll(belief: Belief) -> Poll:
    """No opinion yet: all mass on "none of the answers so far is right"."""
    return Poll(clean_weights(belief.weights)[None, :, None], ())


def usable_chances(belief: Belief) -> Floats:
    """(S, A): chances of one try, fit to compute with."""
    return np.clip(np.nan_to_num(belief.chances(), nan=0.0), 1e-4, 1.0 - 1e-4)


def copy_chances(belief: Belief) -> Floats:
    """(A,): how often a repeat of an action gives the same answer again, right or wrong."""
    kappa = np.maximum(np.nan_to_num(belief.concentration, nan=0.0, posinf=np.inf), 0.0)
    return 1.0 / (1.0 + kappa)


@dataclass(frozen=True)
class Count:
    """The opinions so far: the poll, each candidate's group (None: cannot be compared), how often each action spoke."""

    poll: Poll
    groups: tuple[int | None, ...]
    spoken: Floats

    @property
    def support(self) -> tuple[float, ...]:
        """P(right) of each candidate; 0 for one that cannot be compared while others can."""
        masses = self.poll.masses[0]
        total = max(float(masses.sum()), 1e-300)
        return tuple(0.0 if group is None else float(masses[group]) / total for group in self.groups)


def count_opinions(situation: Situation) -> Count:
    """Takes in the candidates' final answers in their order."""
    belief = situation.belief
    index = {estimate.action: i for i, estimate in enumerate(belief.estimates)}
    chances, copies = usable_chances(belief), copy_chances(belief)
    coincidence = coincidences(situation.coincidence, len(chances))
    poll, names = first_poll(belief), list[str]()
    last: dict[int, int] = {}
    spoken = np.zeros(len(belief.estimates))
    groups: list[int | None] = []
    for candidate, answer in zip(situation.candidates, situation.answers, strict=False):
        action = index.get(candidate.action)
        if answer is None or action is None:
            groups.append(None)
            continue
        group = names.index(answer) if answer in names else len(names)
        children = list(after_opinion(poll, chances[:, action][None, :], coincidence))
        copied = copies[action] if action in last else 0.0
        joint = (1.0 - copied) * children[group].joint
        if last.get(action) == group:
            joint = joint + copied * poll.joint
        poll = Poll(joint / max(float(joint.sum()), 1e-300), children[group].sizes)
        names += [answer] if group == len(names) else []
        last[action] = group
        spoken[action] += 1.0
        groups.append(group)
    return Count(poll, tuple(groups), spoken)
