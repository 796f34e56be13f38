"""``lakejobs unload TABLE --to redshift|dynamodb --output DIR``: rows of a table as files that another store loads."""

from __future__ import annotations

import argparse
import json
import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from common.causes import cause_of
from common.errors import JobFailedError, UsageError
from deploy.tables.contracts import Contract, contracts
from deploy.tables.lakes import add_lake_flags, lake_of, parsed
from deploy.tables.show import columns_of
from deploy.unload.folder import Folder

_PLACE = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])((?:/[^\s/'\"\\]+)*)/?")
_UNKNOWN_PLACE = "s3://BUCKET/PREFIX"
_ROLE = re.compile(r"default|arn:aws[a-zA-Z0-9-]*:iam::\d{12}:role/[\w+=,.@/-]+")


def main(words: Sequence[str]) -> int:
    """Command line of ``lakejobs unload``; the exit code. Reads without a JVM, and sends nothing anywhere."""
    options = _options(words)
    lake = lake_of(options)
    table = lake.open(options.table)
    there = [field.name for field in table.schema().fields]
    columns = list(dict.fromkeys(columns_of(options.columns, there, options.table)))
    contract = contracts().get(options.table)
    from deploy.unload.rows import Outgoing

    hides = contract is not None and not options.clear
    outgoing = Outgoing(
        table,
        options.table,
        columns,
        options.where,
        contract.personal & set(columns) if contract and hides else frozenset(),
        bool(contract and contract.has_pseudonyms),
    )
    folder = Folder(options.output, options.table, options.to)
    try:
        if options.to == "redshift":
            facts, said = _to_redshift(outgoing, folder, options)
        else:
            facts, said = _to_dynamodb(outgoing, folder, options, contract)
        facts = {**facts, "table_version": table.version(), "masked": sorted(outgoing.masked)}
        folder.end(facts)
    except OSError as error:
        raise JobFailedError(
            "UNL-006",
            f"The folder {options.output} could not be written.",
            cause=cause_of(error),
            remedy="Make room, or give another --output; the same command replaces what is there.",
        ) from error
    notes = _notes(outgoing, contract, options)
    if options.format == "json":
        print(json.dumps({"table": options.table, "to": options.to, **facts, "notes": notes}, indent=2))
        return 0
    print("\n".join(said))
    for note in notes:
        print(note, file=sys.stderr)
    return 0


def _options(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="lakejobs unload",
        description="Write rows of a table as files that Redshift or DynamoDB loads. Nothing is sent anywhere.",
        epilog="lakejobs unload fraud.scores --to dynamodb --output scores --columns transaction_id,score,decision "
        "--where \"decision = 'block'\" --key transaction_id",
    )
    add = parser.add_argument
    add("table", help="<family>.<table>, as `lakejobs tables` lists it")
    add("--to", required=True, choices=("redshift", "dynamodb"))
    add("--output", required=True, type=Path, metavar="DIR", help="a folder that is new, empty, or of the same unload")
    add_lake_flags(parser)
    add("--where", default="", metavar="SQL", help="a condition, as for `lakejobs show`")
    add("--columns", default="", metavar="A,B", help="only these columns, in this order")
    add("--clear", action="store_true", help="write personal columns as they are stored")
    add("--s3", default="", metavar="URL", help=f"where the folder will lie on S3 (default: {_UNKNOWN_PLACE})")
    add("--iam-role", default="default", metavar="ARN", help="redshift: role of COPY, or default")
    add("--file-mb", type=int, default=128, metavar="MB", help="redshift: size of a file (128)")
    add("--rewrite", action="store_true", help="redshift: never point at the lake's own files")
    add("--key", default="", metavar="A[,B]", help="dynamodb: partition key and sort key (default: the table's key)")
    add("--sets", default="", metavar="A,B", help="dynamodb: arrays that are sets")
    add("-o", "--format", choices=("text", "json"), default="text", help="json: for programs, on standard output")
    options = parsed(parser, words)
    wrong = ""
    if options.s3 and not _PLACE.fullmatch(options.s3):
        wrong = f"--s3 '{options.s3}' is not s3://bucket/prefix"
    elif not _ROLE.fullmatch(options.iam_role):
        wrong = "--iam-role is neither 'default' nor the ARN of a role"
    elif not 1 <= options.file_mb <= 1_024:
        wrong = "--file-mb is 1 to 1,024"
    elif options.to == "redshift" and (options.key or options.sets):
        wrong = "--key and --sets are for dynamodb"
    if wrong:
        raise UsageError("CLI-002", f"The command line is wrong: {wrong}.", remedy="See `lakejobs unload --help`.")
    return options


def _to_redshift(outgoing: Any, folder: Folder, options: argparse.Namespace) -> tuple[dict[str, Any], list[str]]:
    from deploy.unload.lake_files import LakeFiles, lake_files
    from deploy.unload.parquet_files import write_parquet
    from deploy.unload.redshift import check_names, load_statements, manifest_of, redshift_type
    from deploy.unload.rows import check_count

    schema, place = outgoing.schema(), _place(options)
    check_names(schema.names)
    for one in schema:
        redshift_type(one.type)
    rows = outgoing.count()
    own = LakeFiles(reason="--rewrite is given") if options.rewrite else lake_files(outgoing)
    folder.begin()
    if own.reason:
        written = write_parquet(outgoing, folder, options.file_mb * 1_048_576)
        check_count(rows, written.rows)
        files = [(f"{place}/{name}", size) for name, size, _ in written.files]
        longest = written.longest
        how = f"written to {len(files)} files below {folder.path}: {own.reason}"
    else:
        files, longest = list(own.files), None
        how = f"in {len(files)} files of the lake itself: load them before maintenance compacts and deletes them"
    folder.file("manifest.json").write_text(json.dumps(manifest_of(files), indent=2) + "\n", encoding="utf-8")
    statements = load_statements(outgoing.name, schema, longest, f"{place}/manifest.json", options.iam_role)
    folder.file("load.sql").write_text(statements, encoding="utf-8")
    facts = {"rows": rows, "in_place": not own.reason, "reason": own.reason, "files": [list(one) for one in files]}
    said = [
        f"{outgoing.name}: {rows:,} rows, {how}",
        f"next: {_sync(folder, place)}   then run {folder.path}/load.sql in Redshift",
    ]
    return facts, said


def _to_dynamodb(
    outgoing: Any, folder: Folder, options: argparse.Namespace, contract: Contract | None
) -> tuple[dict[str, Any], list[str]]:
    from deploy.unload.dynamodb import check_key, check_unique, import_request, write_items
    from deploy.unload.rows import check_count

    names = _named(options.key) or (list(contract.table.keys) if contract else [])
    key, schema, place = check_key(outgoing, names), outgoing.schema(), _place(options)
    sets = columns_of(options.sets, schema.names, outgoing.name) if options.sets else []
    check_sets(sets, schema)
    rows = outgoing.count()
    check_unique(outgoing, key)
    folder.begin()
    written = write_items(outgoing, folder, key, frozenset(sets))
    check_count(rows, written.rows)
    bucket, _, prefix = place.removeprefix("s3://").partition("/")
    request = import_request(outgoing.name, schema, key, bucket, prefix)
    folder.file("import-table.json").write_text(json.dumps(request, indent=2) + "\n", encoding="utf-8")
    facts = {"rows": rows, "key": list(key), "files": [[f"{place}/{name}", size] for name, size, _ in written.files]}
    said = [
        f"{outgoing.name}: {rows:,} rows, as many items in {len(written.files)} files below {folder.path}",
        f"next: {_sync(folder, place)}   then "
        + shlex.join(
            ["aws", "dynamodb", "import-table", "--cli-input-json", f"file://{folder.path}/import-table.json"]
        ),
    ]
    return facts, said


def check_sets(sets: Sequence[str], schema: Any) -> None:
    """Raises UsageError UNL-001 for a column that cannot be a set."""
    import pyarrow as pa

    for name in sets:
        kind = schema.field(name).type
        inner = kind.value_type if pa.types.is_list(kind) else None
        if inner is None or pa.types.is_nested(inner) or pa.types.is_boolean(inner):
            raise UsageError(
                "UNL-001",
                f"The column '{name}' cannot be a set.",
                cause=f"It is {kind}; a set is an array of texts, numbers or bytes.",
                remedy="Leave it out of --sets: it becomes a list or a map.",
            )


def _sync(folder: Folder, place: str) -> str:
    return shlex.join(["aws", "s3", "sync", str(folder.path), place])


def _place(options: argparse.Namespace) -> str:
    return str(options.s3 or _UNKNOWN_PLACE).rstrip("/")


def _named(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _notes(outgoing: Any, contract: Contract | None, options: argparse.Namespace) -> list[str]:
    notes = []
    if outgoing.masked:
        masked = ", ".join(sorted(outgoing.masked))
        notes.append(f"{masked} may hold personal data: masked as *** or null, --clear writes the values.")
    if contract is None:
        notes.append("The suite does not declare this table: no column is masked.")
    if not options.s3:
        notes.append(f"The files name {_UNKNOWN_PLACE}: give --s3 URL, or write your own into them.")
    return notes
