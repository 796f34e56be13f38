"""A branch of a hierarchy in memory: some of the series, and which of them each aggregate above them sums."""

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
class Branch:
    """``sums`` has a row for each of ``nodes``, a column for each series: 1 where the series belongs to the aggregate.

    ``nodes`` are the ids of the aggregates, rising. ``largest`` and ``smallest`` say of each series which of ``nodes``
    is the largest and which the smallest aggregate above it, by place; -1 where there is none.
    """

    nodes: Places
    sums: csr_array
    largest: Places
    smallest: Places

    @classmethod
    def of(cls, parents: Sequence[Sequence[int]]) -> Branch:
        """The branch of series with these aggregates above them, each from the largest to the smallest."""
        from scipy.sparse import csr_array

        counts = np.fromiter((len(own) for own in parents), np.int64, len(parents))
        above = np.fromiter((node for own in parents for node in own), np.int64, int(counts.sum()))
        nodes, places = np.unique(above, return_inverse=True)
        columns = np.repeat(np.arange(len(parents)), counts)
        sums = csr_array((np.ones(len(above)), (places, columns)), shape=(len(nodes), len(parents)))
        ends = np.cumsum(counts)
        largest, smallest = np.full(len(parents), -1, dtype=np.int64), np.full(len(parents), -1, dtype=np.int64)
        largest[counts > 0] = places[(ends - counts)[counts > 0]]
        smallest[counts > 0] = places[ends[counts > 0] - 1]
        return cls(nodes, sums, largest, smallest)

    @property
    def series(self) -> int:
        """How many series there are."""
        return int(self.sums.shape[1])

    def summed(self, series: Numbers) -> Numbers:
        """The values of ``nodes`` from those of the series (series x anything)."""
        return np.asarray(self.sums @ series, dtype=np.float64)


def unit_of(total: float) -> float:
    """A power of two of which values are made multiples, so that no sum of them rounds, in whatever order.

    2^-16 or, where absolute values may sum to a ``total`` above 2^34, a coarser one.
    """
    return float(2.0 ** max(-16, int(np.ceil(np.log2(max(total, 1.0)))) - 50))


def rounded(series: Numbers, unit: float) -> Numbers:
    """``series`` as multiples of ``unit``."""
    return np.asarray(np.rint(series / unit) * unit, dtype=np.float64)
