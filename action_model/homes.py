"""A model that was learnt on several tables serves, text by text, by the table whose texts are most like it."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from action_model.clusters import Clusters
from action_model.features import Floats
from action_model.learnt import Learnt
from action_model.mixture import Mixture


@dataclass(frozen=True)
class Homes:
    """`shared` are the columns of each model in several tables, (column, table's number) in the tables' order.

    A text is as near to a table as to the nearest of its groups' centres: `rows` (K, d) and `at` (K,) tell 2 c·x − |c|²
    of all of them, each table's from `starts` on. (Nearest prototype: Cover & Hart 1967.)
    """

    shared: tuple[tuple[tuple[int, int], ...], ...]
    rows: NDArray[np.float32]
    at: NDArray[np.float32]
    starts: NDArray[np.intp]

    def of(self, x: Floats) -> Mapping[int, int]:
        """For each shared model its last column → the column that serves a text of projected features (d,)."""
        if not self.shared:
            return {}
        near = np.maximum.reduceat(self.rows @ x.astype(np.float32) + self.at, self.starts)
        return {columns[-1][0]: max(columns, key=lambda entry: near[entry[1]])[0] for columns in self.shared}


def find_homes(learnt: Learnt) -> Homes:
    """The shared models of a checkpoint, and the centres of the tables that have them."""
    columns: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for table, placed in learnt.tables.items():
        if any(isinstance(view.gate, Clusters) for view in learnt.mixtures[table].clusters):
            for column in placed:
                columns[learnt.models[column].split(":", 1)[1].lower()].append((column, table))
    several = [sorted(found) for found in columns.values() if len(found) > 1]
    tables = list(dict.fromkeys(table for found in several for _, table in found))
    centers = [_centers(learnt.mixtures[table]) for table in tables]
    counts = [len(found) for found in centers]
    rows = np.concatenate([*centers, np.zeros((0, learnt.projection.basis.shape[1]))])
    return Homes(
        tuple(tuple((column, tables.index(table)) for column, table in found) for found in several),
        (2.0 * rows).astype(np.float32),
        -(rows**2).sum(axis=1).astype(np.float32),
        (np.cumsum(counts) - counts).astype(np.intp),
    )


def _centers(mixture: Mixture) -> Floats:
    """Of the view with the most groups."""
    found = [view.gate.centers for view in mixture.clusters if isinstance(view.gate, Clusters)]
    return max(found, key=len)
