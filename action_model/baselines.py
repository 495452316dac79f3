"""Honest baselines: what a learned predictor has to beat. Each predicts scores (N, M) for the test grid."""

from collections.abc import Callable

import numpy as np

from action_model.features import EMBEDDING, Floats
from action_model.outcomes import Grid
from action_model.ridge import fit_ridge

Predictor = Callable[[Grid, Floats, Grid, Floats], Floats]
NEIGHBOURS = 40


def best_single(train: Grid, x: Floats, test: Grid, z: Floats) -> Floats:
    """Every prompt alike: each model's mean."""
    return np.tile(train.score.mean(axis=0), (len(test.prompts), 1))


def category_mean(train: Grid, x: Floats, test: Grid, z: Floats) -> Floats:
    """Each model's mean in the prompt's category, which this baseline alone may see."""
    overall = train.score.mean(axis=0)
    rows: dict[str, list[int]] = {}
    for i, category in enumerate(train.categories):
        rows.setdefault(category, []).append(i)
    means = {category: train.score[found].mean(axis=0) for category, found in rows.items()}
    return np.array([means.get(category, overall) for category in test.categories]).reshape(-1, len(train.models))


def nearest(train: Grid, x: Floats, test: Grid, z: Floats) -> Floats:
    """Mean over the 40 nearest training prompts by cosine of the static embedding."""
    found = np.empty((len(test.prompts), len(train.models)))
    count = min(NEIGHBOURS, len(train.prompts))
    for i, row in enumerate(z[:, :EMBEDDING]):
        similarity = x[:, :EMBEDDING] @ row
        found[i] = train.score[np.argpartition(-similarity, count - 1)[:count]].mean(axis=0)
    return found


def ridge(train: Grid, x: Floats, test: Grid, z: Floats) -> Floats:
    """Ridge on the static embedding."""
    return np.clip(fit_ridge(x[:, :EMBEDDING], train.score, 10.0).predict(z[:, :EMBEDDING]), 0.0, 1.0)


def mlp(train: Grid, x: Floats, test: Grid, z: Floats) -> Floats:
    """One hidden layer of 128 on the static embedding, all models at once, cross-entropy, weight decay, dropout."""
    import torch

    torch.manual_seed(0)
    net = torch.nn.Sequential(
        torch.nn.Linear(EMBEDDING, 128), torch.nn.GELU(), torch.nn.Dropout(0.3), torch.nn.Linear(128, len(train.models))
    )
    optimiser = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.05)
    inputs = torch.tensor(x[:, :EMBEDDING] * 16.0, dtype=torch.float32)  # (N, E)
    target = torch.tensor(train.score, dtype=torch.float32)  # (N, M)
    for _ in range(30):
        net.train()
        for rows in torch.randperm(len(inputs)).split(256):
            loss = torch.nn.functional.binary_cross_entropy_with_logits(net(inputs[rows]), target[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    net.eval()
    with torch.no_grad():
        found = torch.sigmoid(net(torch.tensor(z[:, :EMBEDDING] * 16.0, dtype=torch.float32)))
    return np.asarray(found.numpy(), dtype=np.float64)


BASELINES: dict[str, Predictor] = {
    "best_single": best_single,
    "category_mean": category_mean,
    "knn": nearest,
    "ridge": ridge,
    "mlp": mlp,
}
