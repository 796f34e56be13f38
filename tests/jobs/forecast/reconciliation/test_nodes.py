"""The tasks of a reconciliation, rows to rows: what is dealt out to branches comes out as if it were one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from jobs.forecast.reconciliation.nodes import coherent_nodes
from jobs.forecast.reconciliation.params import Method, ReconcileParams

pytestmark = pytest.mark.unit

TOTAL, NORTH, EMPTY = -9, 4, 5
_ERRORS = 12


def nodes(branches: int) -> pd.DataFrame:
    """A total of three series, a north of two of them, and an aggregate whose series are forecast by nobody."""
    parents = {1: [TOTAL, NORTH], 2: [TOTAL, NORTH], 3: [TOTAL]}
    ids = [TOTAL, NORTH, EMPTY, *parents]
    random = np.random.default_rng(5)
    middle = {TOTAL: 100.0, NORTH: 50.0, EMPTY: 9.0, 1: 20.0, 2: 10.0, 3: 40.0}
    bands = [np.concatenate([middle[node] * np.arange(1, 10) / 5] * 2) for node in ids]
    return pd.DataFrame(
        {
            "unique_id": [f"n{node}" for node in ids],
            "node": ids,
            "is_series": [node in parents for node in ids],
            "branch": [node % branches for node in ids],
            "branches": branches,
            "first_step": 1,
            "freq": "W",
            "is_floored": True,
            "parents": [parents.get(node, []) for node in ids],
            "usual": 1.0,
            "spread": 1.0,
            "joint": _ERRORS,
            "y_hat": [np.array([middle[node], 2 * middle[node]]) for node in ids],
            "bands": bands,
            "error_places": [np.arange(_ERRORS)] * len(ids),
            "errors": list(random.normal(size=(len(ids), _ERRORS))),
        }
    )


def coherent(method: Method, branches: int = 1) -> pd.DataFrame:
    found = coherent_nodes(nodes(branches), ReconcileParams(method=method))
    return found.set_index(["unique_id", "step"]).sort_index()


@pytest.mark.parametrize("method", ["ols", "mint_shrink", "top_down"])
def test_three_branches_give_what_one_gives_and_sums_are_exact(method: Method) -> None:
    one, three = coherent(method), coherent(method, branches=3)
    assert (one["y_hat"] == three["y_hat"]).all()
    assert np.vstack(one["quantiles"]) == pytest.approx(np.vstack(three["quantiles"]))
    y_hat = three["y_hat"].to_dict()
    for step in (1, 2):
        first, second, third = (y_hat[f"n{node}", step] for node in (1, 2, 3))
        assert y_hat[f"n{NORTH}", step] == first + second
        assert y_hat[f"n{TOTAL}", step] == third + second + first
        assert y_hat[f"n{EMPTY}", step] == 0


def test_least_squares_by_hand_and_the_top_divided_by_hand() -> None:
    # The total lacks 30 of its series, the north 20. Multipliers: 4 u + 2 v = 30, 2 u + 3 v = 20.
    found = coherent("ols", branches=2)["y_hat"].to_dict()
    u, v = 6.25, 2.5
    assert (4 * u + 2 * v, 2 * u + 3 * v) == (30, 20)
    assert [found[f"n{node}", 1] for node in (1, 2, 3)] == pytest.approx([20 + u + v, 10 + u + v, 40 + u], abs=1e-4)
    # 100 in north and the third as 50 and 40; the north's share as 20 and 10.
    divided = coherent("top_down", branches=2)["y_hat"].to_dict()
    north = 100 * 50 / 90
    assert [divided[f"n{node}", 1] for node in (1, 2, 3)] == pytest.approx(
        [north * 2 / 3, north / 3, 100 * 40 / 90], abs=1e-4
    )


def test_without_aggregates_forecasts_stay_and_a_branch_may_have_none_above_it() -> None:
    rows = nodes(branches=1)
    alone = coherent_nodes(rows[rows["is_series"]], ReconcileParams()).set_index(["unique_id", "step"])
    assert alone["y_hat"].to_dict() == {
        (f"n{n}", step): step * y for n, y in ((1, 20), (2, 10), (3, 40)) for step in (1, 2)
    }
    # The third series belongs to nothing, and is a branch of its own.
    rows = nodes(branches=2).assign(branch=[0, 0, 1, 0, 0, 1], parents=[[], [], [], [TOTAL], [TOTAL], []])
    apart = coherent_nodes(rows, ReconcileParams(method="ols")).set_index(["unique_id", "step"])["y_hat"].to_dict()
    # The total of 100 is 70 too many, the north sums nothing: 3 u = 70.
    assert apart["n3", 1] == 40
    assert [apart[f"n{n}", 1] for n in (TOTAL, 1, 2)] == pytest.approx(
        [100 - 70 / 3, 20 + 70 / 3, 10 + 70 / 3], abs=1e-3
    )
