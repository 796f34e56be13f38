"""Items for DynamoDB's import from S3."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from common.errors import ContractError
from deploy.targets.request_check import check_request
from deploy.unload.items import LARGEST_ITEM, attribute_of, check_item, item_of, number_text, size_of

pytestmark = pytest.mark.unit

Unload = Callable[..., Any]


def items(out: Path) -> list[dict[str, Any]]:
    lines = [
        line
        for file in sorted(out.glob("items/*.json.gz"))
        for line in gzip.decompress(file.read_bytes()).decode().splitlines()
    ]
    found = [json.loads(line) for line in lines]
    assert all(set(one) == {"Item"} for one in found)
    return sorted((one["Item"] for one in found), key=lambda item: item["transaction_id"]["S"])


def test_a_row_is_an_item_with_typed_values_and_without_null(unload: Unload, tmp_path: Path) -> None:
    said = unload("dynamodb", "--key", "transaction_id", "--sets", "tags", "--s3", "s3://bucket/lists/tx")
    assert said["rows"] == 3
    first, second, third = items(tmp_path / "out")
    assert first == {
        "transaction_id": {"S": "t1"},
        "tx_datetime": {"S": "2026-03-01T12:00:00.000000Z"},
        "tx_day": {"S": "2026-03-01"},
        "customer_id": {"S": "0123456789abcdef0123456789abcdef"},
        "tx_amount": {"N": "10.5000"},
        "tags": {"SS": ["a", "b"]},
        "pseudonym_key_id": {"S": "k1"},
    }
    assert second["tx_datetime"] == {"S": "2026-03-01T12:00:00.500000Z"}
    assert second["customer_id"] == {"S": "***"}
    assert "tags" not in second
    assert set(third) == {"transaction_id", "tx_day", "pseudonym_key_id"}


def test_the_request_that_imports_the_items_is_one_that_the_service_takes(unload: Unload, tmp_path: Path) -> None:
    unload("dynamodb", "--key", "transaction_id,tx_day", "--s3", "s3://bucket/lists/tx")
    request = json.loads((tmp_path / "out" / "import-table.json").read_text())
    check_request("dynamodb", "ImportTable", request)
    assert request["S3BucketSource"] == {"S3Bucket": "bucket", "S3KeyPrefix": "lists/tx/items/"}
    assert request["TableCreationParameters"]["KeySchema"] == [
        {"AttributeName": "transaction_id", "KeyType": "HASH"},
        {"AttributeName": "tx_day", "KeyType": "RANGE"},
    ]


def test_the_same_rows_are_the_same_bytes(unload: Unload, tmp_path: Path) -> None:
    for output in ("one", "two"):
        unload("dynamodb", "--where", "transaction_id = 't1'", "--key", "transaction_id", output=output)
    one, two = ((tmp_path / name / "items" / "part-00000.json.gz").read_bytes() for name in ("one", "two"))
    assert one == two


def test_a_file_ends_when_it_is_large_enough(unload: Unload, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deploy.unload.dynamodb._FILE_BYTES", 1)
    said = unload("dynamodb", "--key", "transaction_id")
    assert [url.rpartition("/")[2] for url, _ in said["files"]] == [f"part-0000{n}.json.gz" for n in range(3)]
    assert [one["transaction_id"]["S"] for one in items(tmp_path / "out")] == ["t1", "t2", "t3"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--key", "tx_day"), 3, "1 keys of tx_day occur more than once"),
        (("--key", "tx_datetime"), 3, "'tx_datetime' is null"),
        (("--key", "customer_id", "--where", "customer_id IS NOT NULL"), 3, "personal data"),
        (("--key", "tags"), 2, "neither text nor number"),
        (("--key", "a,b,c"), 2, "at most one sort key"),
        (("--key", "transaction_id", "--columns", "tags"), 2, "none of the columns"),
    ],
)
def test_what_cannot_be_a_key_is_refused(words: tuple[str, ...], code: int, said: str, unload: Unload) -> None:
    found, err = unload("dynamodb", *words)
    assert (found, err[:7]) == (code, "UNL-003")
    assert said in err
    assert "ann@example.org" not in err


def test_a_set_is_an_array_of_plain_values(unload: Unload) -> None:
    code, err = unload("dynamodb", "--key", "transaction_id", "--sets", "tx_amount")
    assert (code, err[:7]) == (2, "UNL-001")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, {"BOOL": True}),
        (7, {"N": "7"}),
        (0.1, {"N": "0.1"}),
        (-0.0, {"N": "0"}),
        (1e-7, {"N": "0.0000001"}),
        (1e100, {"N": "1E+100"}),
        (Decimal("12345678901234567890123456789012345678"), {"N": "12345678901234567890123456789012345678"}),
        (Decimal("0.0000"), {"N": "0"}),
        ("", {"S": ""}),
        (b"\x00\x01", {"B": "AAE="}),
        ([1, None, "x"], {"L": [{"N": "1"}, {"NULL": True}, {"S": "x"}]}),
        ({"a": 1, "b": None}, {"M": {"a": {"N": "1"}}}),
        (None, None),
    ],
)
def test_each_value_has_its_type(value: Any, expected: Any) -> None:
    assert attribute_of(value) == expected


def test_sets_have_no_repeats_and_no_null_and_are_never_empty() -> None:
    row = {"n": [1, 1, 2, None], "s": ["b", "a", "b"], "none": [], "null": None, "only": [None]}
    assert item_of(row, frozenset(row)) == {"n": {"NS": ["1", "2"]}, "s": {"SS": ["b", "a"]}}


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), Decimal("1E+126"), 1e-131, Decimal(10**38 + 1), Decimal("NaN")]
)
def test_a_number_that_dynamodb_cannot_hold_is_refused_without_being_shown(value: Any) -> None:
    with pytest.raises(ContractError) as refused:
        number_text(value)
    assert refused.value.code == "UNL-004"


def test_an_item_is_as_large_as_its_names_and_values() -> None:
    # Names 2 + 1 + 1 + 1; text 3; number two bytes and a sign; true 1; list 3 + (1 + 1).
    item = {"id": {"S": "abc"}, "n": {"N": "-12"}, "b": {"BOOL": True}, "l": {"L": [{"S": "x"}]}}
    assert size_of(item) == 5 + 3 + 3 + 1 + 5
    assert size_of({"a": {"N": "1000000"}}) == 1 + 2


def test_an_item_of_more_than_400_kb_is_refused_by_its_number(unload: Unload, lake: Path) -> None:
    check_item({"k": {"S": "x"}, "t": {"S": "a" * (LARGEST_ITEM - 3)}}, ("k",), 1)
    with pytest.raises(ContractError, match="Row 7 is too large"):
        check_item({"k": {"S": "x"}, "t": {"S": "a" * (LARGEST_ITEM - 2)}}, ("k",), 7)
    write_deltalake(str(lake / "gold/other/large"), pa.table({"k": ["a"], "t": ["x" * 500_000]}))
    code, err = unload("dynamodb", "--key", "k", table="other.large")
    assert (code, err[:7]) == (3, "UNL-004")


def test_narrow_floats_maps_and_odd_years_arrive_as_they_are(unload: Unload, lake: Path, tmp_path: Path) -> None:
    rows = pa.table(
        {
            "transaction_id": ["a"],
            "narrow": pa.array([0.1], pa.float32()),
            "pairs": pa.array([[("x", 1)]], pa.map_(pa.string(), pa.int32())),
            "early": pa.array([-62_167_219_200_000_000], pa.timestamp("us", "UTC")),
        }
    )
    write_deltalake(str(lake / "gold/other/odd"), rows)
    unload("dynamodb", "--key", "transaction_id", table="other.odd")
    (item,) = items(tmp_path / "out")
    assert item["narrow"] == {"N": "0.1"}
    assert item["pairs"] == {"M": {"x": {"N": "1"}}}
    assert item["early"] == {"S": "0000-01-01T00:00:00.000000Z"}
