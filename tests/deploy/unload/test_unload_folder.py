"""The folder of an unload: what is in it, and what may be replaced."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deploy.cli import main

pytestmark = pytest.mark.unit

Unload = Callable[..., Any]


def test_a_rerun_replaces_what_an_earlier_run_has_written(unload: Unload, tmp_path: Path) -> None:
    unload("redshift")
    (tmp_path / "out" / "data" / "part-00001.parquet").write_bytes(b"of a longer run")
    unload("redshift", "--where", "transaction_id = 't1'")
    assert [one.name for one in (tmp_path / "out" / "data").iterdir()] == ["part-00000.parquet"]
    note = json.loads((tmp_path / "out" / "_unload.json").read_text())
    assert (note["state"], note["rows"], note["table"]) == ("done", 1, "fraud.transactions")


def test_a_run_that_ended_half_way_is_seen_and_the_next_one_replaces_it(
    unload: Unload, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr("deploy.unload.dynamodb.check_item", _fail_at_the_second_row())
        code, err = unload("dynamodb", "--key", "transaction_id")
    assert (code, err[:7]) == (1, "UNL-006")
    out = tmp_path / "out"
    assert json.loads((out / "_unload.json").read_text())["state"] == "writing"
    assert not (out / "import-table.json").exists()
    unload("dynamodb", "--key", "transaction_id")
    assert json.loads((out / "_unload.json").read_text())["state"] == "done"


def _fail_at_the_second_row() -> Callable[..., None]:
    def check(_item: object, _key: object, number: int) -> None:
        if number == 2:
            raise OSError("no space")

    return check


@pytest.mark.parametrize("name", ["notes.txt", "data/other.parquet", ".hidden", "items/deep/part-00000.json.gz"])
def test_a_folder_with_something_else_is_left_alone(name: str, unload: Unload, tmp_path: Path) -> None:
    unload("redshift")
    stranger = tmp_path / "out" / name
    stranger.parent.mkdir(parents=True, exist_ok=True)
    stranger.write_text("mine")
    before = (tmp_path / "out" / "_unload.json").read_bytes()
    code, err = unload("redshift")
    assert (code, err[:7]) == (2, "UNL-002")
    assert stranger.read_text() == "mine"
    assert (tmp_path / "out" / "_unload.json").read_bytes() == before


def test_an_unload_of_something_else_is_not_replaced(unload: Unload, tmp_path: Path) -> None:
    unload("redshift")
    assert unload("dynamodb", "--key", "transaction_id")[1].startswith("UNL-002")
    (tmp_path / "out" / "_unload.json").unlink()
    assert unload("redshift")[1].startswith("UNL-002")
    (tmp_path / "file").write_text("mine")
    assert unload("redshift", output="file")[1].startswith("UNL-002")


def test_a_person_reads_how_many_rows_there_are_and_what_to_do_next(
    lake: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["unload", "fraud.transactions", "--output", str(tmp_path / "out"), "--lake", str(lake)]
    assert main([*words, "--to", "redshift"]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("fraud.transactions: 3 rows, written to 1 files")
    assert "aws s3 sync" in printed.out
    assert "customer_id may hold personal data" in printed.err
    assert "give --s3 URL" in printed.err


@pytest.mark.parametrize(
    "words",
    [
        ("--s3", "bucket/prefix"),
        ("--iam-role", "load'; DROP TABLE x"),
        ("--file-mb", "0"),
        ("--key", "transaction_id"),
    ],
)
def test_flags_that_cannot_be_are_refused_before_anything_is_written(
    words: tuple[str, ...], unload: Unload, tmp_path: Path
) -> None:
    assert unload("redshift", *words)[1].startswith("CLI-002")
    assert not (tmp_path / "out").exists()
