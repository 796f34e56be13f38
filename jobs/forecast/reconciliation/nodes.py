"""The three tasks of a reconciliation, rows to rows: branches report, aggregates answer, branches move, sums are made.

No task holds all nodes: a branch has some thousand series, what joins the reports has the aggregates alone. All rows
are those of some steps of the forecast, from ``first_step`` on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from jobs.forecast.reconciliation.parts import Members, Moments, Part, joined, part_of
from jobs.forecast.reconciliation.paths import FEWEST_PATHS, around, drawn
from jobs.forecast.reconciliation.projection import Multipliers, multipliers, projected
from jobs.forecast.reconciliation.tree import Branch, Flags, Numbers, rounded
from jobs.forecast.trials.tables import QUANTILES

if TYPE_CHECKING:
    import pandas as pd

    from jobs.forecast.reconciliation.params import ReconcileParams

NODES: Final = (
    "unique_id string, node bigint, is_series boolean, branch int, branches int, first_step int, freq string, "
    "is_floored boolean, parents array<bigint>, usual double, spread double, joint int, y_hat array<double>, "
    "bands array<double>, error_places array<int>, errors array<double>"
)
"""A node and some steps of its forecast.

``node`` is its id, ``branch`` the task that it belongs to, of ``branches``. ``parents`` of a series are the ids of all
aggregates above it, from the largest to the smallest, ``usual`` is its demand in a period; it ``is_floored`` if it is
never below zero. ``bands`` are the base quantiles, step by step. ``errors`` are those of the backtest;
``error_places`` say which of ``joint`` errors they are, an origin and a step for all nodes.
"""

REPORTS: Final = (
    "branch int, first_step int, is_summary boolean, node bigint, size double, sums array<double>, "
    "shares array<double>, errors array<double>, others array<bigint>, shared array<double>, moments array<double>"
)
"""What a branch reports of an aggregate (Part), and in one row, ``is_summary``, what is of none in ``moments``."""

ANSWERS: Final = "branch int, first_step int, kind int, node bigint, values array<double>"
"""What a branch learns (Multipliers), by ``kind``: of an aggregate, the joint error number ``node``, or itself."""

MADE: Final = (
    "branch int, first_step int, unique_id string, node bigint, step int, part int, y_hat double, "
    "values array<double>, unfloored double, calibrated_on string"
)
"""Series with their quantiles (``values``); without ``unique_id`` sums over the series of a ``part`` for an aggregate.

