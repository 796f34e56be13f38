"""A hierarchy in memory: its series, its aggregates, and which series each aggregate sums, as a sparse matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Numbers = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Tree:
    """``sums`` has a row for each aggregate and a column for each series: 1 where the series belongs to it.

    Values of a tree are arrays with the aggregates first, then the series, in the order of ``sums``.
    """

    sums: csr_array

    @classmethod
    def of(cls, parents: Sequence[Sequence[int]], aggregates: int) -> Tree:
        """The tree of series that belong to the aggregates with these numbers, each from 0 to ``aggregates`` - 1."""
        from scipy.sparse import csr_array

        columns = np.repeat(np.arange(len(parents)), [len(own) for own in parents])
        rows = np.fromiter((number for own in parents for number in own), np.int64, len(columns))
        ones = np.ones(len(columns))
        return cls(csr_array((ones, (rows, columns)), shape=(aggregates, len(parents))))

    @property
    def aggregates(self) -> int:
        """How many aggregates there are."""
        return int(self.sums.shape[0])

    @property
    def series(self) -> int:
        """How many series there are."""
        return int(self.sums.shape[1])

    @property
    def sizes(self) -> Numbers:
        """How many series each node sums: 1 for a series."""
        sums = np.asarray(self.sums.sum(axis=1), dtype=np.float64).ravel()
        found: Numbers = np.concatenate([sums, np.ones(self.series)])
        return found

    def summed(self, series: Numbers) -> Numbers:
        """Values of all nodes from those of the series (series x anything)."""
        sums = np.asarray(self.sums @ series, dtype=np.float64)
        found: Numbers = np.concatenate([sums, series])
        return found

    def parents(self) -> Places | None:
        """The number of the smallest aggregate above each node, -1 where there is none; None if aggregates cross.

        Of aggregates with the same series the later one is the lower.
        """
        sizes = self.sizes
        order = sorted(range(self.aggregates), key=lambda number: (-sizes[number], number))
        above = np.full(self.series, -1, dtype=np.int64)
        found = np.full(self.aggregates + self.series, -1, dtype=np.int64)
        for number in order:
            own = self.sums.indices[self.sums.indptr[number] : self.sums.indptr[number + 1]]
            if not len(own):
                continue
            if (above[own] != above[own[0]]).any():
                return None
            found[number] = above[own[0]]
            above[own] = number
        found[self.aggregates :] = above
        return found


def exactly_summed(tree: Tree, series: Numbers) -> Numbers:
    """``series`` (series x anything) with the sums of all aggregates, such that these are exact.

    Values are rounded to a power of two, 2^-16 or, for sums above 2^34, a coarser one: then no addition of them rounds,
    in whatever order they are added.
    """
    total = float(np.abs(series).sum(axis=0).max(initial=0.0))
    unit = 2.0 ** max(-16, int(np.ceil(np.log2(max(total, 1.0)))) - 50)
    return tree.summed(np.asarray(np.rint(series / unit) * unit, dtype=np.float64))
