"""Raw files as rows: nothing is lost, what cannot be read says why."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st
from pyspark.sql import DataFrame

from common.config.lake_settings import LakeSettings
from common.errors import ContractError, UsageError
from common.sources.files.inventory import InspectedFile
from common.sources.files.locations import FileOpener, FoundFile, find_files
from common.sources.files.scanning import scan
from common.sources.mapping.model import Source
from common.sources.rows.lines import FileRange, ranges_of, read_range, shared_out

pytestmark = pytest.mark.unit

Read = Callable[[Path, Source], DataFrame]


def source(text: str) -> Source:
    return Source.parse(f"{text}\ncolumns: {{event_id: id}}\n", name="tested")


CSV = source("format: csv\nmax_line_bytes: 100")
JSON = source("format: json\nraw_schema: id string, n bigint, tags array<string>\nmax_line_bytes: 400\nmax_nesting: 5")


def values(rows: DataFrame, *columns: str) -> list[tuple[Any, ...]]:
    """The rows as sorted tuples; ``_reason`` cut to its code."""
    picked = rows.select(*columns).collect()
    cut = [
        tuple(value[:7] if name == "_reason" and value else value for name, value in row.asDict().items())
        for row in picked
    ]
    return sorted(cut, key=repr)


def test_csv_rows_carry_their_columns_text_file_and_content_id(inbox: Path, read: Read) -> None:
    content = b'id,name\r\n1,"Ann, Lee"\r\n\r\n2,\r\n'
    path = inbox / "day [1] \u00e4+%20.csv"
    path.write_bytes(b"\xef\xbb\xbf" + content)
    rows = read(inbox, CSV)
    assert rows.columns == ["id", "name", "_file", "_file_sha256", "_line", "_raw", "_reason"]
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    assert values(rows, *rows.columns) == [
        ("1", "Ann, Lee", str(path), sha256, 2, '1,"Ann, Lee"', None),
        ("2", None, str(path), sha256, 4, "2,", None),
    ]


def test_a_csv_row_with_too_few_or_too_many_fields_is_kept_with_a_reason(inbox: Path, read: Read) -> None:
    (inbox / "day.csv").write_bytes(b"id,name\n1,a\n2\n3,b,c\n")
    assert values(read(inbox, CSV), "id", "name", "_raw", "_reason") == [
        ("1", "a", "1,a", None),
        (None, None, "2", "SRC-212"),
        (None, None, "3,b,c", "SRC-212"),
    ]


def test_files_with_other_headers_are_read_by_their_own(inbox: Path, read: Read) -> None:
    (inbox / "a.csv").write_bytes(b"id,name\n1,a\n")
    (inbox / "b.csv").write_bytes(b"name,id,extra\nb,2,x\n")
    assert values(read(inbox, CSV), "id", "name", "extra") == [("1", "a", None), ("2", "b", "x")]


def test_csv_without_a_header_takes_its_columns_from_the_source(inbox: Path, read: Read) -> None:
    (inbox / "day.tsv").write_bytes(b'1\ta "quoted\n2\tb\n')
    bare = source('format: csv\noptions: {sep: "\\t", header: false, quote: ""}\nraw_schema: id string, name string')
    assert values(read(inbox, bare), "id", "name") == [("1", 'a "quoted'), ("2", "b")]


def test_json_rows_that_are_no_objects_of_the_source_are_kept_with_a_reason(inbox: Path, read: Read) -> None:
    lines = {
        '{"id": "1", "n": 5, "tags": ["a"], "more": {"x": 1}}': ("1", 5, None),
        '{"id": "2"}': ("2", None, None),
        '{"id": "3", "n": "many"}': (None, None, "SRC-211"),
        '{"id": "4"': (None, None, "SRC-211"),
        "[1, 2]": (None, None, "SRC-211"),
        '{"id": "7"} words': (None, None, "SRC-211"),
        "[]": (None, None, "SRC-211"),
        "null": (None, None, "SRC-211"),
        "plain words": (None, None, "SRC-211"),
    }
    (inbox / "day.json").write_text("\n".join(lines) + "\n")
    rows = read(inbox, JSON)
    found = {row["_raw"]: (row["id"], row["n"], row["_reason"] and row["_reason"][:7]) for row in rows.collect()}
    assert found == lines


LINES = st.lists(
    st.sampled_from(["a", "", "bb" * 5, "c" * 99, "c" * 100, "d" * 150, "ä" * 20, "e\r"]), min_size=1, max_size=12
)

POISON = {
    "over-long": b'{"id": "' + b"x" * 3_000_000 + b'"}',
    "too deep": b'{"id": "5", "x": ' + b"[" * 50 + b"]" * 50 + b"}",
    "not utf-8": '{"id": "Zoë"}'.encode("latin-1"),
}


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gzip"])
def test_a_poisonous_line_is_set_aside_and_its_neighbours_are_read(inbox: Path, read: Read, compressed: bool) -> None:
    neighbours = [b'{"id": "%d"}' % number for number in range(400)]
    content = b"\n".join([*neighbours[:200], *POISON.values(), *neighbours[200:]])
    (inbox / ("day.json" + ".gz" * compressed)).write_bytes(gzip.compress(content, 1) if compressed else content)
    rows = read(inbox, JSON).collect()
    assert sorted(int(row["id"]) for row in rows if row["_reason"] is None) == list(range(400))
    aside = {row["_reason"][:7]: row for row in rows if row["_reason"]}
    assert len(rows) == 403
    assert {row["_line"] for row in rows} == set(range(1, 404))
    assert [aside[code]["_line"] for code in ("SRC-221", "SRC-223", "SRC-222")] == [201, 202, 203]
    for code, kind in (("SRC-221", "over-long"), ("SRC-223", "too deep"), ("SRC-222", "not utf-8")):
        assert aside[code]["_reason"].endswith(f"sha256 {hashlib.sha256(POISON[kind]).hexdigest()}")
        assert aside[code]["id"] is None
    assert "a line of 3000010 bytes, over the limit of 400" in aside["SRC-221"]["_reason"]
    assert aside["SRC-221"]["_raw"] == POISON["over-long"][:1024].decode()
    assert aside["SRC-222"]["_raw"] == '{"id": "Zo\ufffd"}'


@settings_of_hypothesis(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=LINES, last_newline=st.booleans(), range_bytes=st.integers(1, 400))
def test_byte_ranges_give_each_line_once(
    tmp_path: Path, lines: list[str], last_newline: bool, range_bytes: int
) -> None:
    text = "\n".join(lines) + "\n" * last_newline
    path = tmp_path / "day.log"
    path.write_text(text, encoding="utf-8")
    logs = source("format: csv\noptions: {header: false}\nraw_schema: id string\nmax_line_bytes: 100")
    settings = LakeSettings(root=str(tmp_path))
    (found,) = find_files(str(path), settings)
    with path.open("rb") as stream:
        seen = scan(stream, found.path, found.bytes, logs, range_bytes)
    file = InspectedFile(
        path=str(path),
        bytes=found.bytes,
        modified=found.modified,
        source_file=found,
        range_lines=tuple(seen.range_lines),
    )
    parts = ranges_of(0, file, range_bytes)
    rows = [
        row for part in parts for batch in read_range(part, logs, FileOpener(settings)) for row in batch.to_pylist()
    ]
    expected = text.split("\n")
    if expected[-1] == "":
        expected.pop()
    # A line over the limit of 100 bytes is kept as its first 1 kB, which here is all of it.
    assert [row["_raw"] for row in rows] == [line.removesuffix("\r") for line in expected]
    assert [row["_reason"] is not None for row in rows] == [len(row["_raw"].encode()) > 100 for row in rows]
    assert [row["_line"] for row in rows] == list(range(1, len(expected) + 1))


def test_ranges_are_shared_out_to_as_many_tasks_as_there_are_cores() -> None:
    mega = 1 << 20
    file = FoundFile("/in", "a.log", 256 * mega, datetime(2024, 5, 6, tzinfo=UTC))
    ranges = [FileRange(0, file, False, start * mega, (start + 32) * mega) for start in range(0, 256, 32)]
    assert [len(task) for task in shared_out(ranges, 2)] == [3, 3, 2]
    assert [len(task) for task in shared_out(ranges, 8)] == [1] * 8
    small = [FileRange(number, replace(file, bytes=1000), True) for number in range(100)]
    # Each file counts 4 MB for the opening: 128 MB at most for a task.
    assert [len(task) for task in shared_out(small, 1)] == [31, 31, 31, 7]


@pytest.mark.parametrize(
    ("encoding", "content"),
    [
        ("utf-16", "id,name\n1,Zoë €\n".encode("utf-16")),
        ("windows-1252", "id,name\n1,Zoë €\n".encode("windows-1252")),
        ("latin-1", "id,name\n1,Zoë €\n".replace("€", "¤").encode("latin-1")),
    ],
)
def test_other_encodings_are_read_when_the_source_names_them(
    inbox: Path, read: Read, encoding: str, content: bytes
) -> None:
    (inbox / "day.csv").write_bytes(content)
    (row,) = read(inbox, CSV.model_copy(update={"encoding": encoding})).collect()
    assert (row["id"], row["name"]) == ("1", "Zoë ¤" if encoding == "latin-1" else "Zoë €")
    assert row["_reason"] is None


def test_parquet_files_of_several_layouts_are_read_together(inbox: Path, read: Read) -> None:
    pq.write_table(pa.table({"id": [1], "n": pa.array([5], pa.int32())}), inbox / "a.parquet")
    pq.write_table(pa.table({"id": ["x", "y"], "more": [True, False]}), inbox / "b.parquet")
    rows = read(inbox, source("format: parquet"))
    # A column that is a number here and text there becomes text.
    assert values(rows, "id", "n", "more", "_line", "_reason") == [
        ("1", 5, None, 1, None),
        ("x", None, True, 1, None),
        ("y", None, False, 2, None),
    ]
    assert {Path(row["_file"]).name: len(row["_file_sha256"]) for row in rows.collect()} == {
        "a.parquet": 64,
        "b.parquet": 64,
    }


def test_parquet_columns_whose_names_differ_only_in_case_are_left_out(inbox: Path, read: Read) -> None:
    pq.write_table(
        pa.table({"id": ["x"], "Note": ["a"], "note": ["b"], "At": [datetime(2024, 5, 6)]}), inbox / "a.parquet"
    )
    rows = read(inbox, source("format: parquet"))
    assert rows.columns == ["id", "At", "_file", "_file_sha256", "_line", "_raw", "_reason"]
    assert values(rows, "id", "_line") == [("x", 1)]
    assert rows.sparkSession.conf.get("spark.sql.caseSensitive") == "false"


def test_access_logs_give_a_row_a_line(inbox: Path, read: Read) -> None:
    good = 'h - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 1 "-" "A"'
    (inbox / "a.log").write_text(f"{good}\nnonsense\n")
    (inbox / "b.log.gz").write_bytes(gzip.compress(f"{good}\n".encode()))
    rows = read(inbox, source("format: access_log"))
    assert values(rows, "remote_host", "status", "_reason") == [
        ("h", 200, None),
        ("h", 200, None),
        (None, None, "SRC-201"),
    ]


NAMES = [
    "2024-05-06T10:00:00",
    "a b+c%20d",
    "100%",
    "access [prod]",
    "access{1}",
    "hash#mark",
    "question?",
    "semi;colon,comma",
    "äö logé",
    "star*back\\slash",
    "amp&=equals~'quote",
]


def test_files_of_any_name_are_read(inbox: Path, read: Read) -> None:
    line = 'h - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 1 "-" "A"\n'
    for name in NAMES:
        (inbox / f"{name}.log").write_text(line)
    for extension in ("gz", "gzip", "GZ", "Gz"):
        (inbox / f"access.log.2.{extension}").write_bytes(gzip.compress(line.encode()))
    rows = read(inbox, source("format: access_log")).select("_file", "_line", "remote_host").collect()
    assert sorted(Path(row["_file"]).name for row in rows) == sorted(path.name for path in inbox.iterdir())
    assert {(row["_line"], row["remote_host"]) for row in rows} == {(1, "h")}


def test_parquet_files_of_any_name_are_read(inbox: Path, read: Read) -> None:
    # A colon is for local disks refused with SRC-111: see test_inspection.
    for name in NAMES[1:]:
        pq.write_table(pa.table({"id": [name]}), inbox / f"{name}.parquet")
    rows = read(inbox, source("format: parquet")).select("_file", "id").collect()
    assert sorted((Path(row["_file"]).stem, row["id"]) for row in rows) == sorted((name, name) for name in NAMES[1:])


def test_a_raw_schema_that_is_no_ddl_is_a_fault_of_the_source(inbox: Path, read: Read) -> None:
    (inbox / "a.json").write_text('{"id": "1"}\n')
    with pytest.raises(UsageError, match="SRC-003") as refused:
        read(inbox, source("format: json\nraw_schema: id strang"))
    assert "raw_schema: 'strang' is not a type" in str(refused.value)


def test_an_input_of_bad_files_only_is_refused(inbox: Path, read: Read) -> None:
    (inbox / "bad.csv").write_bytes(b"")
    with pytest.raises(ContractError, match="SRC-010"):
        read(inbox, CSV)
