"""Many texts at once, in torch, on the processor or a CUDA device: the same numbers as one by one, to 1e-4."""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from action_model.features import Floats
from action_model.fused import LEAST_TOLD, Fused

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
        topics = fused.topics
        self._topics: tuple[Any, ...] = ()
        if topics is not None:
            self._topics = tuple(place(part) for part in (topics.at, topics.weights, topics.power, topics.means))
            self._tables = _slices(topics.starts, topics.counts)
        self._groups = _slices(fused.starts, fused.counts)

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
            if self._topics:
                found += self._told(x)
            clipped = torch.clamp(found, 0.005, 0.995)
            logits = self._scale * torch.log(clipped / (1.0 - clipped)) + self._bias
        return _back(x), _back(logits)

    def _told(self, x: Any) -> Any:
        """(N, M): what the topics of all tables add."""
        at, weights, power, means = self._topics
        told = self._torch.clamp(at + x @ weights, min=LEAST_TOLD) ** power  # (N, T)
        parts = [told[:, table] / told[:, table].sum(dim=1, keepdim=True) for table in self._tables]
        return self._torch.cat(parts, dim=1) @ means

    def _placed(self, values: NDArray[Any]) -> Any:
        return self._torch.tensor(np.asarray(values), dtype=self._torch.float32, device=self._device)


def _slices(starts: NDArray[np.intp], counts: NDArray[np.intp]) -> list[slice]:
    return [slice(start, start + count) for start, count in zip(starts.tolist(), counts.tolist(), strict=True)]


def _back(tensor: Any) -> Floats:
    found: Floats = tensor.cpu().numpy().astype(np.float64)
    return found
