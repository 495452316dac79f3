"""What tells topics is kept, however little of the texts' variance it is."""

import numpy as np
import pytest

from action_model.features import Floats
from action_model.projection import fit_projection
from action_model.ridge import fit_ridge
from action_model.topics import PENALTY, onehot, telling_projection, unseen_topics


def rare_words(count: int, width: int = 300) -> tuple[Floats, list[str]]:
    """Texts whose topic hangs on one small feature each, beside much that varies and says nothing."""
    random = np.random.default_rng(0)
    topics = [f"topic {i % 6}" for i in range(count)]
    features = np.concatenate([random.normal(0.0, 1.0, (count, width - 6)), 0.4 * onehot(topics)], axis=1)
    return features, topics


@pytest.mark.parametrize("count", [200, 900])
def test_topics_are_told_from_the_projected_text_as_from_all_of_it(count: int) -> None:
    features, topics = rare_words(count)
    projection = telling_projection([features], [topics])
    labels, x = onehot(topics), projection(features)
    of_all = fit_ridge(features, labels, PENALTY).predict(features)
    np.testing.assert_allclose(fit_ridge(x, labels, PENALTY).predict(x), of_all, atol=1e-6)


def test_the_principal_directions_alone_miss_what_is_rare() -> None:
    features, topics = rare_words(900)
    labels, x = onehot(topics), fit_projection(features)(features)
    gap = fit_ridge(x, labels, PENALTY).predict(x) - fit_ridge(features, labels, PENALTY).predict(features)
    assert np.abs(gap).max() > 0.05


@pytest.mark.parametrize("count", [200, 900])
def test_the_directions_are_orthonormal_and_the_same_each_time(count: int) -> None:
    features, topics = rare_words(count)
    once, again = (telling_projection([features], [topics]) for _ in range(2))
    np.testing.assert_allclose(once.basis.T @ once.basis, np.eye(once.basis.shape[1]), atol=1e-9)
    np.testing.assert_array_equal(once.basis, again.basis)


def test_two_tables_keep_what_tells_the_topics_of_each() -> None:
    features, topics = rare_words(900)
    halves = [features[:450], features[450:]]
    others = [f"{i // 4 % 3}" for i in range(450)]
    projection = telling_projection(halves, [topics[:450], others])
    for rows, some in zip(halves, (topics[:450], others), strict=True):
        x, labels = projection(rows), onehot(some)
        of_all = fit_ridge(rows, labels, PENALTY).predict(rows)
        np.testing.assert_allclose(fit_ridge(x, labels, PENALTY).predict(x), of_all, atol=1e-6)


def test_labels_that_nothing_tells_are_not_told_of_texts_that_were_not_read() -> None:
    random = np.random.default_rng(0)
    features, topics = random.normal(0.0, 1.0, (600, 400)), [f"{i}" for i in random.integers(0, 2, 600)]
    labels, fold = onehot(topics), np.arange(600) % 4
    projection = telling_projection([features], [topics])

    def right(some: list[Floats]) -> float:
        """The share of topics told of each fold by a gate fitted on the others."""
        told = np.empty_like(labels)
        for k, x in enumerate(some):
            told[fold == k] = fit_ridge(x[fold != k], labels[fold != k], PENALTY).predict(x[fold == k])
        return float((told.argmax(axis=1) == labels.argmax(axis=1)).mean())

    assert right([projection(features)] * 4) > 0.64
    assert right(unseen_topics(projection, features, topics, fold)) < 0.56
