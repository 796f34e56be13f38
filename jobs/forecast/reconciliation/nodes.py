"""One hierarchy inside a task: rows of nodes to coherent forecasts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from jobs.forecast.reconciliation.paths import FEWEST_PATHS, coherent_bands
from jobs.forecast.reconciliation.projection import Errors, projection
from jobs.forecast.reconciliation.tree import Numbers, Tree, exactly_summed
from jobs.forecast.trials.tables import QUANTILES

if TYPE_CHECKING:
    import pandas as pd

    from jobs.forecast.reconciliation.params import ReconcileParams

NODES: Final = (
    "unique_id string, is_series boolean, is_floored boolean, parents array<string>, usual double, spread double, "
    "first_step int, y_hat array<double>, bands array<double>, error_keys array<bigint>, errors array<double>"
)
"""A node and some steps of its forecast, from ``first_step`` on, the same of all nodes.

``parents`` of a series are all aggregates that it belongs to, ``usual`` its demand in a period; it ``is_floored`` if it
is never below zero. ``bands`` are the base quantiles, step by step. ``errors`` are those of the backtest; their
``error_keys`` say of which origin and step.
"""

COHERENT: Final = "unique_id string, step int, y_hat double, quantiles array<double>, calibrated_on string"

PATHS, MOVED = "joint errors", "base band, moved"


def coherent_nodes(rows: pd.DataFrame, params: ReconcileParams) -> pd.DataFrame:
    """COHERENT rows of the NODES ``rows`` of one hierarchy, for all their steps."""
    import pandas as pd

    rows = rows.sort_values(["is_series", "unique_id"], kind="stable").reset_index(drop=True)
    aggregates = int((~rows["is_series"]).sum())
    number = {name: place for place, name in enumerate(rows["unique_id"][:aggregates])}
    parents = [[number[name] for name in own if name in number] for own in rows["parents"][aggregates:]]
    tree = Tree.of(parents, aggregates)
    levels = list(QUANTILES.values())
    base = np.vstack(rows["y_hat"].to_list())
    bands = np.vstack(rows["bands"].to_list()).reshape(len(rows), base.shape[1], len(levels))
    errors = Errors(aligned(rows, params.most_paths), rows["spread"].to_numpy(dtype=np.float64))
    project = projection(params.method, tree, errors, np.nan_to_num(rows["usual"].to_numpy(np.float64)[aggregates:]))
    is_floored = rows["is_floored"].to_numpy(dtype=bool)[aggregates:] & params.nonnegative
    series = project(base)
    series[is_floored] = np.maximum(series[is_floored], 0.0)
    centre = exactly_summed(tree, series)
    whole = (bands == np.rint(bands)).all(axis=(1, 2))
    found = []
    for place in range(base.shape[1]):
        quantiles = coherent_bands(
            tree,
            project,
            centre=centre[:, place],
            base=base[:, place],
            bands=bands[:, place],
            levels=levels,
            errors=errors.values,
            is_floored=is_floored,
        )
        quantiles[whole] = np.rint(quantiles[whole])
        values = {"unique_id": rows["unique_id"], "step": rows["first_step"] + place, "y_hat": centre[:, place]}
        by = PATHS if errors.values.shape[1] >= FEWEST_PATHS else MOVED
        found.append(pd.DataFrame({**values, "quantiles": list(quantiles), "calibrated_on": by}))
    return pd.concat(found, ignore_index=True)


def aligned(rows: pd.DataFrame, most: int) -> Numbers:
    """The errors of all nodes side by side (nodes x T) for at most ``most`` keys; NaN where one is not known."""
    own = [
        _pair(keys, errors) for keys, errors in zip(rows["error_keys"].to_list(), rows["errors"].to_list(), strict=True)
    ]
    keys = np.unique(np.concatenate([keys for keys, _ in own]))
    if len(keys) > most:
        # Keys are hashes: any of them are a sample of all origins and steps.
        keys = keys[:most]
    found = np.full((len(rows), len(keys)), np.nan)
    for number, (known, errors) in enumerate(own):
        place = np.searchsorted(keys, known)
        is_kept = place < len(keys)
        is_kept[is_kept] = keys[place[is_kept]] == known[is_kept]
        found[number, place[is_kept]] = errors[is_kept]
    return found


def _pair(keys: Any, errors: Any) -> tuple[Any, Numbers]:
    if keys is None:
        return np.zeros(0, dtype=np.int64), np.zeros(0)
    return np.asarray(keys, dtype=np.int64), np.asarray(errors, dtype=np.float64)
