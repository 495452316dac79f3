"""A model that was learnt on several tables serves, text by text, by the table whose texts are most like it."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from action_model.features import Singles
from action_model.fused import Span
from action_model.learnt import Learnt


@dataclass(frozen=True)
class Homes:
    """`shared` are the columns of each model in several tables, (column, table's number) in the tables' order.

    A text is as near to a table as to the nearest of its groups' centres, those of its view with the most: what is told
    of them lies between each two of `bounds` (V, 2), and times `temperature` (V,) tells the same of all tables.
    (Nearest prototype: Cover & Hart 1967.)
    """

    shared: tuple[tuple[tuple[int, int], ...], ...]
    bounds: NDArray[np.intp]
    temperature: Singles

    def of(self, told: Singles) -> Mapping[int, int]:
        """For each shared model its last column → the column that serves the text, from what `Fused.tell` says of
        it."""
        if not self.shared:
            return {}
        near = (np.maximum.reduceat(told, self.bounds.ravel())[::2] * self.temperature).tolist()
        return {columns[-1][0]: max(columns, key=lambda entry: near[entry[1]])[0] for columns in self.shared}


def find_homes(learnt: Learnt, widest: Mapping[str, Span]) -> Homes:
    """The shared models of a checkpoint; `widest` is each table's view with the most groups."""
    columns: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for table, placed in learnt.tables.items():
        if table in widest:
            for column in placed:
                columns[learnt.models[column].split(":", 1)[1].lower()].append((column, table))
    several = [sorted(found) for found in columns.values() if len(found) > 1]
    tables = sorted({table for found in several for _, table in found}, key=lambda table: widest[table].start)
    spans = [widest[table] for table in tables]
    return Homes(
        tuple(tuple((column, tables.index(table)) for column, table in found) for found in several),
        np.array([span[:2] for span in spans], dtype=np.intp),
        np.array([span.temperature for span in spans], dtype=np.float32),
    )
