"""``lakejobs source check``: what a source makes of files, in seconds and without a lake."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

from common.clock import utc_now
from common.config.lake_settings import LakeSettings
from common.errors import UsageError
from common.sources.files.inventory import InspectedFile, seen_together
from common.sources.files.locations import FileOpener, find_files
from common.sources.grammar.syntax import names_in_expression
from common.sources.mapping.extra import with_extra
from common.sources.mapping.model import Source
from deploy.feeds.findings import Findings
from deploy.feeds.mapped import MappedRow, SourceMapping
from deploy.feeds.outcome import Check
from deploy.feeds.raw.types import are_known
from deploy.feeds.records import FileRecords, inspected
from deploy.feeds.sides import print_findings
from deploy.feeds.targets import JOBS, Target, guessed_target, target_of
from deploy.feeds.verdicts import PUBLISHED, REJECTED, Verdicts
from deploy.tables.lakes import add_settings_flags, missing_package, parsed, settings_from
from deploy.tables.printing import plain

_DEFAULT_ROWS = 10_000
# Files are streamed through once for their own faults, up to this many bytes of them.
_LOOKED_THROUGH_BYTES = 512 << 20


def main(arguments: Sequence[str]) -> int:
    """Command line: ``lakejobs source check FILE --input PATH [--for JOB] [--rows N] [--spark] [-o json]``.

    Returns the exit code.
    """
    parser = argparse.ArgumentParser(prog="lakejobs source check", description="Try a source on files.")
    parser.add_argument("source", help="the source: a .yaml file, or the name of a preset")
    parser.add_argument("--input", required=True, metavar="PATH", help="a folder, a file, a pattern, or s3://...")
    parser.add_argument("--for", dest="job", metavar="JOB", help=f"{', '.join(JOBS)}; default: guessed by its columns")
    parser.add_argument("--rows", type=int, default=_DEFAULT_ROWS, metavar="N", help=f"default: {_DEFAULT_ROWS:,}")
    parser.add_argument("--spark", action="store_true", help="map the rows with Spark, as the job does")
    parser.add_argument("-o", "--output", choices=("text", "json"), default="text", help="default: text")
    add_settings_flags(parser)
    options = parsed(parser, arguments)
    if options.rows < 1:
        raise UsageError("CLI-002", f"--rows {options.rows} is not allowed.", remedy="Give a number above 0.")
    source = Source.load(options.source)
    target = target_of(options.job) if options.job else guessed_target(set(source.columns))
    settings = settings_from(options)
    found = checked(source, target, options.input, settings, rows=options.rows, with_spark=options.spark)
    if options.output == "json":
        print(json.dumps(_as_json(found), default=plain, indent=2, ensure_ascii=False))
    else:
        print_findings(found)
    return found.exit_code


def checked(
    source: Source,
    target: Target,
    location: str,
    settings: LakeSettings,
    *,
    rows: int = _DEFAULT_ROWS,
    with_spark: bool = False,
) -> Check:
    """Try a source on the files at a location.

    Raises InputMissingError SRC-007, UsageError SRC-004 and SRC-005.
    """
    source.check_columns(target.schema.names)
    # Free columns are judged and shown as any others are.
    personal = target.personal | _of_personal_fields(source, target)
    source, schema = with_extra(source, target.schema)
    target = replace(target, schema=schema, personal=personal)
    files = find_files(location, settings, source.ignore_files)
    verdicts = Verdicts(target, frozenset(source.columns), utc_now())
    check = Check(source, target, Findings(verdicts, target.personal), files)
    lacking = target.lacking(set(source.columns))
    if lacking:
        check.problems.append(f"ING-003: {target.job} needs {', '.join(lacking)}, which the source does not map.")
    good = _look_through(check, settings)
    # Elements and filters are made by Spark alone, and so are values of some types.
    is_for_spark = with_spark or source.rows_from or source.where or not are_known(source)
    read = _spark_rows if is_for_spark else _own_rows
    for row in read(check, good, settings, rows):
        check.findings.add(row)
    return check


def _of_personal_fields(source: Source, target: Target) -> set[str]:
    """The free columns that are made of a field of which a personal column is made.

    The others are shown, though the lake keeps them as personal: who checks a source has the file.
    """

    def fields(expression: str) -> set[str]:
        return {path[0].lower() for path in names_in_expression(expression)}

    hidden = {word for name in target.personal & set(source.columns) for word in fields(source.columns[name].expr)}
    return {name for name, one in source.extra.items() if fields(one.expr) & hidden}


def _look_through(check: Check, settings: LakeSettings) -> list[InspectedFile]:
    """The files that can be read, of those that were looked through; adds the others to the check."""
    opener = FileOpener(settings)
    looked: list[InspectedFile] = []
    left = _LOOKED_THROUGH_BYTES
    for file in check.files:
        if looked and file.bytes > left:
            check.unseen_files += 1
            continue
        left -= file.bytes
        looked.append(inspected(file, check.source, opener, settings))
    files = seen_together(looked, check.source)
    check.bad_files += [(file.found().name, file.reason) for file in files if file.reason]
    return [file for file in files if not file.reason]


def _spark_rows(check: Check, files: Sequence[InspectedFile], settings: LakeSettings, rows: int) -> Iterator[MappedRow]:
    from deploy.feeds.spark_rows import spark_rows

    found, check.is_all = spark_rows(files, check.source, check.target, settings, rows)
    yield from found
    seen = {name.lower() for row in found for given in row.given.values() for name, _ in given}
    raw = dict.fromkeys(name for row in found for name in row.record.values)
    check.unmapped = [name for name in raw if name.lower() not in seen]


def _own_rows(check: Check, files: Sequence[InspectedFile], settings: LakeSettings, rows: int) -> Iterator[MappedRow]:
    """The first rows of each file, as many of each as make ``rows`` together."""
    opener = FileOpener(settings)
    found = [FileRecords(file, check.source, opener) for file in files]
    columns = [name for records in found for name in records.columns]
    if not columns:
        return
    try:
        mapping = SourceMapping(check.source, check.target, columns)
    except ImportError as error:
        raise missing_package("sqlglot", "It parses the expressions of a source.") from error
    left = rows
    for place, records in enumerate(found):
        share = -(-left // (len(files) - place))
        taken = 0
        for row in islice(mapping.rows(records), share + 1):
            if taken == share:
                check.is_all = False
                break
            taken += 1
            yield row
        left -= taken
    check.needs_spark = mapping.needs_spark
    check.unmapped = [name for name in mapping.raw if name.lower() not in mapping.read]


def _as_json(check: Check) -> dict[str, object]:
    found = check.findings
    return {
        "source": check.source.name,
        "job": check.target.job,
        "files": len(check.files),
        "bad_files": [{"file": name, "reason": reason} for name, reason in check.bad_files],
        "rows": found.rows,
        "is_all": check.is_all and not check.unseen_files,
        "fates": {name: found.fates[name] for name in sorted({PUBLISHED, REJECTED, *found.fates})},
        "reasons": dict(found.reasons),
        "faults": found.faults,
        "first_rows": [
            {"line": row.record.line, "file": row.record.file, "values": _masked(row, check)} for row in found.first
        ],
        "not_mapped": check.unmapped,
        "never_filled": [name for name in check.source.columns if not found.filled[name]],
        "needs_spark": check.needs_spark,
        "problems": check.problems,
        "exit_code": check.exit_code,
    }


def _masked(row: MappedRow, check: Check) -> dict[str, object]:
    return {
        name: "***" if name in check.target.personal and value is not None else value
        for name, value in row.values.items()
    }
