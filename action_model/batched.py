"""Many texts at once, in torch, on the processor or a CUDA device: the same numbers as one by one, to 1e-4."""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from action_model.features import Floats, Singles
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
        self._rows, self._at, self._power = place(fused.rows), place(fused.at), place(fused.power)
        self._means, self._scale, self._bias = place(fused.means), place(fused.scale), place(fused.bias)
        ends = [*fused.starts.tolist()[1:], len(fused.owner)]
        self._parts = [slice(start, end) for start, end in zip(fused.starts.tolist(), ends, strict=True)]

    def read(self, features: Floats) -> tuple[Singles, Floats]:
        """(N, R) what is told of features (N, F), as `Fused.tell` does it, and (N, M) logits."""
        parts = [self._read(features[start : start + ROWS]) for start in range(0, len(features), ROWS)]
        if not parts:
            return np.zeros((0, len(self._fused.at)), np.float32), np.zeros((0, len(self._fused.bias)))
        told, logits = (np.concatenate(some) for some in zip(*parts, strict=True))
        return told, logits.astype(np.float64)

    def _read(self, features: Floats) -> tuple[Singles, Singles]:
        torch, count = self._torch, len(self._means)
        with torch.no_grad():
            x = self._placed(features) @ self._basis - self._center  # (N, d)
            told = x @ self._rows.T + self._at  # (N, R)
            found = told[:, count : count + len(self._scale)] + self._shares(told) @ self._means
            clipped = torch.clamp(found, 0.005, 0.995)
            logits = self._scale * torch.log(clipped / (1.0 - clipped)) + self._bias
        return told.cpu().numpy(), logits.cpu().numpy()

    def _shares(self, told: Any) -> Any:
        """(N, K + T): how far each text belongs to each group and topic of each view."""
        near = [told[:, part].softmax(dim=1) for part in self._parts if part.stop <= self._fused.groups]
        topics = told[:, self._fused.groups : len(self._means)].clamp(min=LEAST_TOLD) ** self._power
        shares = [
            topics[:, part.start - self._fused.groups : part.stop - self._fused.groups]
            for part in self._parts
            if part.start >= self._fused.groups
        ]
        return self._torch.cat([*near, *(share / share.sum(dim=1, keepdim=True) for share in shares)], dim=1)

    def _placed(self, values: NDArray[Any]) -> Any:
        return self._torch.tensor(np.asarray(values), dtype=self._torch.float32, device=self._device)
