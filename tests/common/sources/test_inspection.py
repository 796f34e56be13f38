"""The inspection of raw files: good ones measured, bad ones named with their reason."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from common.config.lake_settings import LakeSettings
from common.errors import ContractError, InputMissingError
from common.sources.files.inspection import bad_file_rows, inspect
from common.sources.files.inventory import FileInventory, InspectedFile, seen_together
from common.sources.mapping.model import Source

pytestmark = pytest.mark.unit

Look = Callable[[Path, Source], FileInventory]

CSV = Source.parse("format: csv\nmax_line_bytes: 1000\ncolumns: {event_id: id}\n", name="tested")
JSON = Source.parse(
    "format: json\nraw_schema: id string\nmax_line_bytes: 1000\nmax_nesting: 5\ncolumns: {event_id: id}\n",
    name="tested",
)
PARQUET = Source.parse("format: parquet\ncolumns: {event_id: id}\n", name="tested")
TEXT = b"id,name\n1,a\n2,b\n"


def parquet(path: Path, **columns: list[object]) -> None:
    pq.write_table(pa.table(columns), path)


def test_a_good_file_is_measured(inbox: Path, look: Look) -> None:
    (inbox / "day.csv").write_bytes(b"id,name\r\n1,long name\r\n\r\n2,b")
    (file,) = look(inbox, CSV).files
    assert (file.status, file.reason, file.path) == ("ok", None, str(inbox / "day.csv"))
    assert file.bytes == 9 + 13 + 2 + 3
    assert file.sha256 == hashlib.sha256((inbox / "day.csv").read_bytes()).hexdigest()
    # Four lines, the blank one counted; the longest is "1,long name" and its carriage return.
    assert (file.lines, file.longest_line_bytes) == (4, 12)
    assert file.layout == "id,name"
    assert file.range_lines == (1,)


def test_a_copy_is_known_by_its_content_whatever_its_name_and_compression(inbox: Path, look: Look) -> None:
    (inbox / "a.csv").write_bytes(TEXT)
    (inbox / "b.csv.gz").write_bytes(gzip.compress(TEXT, 1))
    (inbox / "c.csv.gz").write_bytes(gzip.compress(TEXT[:9], 9) + gzip.compress(TEXT[9:], 9))
    inventory = look(inbox, CSV)
    assert {file.sha256 for file in inventory.good} == {hashlib.sha256(TEXT).hexdigest()}
    assert len(inventory.good) == 3
    assert inventory.without({hashlib.sha256(TEXT).hexdigest()}).files == ()


def test_damage_within_parquet_is_found_where_it_is_looked_for(inbox: Path, look: Look, spark: SparkSession) -> None:
    parquet(inbox / "good.parquet", id=list(range(900)))
    content = (inbox / "good.parquet").read_bytes()
    (inbox / "bad.parquet").write_bytes(content[:8] + b"\xff" * 40 + content[48:])
    # Its footer says nothing of it.
    assert [file.reason for file in look(inbox, PARQUET).files] == [None, None]
    bad, good = inspect(spark, str(inbox), PARQUET, LakeSettings(), thorough=True).files
    assert (bad.reason or "").startswith("SRC-109 the parquet data is damaged")
    assert good.reason is None


def test_a_page_of_errors_beside_the_files_of_a_feed_is_a_bad_file(tmp_path: Path) -> None:
    layouts = ("id,name", '{"error":"not authorised","code":401}', "name,ID")
    files = [
        InspectedFile(path=f"/in/{place}.csv", bytes=1, modified=datetime(2024, 5, 6, tzinfo=UTC), layout=layout)
        for place, layout in enumerate(layouts)
    ]
    assert [file.reason for file in seen_together(files, CSV)] == [
        None,
        "SRC-114 its header names no column that the source reads: it is another kind of file",
        None,
    ]
    # Where no file has a column of the source, the source is at fault, and its refusal names the columns.
    assert [file.reason for file in seen_together(files[1:2], CSV)] == [None]


BAD_TEXT = {
    "empty.csv": (b"", "SRC-101 the file is empty"),
    "empty_inside.csv.gz": (gzip.compress(b""), "SRC-101 the file is empty"),
    "truncated.csv.gz": (gzip.compress(TEXT * 500)[:-20], "SRC-102 truncated gzip"),
    "no_trailer.csv.gz": (gzip.compress(TEXT)[:-8], "SRC-102 truncated gzip"),
    "flipped.csv.gz": (gzip.compress(TEXT)[:-8] + b"\0" * 8, "SRC-103 corrupt gzip"),
    "garbage_after.csv.gz": (gzip.compress(TEXT) + b"garbage", "SRC-103 corrupt gzip"),
    "plain_named.csv.gz": (TEXT, "SRC-104 wrong extension: named as gzip, but not compressed"),
    "gzip_named.csv": (gzip.compress(TEXT), "SRC-104 wrong extension: named as not compressed, but gzip"),
    "table.csv": (b"PAR1....PAR1", "SRC-105 parquet content where csv was expected"),
    "pack.csv": (b"PK\x03\x04....", "SRC-105 zip content where csv was expected"),
    "utf16_marked.csv": ("id,name\n1,ä\n".encode("utf-16"), "SRC-106 looks like utf-16"),
    "utf16_bare.csv": ("id,name\n1,a\n".encode("utf-16-le"), "SRC-106 looks like utf-16"),
    "old_mac.csv": (b"id,name\r1,a\r", "SRC-112 its lines end with carriage returns alone"),
    "semicolons.csv": (
        b"id;name\n1;a\n",
        'SRC-113 the fields of its header are separated by another mark: set options: {sep: ";"}',
    ),
    "latin.csv": ("id,name\n1,Zoë\n".encode("latin-1"), "SRC-107 not utf-8: 1 of 2 lines cannot be decoded"),
    "case_twins.csv": (
        b"id,Id\n1,2\n",
        "SRC-108 the header has columns that differ only in case, or not at all, and are mapped: Id, id",
    ),
    "blank.csv": (b"\n \n", "SRC-101 the file has blank lines only"),
}


def test_each_kind_of_bad_text_file_is_named_with_its_reason(inbox: Path, look: Look) -> None:
    for name, (content, _) in BAD_TEXT.items():
        (inbox / name).write_bytes(content)
    (inbox / "good.csv").write_bytes(TEXT)
    inventory = look(inbox, CSV)
    assert [file.path for file in inventory.good] == [str(inbox / "good.csv")]
    found = {Path(file.path).name: file.reason or "" for file in inventory.bad}
    assert set(found) == set(BAD_TEXT)
    wrong = {name: found[name] for name, (_, reason) in BAD_TEXT.items() if not found[name].startswith(reason)}
    assert wrong == {}


def test_the_mark_of_utf8_is_noticed_where_the_source_says_otherwise(inbox: Path, look: Look) -> None:
    (inbox / "a.csv").write_bytes(b"\xef\xbb\xbf" + TEXT)
    (file,) = look(inbox, CSV.model_copy(update={"encoding": "latin-1"})).files
    assert file.reason == "SRC-106 begins with the mark of utf-8, the source says latin-1: set encoding"


def test_each_kind_of_bad_parquet_file_is_named_with_its_reason(inbox: Path, look: Look) -> None:
    parquet(inbox / "good.parquet", id=[1, 2, 3])
    whole = (inbox / "good.parquet").read_bytes()
    (inbox / "cut.parquet").write_bytes(whole[:-30])
    (inbox / "garbled.parquet").write_bytes(whole[: -len(whole) // 2] + b"\xff" * 40 + whole[-8:])
    (inbox / "text.parquet").write_bytes(TEXT)
    (inbox / "empty.parquet").write_bytes(b"")
    parquet(inbox / "twins.parquet", id=[1], ID=[2])
    parquet(inbox / "10:00.parquet", id=[1])
    inventory = look(inbox, PARQUET)
    assert [(Path(file.path).name, file.lines) for file in inventory.good] == [("good.parquet", 3)]
    assert {Path(file.path).name: (file.reason or "")[:7] for file in inventory.bad} == {
        "cut.parquet": "SRC-109",
        "garbled.parquet": "SRC-109",
        "text.parquet": "SRC-105",
        "empty.parquet": "SRC-101",
        "twins.parquet": "SRC-108",
        "10:00.parquet": "SRC-111",
    }


def test_parquet_columns_that_come_twice_matter_only_when_they_are_mapped(inbox: Path, look: Look) -> None:
    parquet(inbox / "notes.parquet", id=[1], Note=["a"], note=["b"])
    (file,) = look(inbox, PARQUET).files
    assert file.reason is None


def test_a_few_bad_lines_do_not_condemn_a_file(inbox: Path, look: Look) -> None:
    latin = "1,Zoë\n".encode("latin-1")
    (inbox / "mostly.csv").write_bytes(b"id,name\n" + latin + b"1,a\n" * 198)
    (file,) = look(inbox, CSV).files
    assert (file.status, file.undecodable_lines, file.lines) == ("ok", 1, 200)


def test_over_long_lines_and_deep_nesting_are_noticed(inbox: Path, look: Look) -> None:
    (inbox / "long.json").write_bytes(b'{"id": "1"}\n{"id": "' + b"x" * 2_000_000 + b'"}\n')
    (inbox / "deep.json").write_bytes(b'{"id": "1"}\n{"x": ' + b"[" * 400 + b"]" * 400 + b"}\n")
    (inbox / "brackets_in_text.json").write_bytes(b'{"id": "[[[[[[[[[[ \\" {{{{{{{"}\n')
    files = {Path(file.path).stem: file for file in look(inbox, JSON).files}
    assert files["long"].longest_line_bytes == 2_000_010
    assert files["deep"].deepest_nesting == 401
    assert files["brackets_in_text"].deepest_nesting == 1
    assert {file.status for file in files.values()} == {"ok"}


def test_the_layout_of_json_is_noticed(inbox: Path, look: Look) -> None:
    (inbox / "plain.json").write_bytes(b'\n{"id": "1"}\r\n{"id": "2"}')
    (inbox / "several.json").write_bytes(b'{"id": "1"}{"id": "2"}\n')
    (inbox / "cut.json").write_bytes(b'{"id": "1\n{"id": "2"}\n')
    (inbox / "array.json").write_bytes(b'\n [{"id": "1"}]')
    (inbox / "pretty.json").write_bytes(b'\n{"id":\n"1"}')
    (inbox / "long array.json").write_bytes(b"[" + b'{"id": "1"},' * 200 + b"{}]")
    files = {Path(file.path).stem: (file.plain, file.spans_lines) for file in look(inbox, JSON).files}
    assert files == {
        "plain": (True, False),
        "several": (False, False),
        "cut": (False, False),
        "array": (False, True),
        "pretty": (False, True),
        "long array": (False, True),
    }


def test_markers_hidden_files_and_licences_are_no_input(inbox: Path, look: Look) -> None:
    for name in ("_SUCCESS", ".day.csv.crc", "LICENSE", "README.md", "_temporary/0/part.csv"):
        (inbox / name).parent.mkdir(parents=True, exist_ok=True)
        (inbox / name).write_bytes(TEXT)
    with pytest.raises(InputMissingError, match="SRC-007"):
        look(inbox, CSV)
    (inbox / "2026").mkdir()
    (inbox / "2026" / "day [1] ä+%20.csv").write_bytes(TEXT)
    assert [file.path for file in look(inbox, CSV).files] == [str(inbox / "2026" / "day [1] ä+%20.csv")]


def test_a_single_file_and_a_pattern_are_locations_too(
    inbox: Path, spark: SparkSession, settings: LakeSettings
) -> None:
    for name in ("a.csv", "ab.csv", "b.csv"):
        (inbox / name).write_bytes(TEXT)
    assert [file.path for file in inspect(spark, f"{inbox}/a.csv", CSV, settings).files] == [f"{inbox}/a.csv"]
    assert len(inspect(spark, f"{inbox}/a*.csv", CSV, settings).files) == 2
    with pytest.raises(InputMissingError, match="SRC-007"):
        inspect(spark, f"{inbox}/nothing", CSV, settings)


def test_bad_files_stop_the_run_unless_the_source_says_skip(inbox: Path, look: Look) -> None:
    (inbox / "bad.csv").write_bytes(b"")
    for number in range(3):
        (inbox / f"good{number}.csv").write_bytes(TEXT)
    inventory = look(inbox, CSV)
    with pytest.raises(ContractError, match="SRC-008") as refused:
        inventory.enforce(CSV)
    assert "bad.csv: SRC-101" in str(refused.value)
    # One of four is a quarter.
    skipping = CSV.model_copy(update={"on_bad_file": "skip", "max_bad_share": 0.25})
    inventory.enforce(skipping)
    with pytest.raises(ContractError, match="SRC-009"):
        inventory.enforce(skipping.model_copy(update={"max_bad_share": 0.24}))


def test_bad_files_become_rows_for_the_quarantine_that_are_written_into_one_file(
    inbox: Path, look: Look, spark: SparkSession
) -> None:
    for name in ("bad.csv", "worse.csv"):
        (inbox / name).write_bytes(b"")
    rows = bad_file_rows(spark, look(inbox, CSV))
    assert {(row["_file"], *row["reasons"]) for row in rows.collect()} == {
        (str(inbox / "bad.csv"), "SRC-101 the file is empty"),
        (str(inbox / "worse.csv"), "SRC-101 the file is empty"),
    }
    assert rows.rdd.getNumPartitions() == 1


def test_many_small_files_share_a_task(inbox: Path, look: Look, spark: SparkSession) -> None:
    for number in range(250):
        (inbox / f"{number:03}.csv").write_bytes(TEXT)
    spark.sparkContext.setJobGroup("inspection", "counting tasks")
    try:
        assert len(look(inbox, CSV).good) == 250
        tracker = spark.sparkContext.statusTracker()
        stages = [
            tracker.getStageInfo(stage)
            for job in tracker.getJobIdsForGroup("inspection")
            for stage in tracker.getJobInfo(job).stageIds
        ]
        assert sum(stage.numTasks for stage in stages if stage) == 2
    finally:
        spark.sparkContext.setLocalProperty("spark.jobGroup.id", None)
