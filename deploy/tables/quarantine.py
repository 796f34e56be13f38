"""``lakejobs quarantine show JOB``: what a job rejected, where it stands in which file, and why."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from common.errors import UsageError
from common.report.wording import plural
from deploy.package.entries import entry_of
from deploy.tables.lakes import add_lake_flags, delta_library, lake_of, parsed, readable
from deploy.tables.masking import masked_text
from deploy.tables.printing import aligned, print_rows, text_of
from deploy.tables.reasons import kind_of, why
from deploy.tables.sent import Place, Sent, sent_records

_DEFAULT_LIMIT = 20
_SHOWN = ("file", "line", "column", "text", "reason")
_STORED = ("source_file", "source_line", "source_sha256", "reasons", "row_json", "run_id", "batch_id")


def main(arguments: Sequence[str]) -> int:
    """Command line: ``lakejobs quarantine show JOB [--reason CODE] [--limit N] [-o text|json|csv]``; the exit code."""
    parser = argparse.ArgumentParser(prog="lakejobs quarantine", description="Print the rows that a job rejected.")
    parser.add_argument("action", choices=("show",), help="show")
    parser.add_argument("job", help="e.g. fraud.ingest")
    add_lake_flags(parser)
    parser.add_argument("--reason", default="", metavar="CODE", help="only rows with this reason, e.g. SRC-301")
    parser.add_argument("--limit", type=int, default=_DEFAULT_LIMIT, metavar="N", help="rows; default: 20")
    parser.add_argument("-o", "--output", choices=("text", "json", "csv"), default="text", help="default: text")
    options = parsed(parser, arguments)
    if options.limit < 1:
        raise UsageError("CLI-002", f"--limit {options.limit} is not allowed.", remedy="Give a number above 0.")
    family, _, verb = entry_of(options.job).name.partition(".")
    name = f"{family}.quarantine_{verb}"
    lake = lake_of(options)
    if name not in lake.paths():
        print(f"{options.job} has rejected nothing in this lake: there is no table {name}.", file=sys.stderr)
        return 0
    table = lake.open(name)
    wanted = (row for row in _rejected(table, name) if why(row["reasons"] or ()).first.startswith(options.reason))
    picked = list(islice(wanted, options.limit))
    shown = list(explained(picked, sent_records(lake, options.job, picked)))
    if options.output == "text":
        _print_text(shown)
    else:
        columns = (*_SHOWN, "other_reasons", "path", "run_id")
        print_rows(shown, columns, options.output)
    # The summary counts every rejected row, shown or not; only the reasons are read again.
    counted = _summary(explained(_rejected(table, name, ("source_file", "source_line", "reasons"))))
    print("\n".join(_summary_lines(counted)), file=sys.stdout if options.output == "text" else sys.stderr)
    return 0


def _rejected(table: Any, name: str, wanted: Sequence[str] = _STORED) -> Iterator[dict[str, Any]]:
    """The rejected rows, those of later runs first; a line that several runs rejected counts once."""
    import pyarrow as pa

    there = [field.name for field in table.schema().fields]
    columns = [column for column in wanted if column in there]
    picked = ", ".join(columns)
    rows = f"SELECT {picked}, quarantined_at, 1 AS nth FROM rejected"
    if "source_line" in there:
        same = "source_file, source_line" + (", source_sha256" if "source_sha256" in there else "")
        # Rows without a line number cannot be told apart by place.
        nth = f"row_number() OVER (PARTITION BY {same} ORDER BY quarantined_at DESC)"
        rows = (
            f"SELECT {picked}, quarantined_at, CASE WHEN source_line IS NULL THEN 1 ELSE {nth} END AS nth FROM rejected"
        )
    order = "quarantined_at DESC, source_file" + (", source_line" if "source_line" in there else "")
    query = f"SELECT {picked} FROM ({rows}) AS r WHERE nth = 1 ORDER BY {order}"
    with readable(name):
        for batch in delta_library().QueryBuilder().register("rejected", table).execute(query):
            yield from pa.record_batch(batch).to_pylist()


def explained(rows: Iterable[Mapping[str, Any]], sent: Mapping[Place, Sent] | None = None) -> Iterator[dict[str, Any]]:
    """Stored rows as ``file, line, column, text, reason, other_reasons, path, run_id``.

    ``text`` is what was sent for the column, or for all of them where the reason is about none; of a row that is not
    among ``sent``, what the quarantine keeps of it. Personal fields are hidden, and so are email addresses, IP
    addresses and card numbers.
    """
    for row in rows:
        found = why(row["reasons"] or ())
        path = row.get("source_file") or ""
        record = (sent or {}).get((row.get("source_sha256") or "", row.get("source_line") or 0))
        mapped = record.mapping if record else {}
        columns = tuple(name for name in found.columns if name in mapped) or found.columns
        text = record.text_for(columns) if record else masked_text(_text(row, columns))
        yield {
            "file": path.rpartition("/")[2] or None,
            "line": row.get("source_line"),
            "column": ", ".join(columns) or None,
            "text": text or None,
            "reason": found.first,
            "other_reasons": list(found.others),
            "path": path or None,
            "run_id": row.get("run_id"),
        }


def _text(row: Mapping[str, Any], columns: Sequence[str]) -> str:
    try:
        values = json.loads(row.get("row_json") or "{}")
    except ValueError:
        return str(row.get("row_json"))
    if not isinstance(values, dict):
        return text_of(values)
    given = {name: value for name, value in values.items() if value is not None}
    about = {name: given[name] for name in columns if name in given}
    return ", ".join(f"{name}={text_of(value)}" for name, value in (about or given).items())


def _print_text(shown: Sequence[Mapping[str, Any]]) -> None:
    if not shown:
        print("No rows.")
        return
    rows = [[text_of(row[name]) for name in _SHOWN] for row in shown]
    print("\n".join(aligned(_SHOWN, rows, numbers=("line",))))


def _summary(rows: Iterable[Mapping[str, Any]]) -> list[tuple[str, int, str]]:
    """Reason, rows that have it as their first, and where one of them stands; the most frequent first."""
    counts: Counter[str] = Counter()
    places: dict[str, str] = {}
    for row in rows:
        kind = kind_of(row["reason"])
        counts[kind] += 1
        places.setdefault(kind, f"{row['file'] or '-'}:{row['line'] or '-'}")
    return [(kind, count, places[kind]) for kind, count in counts.most_common()]


def _summary_lines(counted: Sequence[tuple[str, int, str]]) -> list[str]:
    total = sum(count for _, count, _ in counted)
    rows = [[f"{count:,}", f"{count / total:.1%}", kind, place] for kind, count, place in counted]
    columns = ("rows", "share", "reason", "for example")
    heading = f"{plural(total, 'rejected row')} by first reason:"
    return ["", heading, *aligned(columns, rows, numbers=("rows", "share"))]
