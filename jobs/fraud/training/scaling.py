"""Feature tables as matrices, scaled to mean 0 and standard deviation 1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Scaler:
    """Mean and population standard deviation of each feature over the training rows."""

    means: tuple[float, ...]
    deviations: tuple[float, ...]

    @classmethod
    def fitted(cls, values: Matrix) -> Scaler:
        """The scaler of these rows; a constant feature keeps its unit (deviation 1), and NaN is a missing value."""
        if np.isnan(values).any():
            return cls.of(np.nanmean(values, axis=0), np.nanstd(values, axis=0))
        return cls.of(values.mean(axis=0), values.std(axis=0))

    @classmethod
    def of(cls, means: Sequence[float] | Matrix, deviations: Sequence[float] | Matrix) -> Scaler:
        """A scaler from means and deviations; a deviation of 0 marks a constant feature."""
        return cls(tuple(float(mean) for mean in means), tuple(float(one) if one > 0 else 1.0 for one in deviations))

    def scaled(self, values: Matrix) -> Matrix:
        """``values`` less the means, over the deviations; what is missing stays NaN."""
        scaled: Matrix = (values - np.asarray(self.means)) / np.asarray(self.deviations)
        return scaled


def without_missing(scaled: Matrix) -> Matrix:
    """Scaled values with the mean of the training rows, 0, in place of what is missing: for models that know no NaN."""
    return np.where(np.isnan(scaled), 0.0, scaled)


def matrix_of(table: Any, columns: Sequence[str]) -> Matrix:
    """The columns of a pyarrow table or record batch as rows of float64."""
    parts = [np.asarray(table.column(name).to_numpy(zero_copy_only=False), dtype=float) for name in columns]
    return np.column_stack(parts) if parts else np.empty((table.num_rows, 0))
