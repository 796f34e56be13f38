"""``lakejobs tables``: what lies in a lake, from the logs of its tables alone."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from common.errors import JobFailedError
from common.lake.delta.commits import latest_version, read_commit
from common.lake.delta.log_files import LAYERS
from common.lake.free_columns import FreeColumn, FreeColumns
from common.report.wording import format_bytes
from deploy.tables.contracts import Contract, contracts
from deploy.tables.lakes import LookedAt, add_lake_flags, delta_library, lake_of, parsed, readable
from deploy.tables.printing import aligned

if TYPE_CHECKING:
    from deltalake import DeltaTable

_AT_ONCE = 16


@dataclass(frozen=True)
class Listed:
    """One table: rows (None where its log does not count them), bytes, files, its last change, its free columns."""

    layer: str
    name: str
    rows: int | None
    bytes: int
    files: int
    version: int
    changed: str
    operation: str
    writer: str
    note: str = ""
    extra: Sequence[FreeColumn] = ()


def main(arguments: Sequence[str]) -> int:
    """Command line: ``lakejobs tables [--lake ROOT] [-o json]``; the exit code."""
    parser = argparse.ArgumentParser(prog="lakejobs tables", description="List the Delta tables of a lake.")
    add_lake_flags(parser)
    parser.add_argument("-o", "--output", choices=("text", "json"), default="text", help="default: text")
    options = parsed(parser, arguments)
    lake = lake_of(options)
    found = listed(lake, contracts())
    if options.output == "json":
        print(json.dumps([asdict(one) for one in found], indent=2))
    elif not found:
        print(f"There is no table at {lake.objects.root}.")
    else:
        print("\n".join(_lines(found)))
    return 0


def listed(lake: LookedAt, known: dict[str, Contract]) -> list[Listed]:
    """Every table, in the order of layers and names."""
    paths = sorted(lake.paths().items(), key=lambda item: (LAYERS.index(item[1].partition("/")[0]), item[0]))
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(lambda item: _listed(lake, known.get(item[0]), *item), paths))


def _listed(lake: LookedAt, contract: Contract | None, name: str, path: str) -> Listed:
    layer = path.partition("/")[0]
    version = latest_version(lake.objects, path) or 0
    commit = read_commit(lake.objects, path, version)
    info = commit.info if commit else {}
    stamped = commit.stamp.get("job", "") if commit else ""
    moment = datetime.fromtimestamp(int(info["timestamp"]) / 1000, UTC) if "timestamp" in info else None
    writer = str(stamped or (contract.writer if contract else ""))
    rows, size, files, note = _content(lake, path)
    return Listed(
        layer=layer,
        name=name,
        rows=rows,
        bytes=size,
        files=files,
        version=version,
        changed=moment.isoformat(timespec="seconds").replace("+00:00", "Z") if moment else "",
        operation=str(info.get("operation", "")),
        writer=writer,
        note=note,
        extra=FreeColumns(lake.objects, name).all() if layer == "silver" else (),
    )


def _content(lake: LookedAt, path: str) -> tuple[int | None, int, int, str]:
    import pyarrow as pa

    try:
        table = lake.open_path(path)
        actions = pa.table(table.get_add_actions(flatten=True))
        sizes = actions.column("size_bytes").to_pylist()
        return _rows(table, path, actions.column("num_records").to_pylist()), sum(sizes), len(sizes), ""
    except JobFailedError as error:
        return None, 0, 0, error.cause


def _rows(table: DeltaTable, path: str, counts: Sequence[int | None]) -> int | None:
    """The rows of a table, None where only a look into its files would tell."""
    known = [count for count in counts if count is not None]
    if len(known) < len(counts):
        return None
    if "deletionVectors" not in (table.protocol().reader_features or ()):
        return sum(known)
    # The statistics of a file still count the rows that a deletion vector took away.
    with readable(path):
        query = delta_library().QueryBuilder().register("stored", table).execute("SELECT count(*) FROM stored")
        return int(query.read_all().column(0)[0].as_py())


def _lines(found: Sequence[Listed]) -> list[str]:
    rows = [
        [
            one.layer,
            one.name,
            "-" if one.rows is None else f"{one.rows:,}",
            format_bytes(one.bytes),
            one.changed.replace("T", " ") or "-",
            one.writer or "-",
            one.note,
        ]
        for one in found
    ]
    lines = aligned(("layer", "table", "rows", "size", "last change", "writer", ""), rows, numbers=("rows", "size"))
    return [line.rstrip() for line in [*lines, *_free_columns(found)]]


def _free_columns(found: Sequence[Listed]) -> list[str]:
    """What sources have declared beside the canonical columns."""
    rows = [
        [table.name, one.name, one.type, _expressions(one.sources), one.description]
        for table in found
        for one in table.extra
    ]
    return ["", *aligned(("table", "free column", "type", "source: expression", ""), rows)] if rows else []


def _expressions(sources: Mapping[str, str]) -> str:
    return "; ".join(f"{source}: {expression}" for source, expression in sorted(sources.items()))