``values`` of these are the sums of paths, ``branch`` is that of the aggregate, and ``unfloored`` how many of the series
may fall below zero.
"""

COHERENT: Final = "unique_id string, step int, y_hat double, quantiles array<double>, calibrated_on string"

PATHS, MOVED = "joint errors", "base band, moved"
_OF_NODE, _OF_ERROR, _OF_BRANCH = range(3)
_LEVELS: Final = np.array(list(QUANTILES.values()))


class _Read:
    """NODES rows of one branch, or of all aggregates, as arrays; the values of a step: its forecast, its paths."""

    def __init__(self, rows: pd.DataFrame, params: ReconcileParams) -> None:
        self.rows = rows.sort_values("node", kind="stable").reset_index(drop=True)
        count = len(rows)
        self.first_step = int(rows["first_step"].iloc[0])
        self.steps = len(rows["y_hat"].iloc[0])
        self.ids = self.rows["node"].to_numpy(dtype=np.int64)
        self.base = np.vstack(self.rows["y_hat"].to_list())
        self.bands = np.vstack(self.rows["bands"].to_list()).reshape(count, self.steps, len(_LEVELS))
        self.is_floored: Flags = self.rows["is_floored"].to_numpy(dtype=bool) & params.nonnegative
        errors = _aligned(self.rows)
        self.has_paths = errors.shape[1] >= FEWEST_PATHS
        values = self.base[:, :, None]
        if self.has_paths:
            paths = [drawn(errors, _LEVELS, self.bands[:, place]) for place in range(self.steps)]
            values = np.concatenate([values, np.stack(paths, axis=1)], axis=2)
        usual = np.nan_to_num(self.rows["usual"].to_numpy(dtype=np.float64))
        spread = np.nan_to_num(self.rows["spread"].to_numpy(dtype=np.float64))
        self.members = Members(values.reshape(count, -1), errors, spread, usual)

    def branch(self) -> Branch:
        """The branch that the rows are."""
        return Branch.of(self.rows["parents"].to_list())

    def by_step(self, values: Numbers) -> Numbers:
        """``values`` as nodes x steps x (1 + paths)."""
        return values.reshape(len(self.rows), self.steps, -1)

    def quantiles(self, place: int, centre: Numbers, paths: Numbers, floored: Flags) -> Numbers:
        """The quantiles of all rows in a step; counts stay whole numbers."""
        bands = self.bands[:, place]
        found = around(centre, self.base[:, place], bands, _LEVELS, paths if self.has_paths else None, floored)
        whole = (self.bands == np.rint(self.bands)).all(axis=(1, 2))
        found[whole] = np.rint(found[whole])
        return found


def _aligned(rows: pd.DataFrame) -> Numbers:
    """The errors of all nodes side by side (nodes x T); NaN where one is not known."""
    found = np.full((len(rows), int(rows["joint"].max())), np.nan)
    for number, (places, errors) in enumerate(zip(rows["error_places"], rows["errors"], strict=True)):
        if places is not None:
            found[number, np.asarray(places, dtype=np.int64)] = errors
    return found


def reports(rows: pd.DataFrame, params: ReconcileParams) -> pd.DataFrame:
    """REPORTS of the series of one branch, NODES ``rows``."""
    import pandas as pd

    read = _Read(rows, params)
    part = part_of(params.method, read.branch(), read.members)
    shared, moments = part.shared, part.moments
    ends = list(zip(shared.indptr, shared.indptr[1:], strict=False))
    of_nodes = pd.DataFrame(
        {
            "is_summary": False,
            "node": part.nodes,
            "size": part.sizes,
            "sums": list(part.sums),
            "shares": list(part.shares),
            "errors": list(part.errors),
            "others": [part.nodes[shared.indices[begin:end]] for begin, end in ends],
            "shared": [shared.data[begin:end] for begin, end in ends],
            "moments": [np.zeros(0)] * len(part.nodes),
        }
    )
    numbers = [len(moments.products), moments.fourth, moments.squared, part.total]
    of_none = pd.DataFrame({name: [np.zeros(0)] for name in of_nodes.columns}).assign(is_summary=True, node=0, size=0.0)
    of_none = of_none.assign(moments=list(np.concatenate([numbers, moments.products.ravel(), part.reach])[None, :]))
    found = pd.concat([of_nodes, of_none], ignore_index=True)
    return _named(found.assign(branch=int(rows["branch"].iloc[0]), first_step=read.first_step), REPORTS)


def _part(rows: pd.DataFrame) -> Part:
    """The part of a branch from its REPORTS."""
    from scipy.sparse import csr_array

    summary = rows[rows["is_summary"]]["moments"].iloc[0]
    count, fourth, squared, total = int(summary[0]), *map(float, summary[1:4])
    products, reach = summary[4 : 4 + count**2].reshape(count, count), summary[4 + count**2 :]
    own = rows[~rows["is_summary"]].sort_values("node")
    nodes = own["node"].to_numpy(dtype=np.int64)
    sums, shares, errors = (
        np.vstack(own[name].to_list()) if len(own) else np.zeros((0, 0)) for name in ("sums", "shares", "errors")
    )
    lengths = [len(others) for others in own["others"]]
    columns = np.searchsorted(nodes, np.concatenate([nodes[:0], *own["others"]]))
    entries = (np.concatenate([np.zeros(0), *own["shared"]]), (np.repeat(np.arange(len(own)), lengths), columns))
    shared = csr_array(entries, shape=(len(own), len(own)))
    sizes = own["size"].to_numpy(dtype=np.float64)
    return Part(nodes, sizes, sums, shares, errors, shared, Moments(products, fourth, squared), total, reach)


def answers(aggregates: pd.DataFrame, reported: pd.DataFrame, params: ReconcileParams) -> pd.DataFrame:
    """ANSWERS to all branches: ``aggregates`` are NODES, ``reported`` REPORTS of the same steps."""
    import pandas as pd

    if reported.empty:
        return _named(pd.DataFrame(), ANSWERS)
    parts = {int(str(branch)): _part(rows) for branch, rows in reported.groupby("branch")}
    if aggregates.empty:
        nothing = np.zeros((0, 0))
        nodes, members = np.zeros(0, dtype=np.int64), Members(nothing, nothing, np.zeros(0), np.zeros(0))
    else:
        read = _Read(aggregates, params)
        nodes, members = read.ids, read.members
    found = multipliers(params.method, members, joined(list(parts.values()), nodes))
    frames = []
    for branch, part in parts.items():
        own = np.flatnonzero(np.isin(nodes, part.nodes, assume_unique=True))
        kinds = np.repeat([_OF_NODE, _OF_ERROR, _OF_BRANCH], [len(own), len(found.by_error), 1])
        named = np.concatenate([nodes[own], np.arange(len(found.by_error)), [0]])
        values = [*found.by_node[own], *found.by_error, np.array([found.unit, float(found.is_tree)])]
        frames.append(pd.DataFrame({"branch": branch, "kind": kinds, "node": named, "values": values}))
    first_step = int(reported["first_step"].iloc[0])
    return _named(pd.concat(frames, ignore_index=True).assign(first_step=first_step), ANSWERS)


def _multipliers(rows: pd.DataFrame) -> Multipliers:
    """What one branch learned, from its ANSWERS."""
    rows = rows.sort_values(["kind", "node"])
    own, errors = rows[rows["kind"] == _OF_NODE], rows[rows["kind"] == _OF_ERROR]
    unit, is_tree = rows["values"].iloc[-1]
    by_node, by_error = (np.vstack(of["values"].to_list()) if len(of) else np.zeros((0, 0)) for of in (own, errors))
    return Multipliers(own["node"].to_numpy(dtype=np.int64), by_node, by_error, float(unit), bool(is_tree))


def moved(rows: pd.DataFrame, answered: pd.DataFrame, params: ReconcileParams) -> pd.DataFrame:
    """MADE of one branch: ``rows`` are its NODES, ``answered`` its ANSWERS."""
    import pandas as pd

    if rows.empty:
        return _named(pd.DataFrame(), MADE)
    read, found = _Read(rows, params), _multipliers(answered)
    branch, part, branches = read.branch(), int(rows["branch"].iloc[0]), int(rows["branches"].iloc[0])
    values = read.by_step(projected(params.method, branch, read.members, found))
    values = np.where(read.is_floored[:, None, None], np.maximum(values, 0.0), values)
    # A week that lies in two months is divided by its days, and so are sums of weeks: sevenths must be exact.
    sevenths = bool(params.temporal) and rows["freq"].iloc[0] == "W"
    y_hat = rounded(values[:, :, 0], found.unit * (7 if sevenths else 1))
    unfloored = branch.summed((~read.is_floored).astype(np.float64))
    frames = []
    for place in range(read.steps):
        paths, same = values[:, place, 1:], {"step": read.first_step + place, "part": part}
        own = {"branch": part, "unique_id": read.rows["unique_id"], "node": read.ids, "y_hat": y_hat[:, place]}
        quantiles = list(read.quantiles(place, y_hat[:, place], paths, read.is_floored))
        frames.append(pd.DataFrame({**own, **same, "values": quantiles, "unfloored": 0.0}))
        above = {"branch": branch.nodes % branches, "unique_id": None, "node": branch.nodes, "unfloored": unfloored}
        sums = {"y_hat": branch.summed(y_hat[:, place]), "values": list(branch.summed(paths))}
        frames.append(pd.DataFrame({**above, **sums, **same}))
    label = PATHS if read.has_paths else MOVED
    return _named(pd.concat(frames, ignore_index=True).assign(first_step=read.first_step, calibrated_on=label), MADE)


def finished(aggregates: pd.DataFrame, made: pd.DataFrame, params: ReconcileParams) -> pd.DataFrame:
    """COHERENT rows of ``aggregates`` (NODES), and of the series among the rows MADE for the same branch."""
    import pandas as pd

    is_series = made["unique_id"].notna()
    series, sums = made[is_series].rename(columns={"values": "quantiles"}), made[~is_series]
    frames = [_named(series, COHERENT)]
    if len(aggregates):
        read = _Read(aggregates, params)
        sums = sums[sums["node"].isin(read.ids)].sort_values(["step", "part"], kind="stable")
        for place in range(read.steps):
            own = sums[sums["step"] == read.first_step + place]
            at = np.searchsorted(read.ids, own["node"].to_numpy(dtype=np.int64))
            centre, unfloored = np.zeros(len(read.ids)), np.zeros(len(read.ids))
            paths = np.zeros((len(read.ids), read.members.errors.shape[1]))
            np.add.at(centre, at, own["y_hat"].to_numpy(dtype=np.float64))
            np.add.at(unfloored, at, own["unfloored"].to_numpy(dtype=np.float64))
            if read.has_paths and len(own):
                np.add.at(paths, at, np.vstack(own["values"].to_list()))
            quantiles = list(read.quantiles(place, centre, paths, unfloored == 0))
            named = {"unique_id": read.rows["unique_id"], "step": read.first_step + place, "y_hat": centre}
            label = PATHS if read.has_paths else MOVED
            frames.append(pd.DataFrame({**named, "quantiles": quantiles, "calibrated_on": label}))
    return pd.concat([frame for frame in frames if len(frame)] or frames[:1], ignore_index=True)


def _named(rows: pd.DataFrame, schema: str) -> pd.DataFrame:
    return rows.reindex(columns=[column.split()[0] for column in schema.split(", ")])


def coherent_nodes(rows: pd.DataFrame, params: ReconcileParams) -> pd.DataFrame:
    """COHERENT rows of all NODES ``rows``, the tasks one after the other: what Spark makes of few rows."""
    import pandas as pd

    found = []
    for _, of_steps in rows.groupby("first_step"):
        aggregates, series = of_steps[~of_steps["is_series"]], of_steps[of_steps["is_series"]]
        branches = dict(iter(series.groupby("branch")))
        answered = answers(aggregates, pd.concat([reports(own, params) for own in branches.values()]), params)
        made = pd.concat(
            [moved(own, answered[answered["branch"] == branch], params) for branch, own in branches.items()]
        )
        found.append(finished(aggregates, made, params))
    return pd.concat(found, ignore_index=True)
