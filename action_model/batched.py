"""Many texts at once, in torch, on the processor or a CUDA device: the same numbers as one by one, to 1e-4."""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from action_model.features import Floats
from action_model.fused import Fused

ROWS = 2048
"""Texts at once: about 50 MB of features."""


class Batched:
    """A learnt model's logits for many texts. Its arrays lie on the device from the beginning."""

    def __init__(self, fused: Fused, device: Literal["cpu", "cuda"]) -> None:
        import torch

        self._torch = torch
        self._device = device
        self._fused = fused
        place = self._placed
        self._center, self._basis = place(fused.center), place(fused.basis)
        self._at, self._slope = place(fused.at), place(fused.slope)
        self._centers, self._norms = place(fused.centers), place(fused.norms)
        self._inverse, self._means = place(fused.inverse), place(fused.means)
        self._scale, self._bias = place(fused.scale), place(fused.bias)
        gates = [
            (place(gate.mean), place(gate.center), place(gate.weights), power, place(means))
            for gate, power, means in fused.topics
        ]
        self._topics: list[tuple[Any, Any, Any, float, Any]] = gates
        self._groups = [slice(s, s + n) for s, n in zip(fused.starts.tolist(), fused.counts.tolist(), strict=True)]

    def read(self, features: Floats) -> tuple[Floats, Floats]:
        """(N, d) projected features and (N, M) logits of features (N, F)."""
        parts = [self._read(features[start : start + ROWS]) for start in range(0, len(features), ROWS)]
        if not parts:
            return np.zeros((0, len(self._fused.center))), np.zeros((0, len(self._fused.at)))
        x, logits = (np.concatenate(some) for some in zip(*parts, strict=True))
        return x, logits

    def _read(self, features: Floats) -> tuple[Floats, Floats]:
        torch = self._torch
        with torch.no_grad():
            x = self._placed(features) @ self._basis - self._center  # (N, d)
            found = self._at + x @ self._slope  # (N, M)
            near = (2.0 * (x @ self._centers.T) - self._norms) * self._inverse  # (N, K)
            share = torch.cat([torch.softmax(near[:, group], dim=1) for group in self._groups], dim=1)
            found += share @ self._means
            for mean, center, weights, power, means in self._topics:
                told = torch.clamp(mean + (x - center) @ weights, min=1e-4) ** power  # (N, T)
                found += (told / told.sum(dim=1, keepdim=True)) @ means
            clipped = torch.clamp(found, 0.005, 0.995)
            logits = self._scale * torch.log(clipped / (1.0 - clipped)) + self._bias
        return _back(x), _back(logits)

    def _placed(self, values: NDArray[Any]) -> Any:
        return self._torch.tensor(np.asarray(values), dtype=self._torch.float32, device=self._device)


def _back(tensor: Any) -> Floats:
    found: Floats = tensor.cpu().numpy().astype(np.float64)
    return found
