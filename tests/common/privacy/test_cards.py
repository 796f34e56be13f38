"""Card numbers in text: found however they are written, masked, and nothing else touched."""

from __future__ import annotations

import json

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from common.privacy.card_numbers import holds_card_number, with_masked_cards

pytestmark = pytest.mark.unit

CARD_NUMBERS = [
    # Numbers that the card networks publish for tests.
    ("4111111111111111", True),
    ("paid with 4111 1111 1111 1111, thanks", True),
    ("5555-5555-5555-4444", True),
    ("378282246310005", True),
    ("6011111111111117", True),
    ("3530111333300000", True),
    ("30569309025904", True),
    ("4222222222222", True),
    ("/checkout?card=4012888888881881&x=1", True),
    # One digit off, so the Luhn sum fails.
    ("4111111111111112", False),
    # A time in milliseconds; its Luhn sum is 60, but no issuer begins with 1.
    ("1763715600009", False),
    # A time in microseconds with a right sum.
    ("1763715600000002", False),
    # Part of a longer number, and of a hexadecimal id.
    ("94111111111111111", False),
    ("a4111111111111111", False),
    ("4111 1111", False),
    # The first three groups of a UUID have a right sum; the fraction of a number is no number of its own.
    ("41111111-1111-1111-8abc-0123456789ab", False),
    ("0.4111111111111111", False),
    ("", False),
]


def test_card_numbers_are_distinguished_from_other_digits(spark: SparkSession) -> None:
    rows = spark.createDataFrame(CARD_NUMBERS, "text string, expected boolean")
    found = rows.select("text", holds_card_number(F.col("text")).alias("found")).collect()
    assert {row["text"]: row["found"] for row in found} == dict(CARD_NUMBERS)


MASKED = {
    "4111111111111111": "411111******1111",
    "paid with 4111 1111 1111 1111, thanks": "paid with 411111******1111, thanks",
    "340000000000009 or 5500-0000-0000-0004": "340000*****0009 or 550000******0004",
    "30569309025904": "305693****5904",
    # The security code or an amount beside the number must not hide it.
    "4111 1111 1111 1111 123": "411111******1111 123",
    "2 4111 1111 1111 1111": "2 411111******1111",
    "2026-11-28 4111111111111111 12/28": "2026-11-28 411111******1111 12/28",
    "4111 1111 1111 1111 4111 1111 1111 1111": "411111******1111 411111******1111",
    # Query strings and JSON, also where they escape a blank or stand right before the number.
    "https://shop.example/pay?card=4111111111111111&cvc=1": "https://shop.example/pay?card=411111******1111&cvc=1",
    "/pay?card=4111+1111%201111-1111": "/pay?card=411111******1111",
    "/to?url=%2Fpay%3Fcard%3D4111111111111111%26x%3D1": "/to?url=%2Fpay%3Fcard%3D411111******1111%26x%3D1",
    '{"note":"card\\n4111\\u00a01111\\u00a01111\\u00a01111","n":1}': '{"note":"card\\n411111******1111","n":1}',
    '{"card": 4111111111111111, "n": 1}': '{"card": "411111******1111", "n": 1}',
    '{"n":[1],"card":5500000000000004}': '{"n":[1],"card":"550000******0004"}',
}
UNTOUCHED = [
    "",
    "4111111111111112",
    "1763715600000002",
    "411111******1111",
    '{"n": 4111111111111112}',
    "f47ac10b-58cc-4372-a567-0e02b2c3d479",
    "+49 30 901820, 2026-11-28 10:00:00",
]


@pytest.mark.parametrize(("given", "expected"), MASKED.items())
def test_a_card_number_keeps_its_first_six_and_last_four_digits(spark: SparkSession, given: str, expected: str) -> None:
    row = (
        spark.createDataFrame([(given,)], "text string").select(with_masked_cards(F.col("text")).alias("text")).first()
    )
    assert row is not None
    assert row["text"] == expected
    if given.startswith("{"):
        json.loads(row["text"])


def test_other_text_and_no_text_stay_as_they_are(spark: SparkSession) -> None:
    rows = spark.createDataFrame([(text,) for text in [*UNTOUCHED, None]], "text string")
    masked = rows.select("text", with_masked_cards(F.col("text")).alias("masked")).collect()
    assert [row["masked"] for row in masked] == [*UNTOUCHED, None]
    nothing = rows.where("text IS NULL").select(holds_card_number(F.col("text")).alias("found")).first()
    assert nothing is not None
    assert nothing["found"] is None


def test_a_number_that_is_known_to_be_an_id_is_spared(spark: SparkSession) -> None:
    text = '{"id":"4111111111111111","note":"5500000000000004"}'
    rows = spark.createDataFrame([(text, "4111111111111111"), (text, None)], "text string, id string")
    masked = rows.select(with_masked_cards(F.col("text"), spared=F.col("id")).alias("text")).collect()
    assert [row["text"] for row in masked] == [
        '{"id":"4111111111111111","note":"550000******0004"}',
        '{"id":"411111******1111","note":"550000******0004"}',
    ]
