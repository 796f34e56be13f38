"""Sources as files: loading, refusing, suggesting."""

from __future__ import annotations

from pathlib import Path

import pytest

from common.errors import UsageError
from common.sources.mapping.model import Source, presets

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("name", presets())
def test_every_preset_loads_and_says_what_it_is(name: str) -> None:
    source = Source.load(name)
    assert source.name == name
    assert source.description


def test_the_presets_that_were_promised_are_there() -> None:
    promised = {"apache_combined", "snowplow", "snowplow_json", "ga4", "rees46", "online_retail_uci", "fraud_handbook"}
    assert promised <= set(presets())


def test_snowplow_events_have_the_131_fields_of_the_canonical_model() -> None:
    assert (Source.load("snowplow").raw_schema or "").count(" string") == 131


def test_a_file_of_ones_own_is_loaded_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text("format: parquet\ncolumns: {event_id: id}\n")
    assert Source.load(str(path)).name == "shop"


REFUSED = {
    "an unknown source": ("apache_combind", None, "SRC-001", "Did you mean 'apache_combined'?"),
    "a file that is not there": ("nowhere.yaml", None, "SRC-001", "no source file"),
    "an unknown key": ("x.yaml", "format: csv\ncolums: {a: b}\n", "SRC-002", "Did you mean 'columns'?"),
    "a key given twice": ("x.yaml", "format: csv\nformat: json\ncolumns: {a: b}\n", "SRC-003", "appears twice"),
    "two mappings of one column": ("x.yaml", "format: parquet\ncolumns: {a: b, a: c}\n", "SRC-003", "appears twice"),
    "an unknown option": ("x.yaml", "format: csv\noptions: {sepp: ','}\ncolumns: {a: b}\n", "SRC-003", "'sep'"),
    "an unknown format": ("x.yaml", "format: avro\ncolumns: {a: b}\n", "SRC-003", "format"),
    "json without its columns": ("x.yaml", "format: json\ncolumns: {a: b}\n", "SRC-003", "raw_schema"),
    "a share above one": ("x.yaml", "format: csv\nmax_bad_share: 2\ncolumns: {a: b}\n", "SRC-003", "max_bad_share"),
    "a time zone that is none": (
        "x.yaml",
        "format: csv\ntime_zone: Moon/Sea\ncolumns: {a: b}\n",
        "SRC-003",
        "Moon/Sea",
    ),
    "a YAML tag": ("x.yaml", "format: !!python/object/apply:os.getcwd []\n", "SRC-003", "python/object"),
    "a list": ("x.yaml", "- format\n", "SRC-003", "not contain a mapping"),
    "a query": ("x.yaml", "format: csv\ncolumns: {a: (select max(id) from t)}\n", "SRC-003", "a query"),
    "a second statement": ("x.yaml", "format: csv\ncolumns: {a: 'b; drop table t'}\n", "SRC-003", "';'"),
    "a call into Java": (
        "x.yaml",
        "format: csv\ncolumns: {a: \"reflect('java.lang.System','exit')\"}\n",
        "SRC-003",
        "Java",
    ),
    "chance": ("x.yaml", "format: csv\ncolumns: {a: uuid()}\n", "SRC-003", "chance"),
    "a function that is misspelt": (
        "x.yaml",
        "format: csv\ncolumns: {a: uper(b)}\n",
        "SRC-003",
        "did you mean 'upper'?",
    ),
    "the session's user": ("x.yaml", "format: csv\ncolumns: {a: user}\n", "SRC-003", "of that name needs `user`"),
}


@pytest.mark.parametrize("case", REFUSED, ids=list(REFUSED))
def test_a_wrong_source_is_refused_with_a_hint(case: str, tmp_path: Path) -> None:
    name, text, code, hint = REFUSED[case]
    if text is not None:
        (tmp_path / name).write_text(text)
        name = str(tmp_path / name)
    with pytest.raises(UsageError) as refused:
        Source.load(name)
    assert refused.value.code == code
    assert hint in str(refused.value)


def test_a_column_that_the_target_lacks_is_refused_with_the_nearest() -> None:
    source = Source.parse("format: parquet\ncolumns: {useragnt: ua}\n", name="tested")
    with pytest.raises(UsageError, match="SRC-005") as refused:
        source.check_columns(["event_id", "useragent"])
    assert "Did you mean 'useragent'?" in str(refused.value)
