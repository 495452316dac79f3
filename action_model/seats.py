"""Where the actions of a portfolio stand among a checkpoint's models: the same for every text."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from action_model.actions import Portfolio
from action_model.features import Floats


class Seats(NamedTuple):
    """Of each action of `portfolio`, its column among the models (-1: not known), what is added to that column's logit,
    its name, and how far its logit lies apart under each particle (S, A)."""

    portfolio: Portfolio
    columns: tuple[int, ...]
    places: NDArray[np.intp]
    added: Floats
    names: tuple[str, ...]
    apart: Floats

    def moved(self, homes: Mapping[int, int], particles: Floats, thetas: Floats) -> "Seats":
        """Those of a text that the columns in `homes` serve in place of others."""
        columns = tuple(homes.get(column, column) for column in self.columns) if homes else self.columns
        if columns == self.columns:
            return self
        return seated(self.portfolio, columns, self.added, particles, thetas)


def seated(
    portfolio: Portfolio, columns: Sequence[int], added: Sequence[float] | Floats, particles: Floats, thetas: Floats
) -> Seats:
    """Seats of these columns; `thetas` (M + 1, d) are of the models, the last of one that is not known."""
    places = np.array(columns, dtype=np.intp)
    names = tuple(offer.action.name for offer in portfolio.offers)
    return Seats(portfolio, tuple(columns), places, np.asarray(added), names, particles @ thetas[places].T)
