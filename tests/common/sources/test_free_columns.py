"""Free columns: what a source declares beside the canonical columns, typed and in two maps."""

from __future__ import annotations

import pytest
from pyspark.sql import SparkSession
from pyspark.sql.types import StringType, StructField, StructType

from common.errors import UsageError
from common.sources.mapping.canonical import canonical
from common.sources.mapping.extra import FIELDS, extra_text, gathered, with_extra
from common.sources.mapping.fit import check_fit
from common.sources.mapping.identity import mapping_of
from common.sources.mapping.model import Source

pytestmark = pytest.mark.unit

TARGET = StructType([StructField("event_id", StringType()), *FIELDS])


def source(extra: str, columns: str = "{event_id: id}") -> Source:
    return Source.parse(f"format: csv\ndecimal: ','\ncolumns: {columns}\nextra: {extra}\n", name="tested")


def test_numbers_and_categories_are_read_as_their_type_and_what_cannot_be_read_is_named(spark: SparkSession) -> None:
    declared = source("{tier: kind, score: {expr: punkte, type: number}, half: {expr: share / 2, type: number}}")
    raw = spark.sql(
        "SELECT * FROM VALUES ('a', ' gold ', '12,5', 3D), ('b', '  ', '', double('NaN')), "
        "('c', 'silver', '12.5', double('-Infinity')), ('d', NULL, '-0', -0D) AS t(id, kind, punkte, share)"
    )
    mapped = gathered(canonical(raw, *with_extra(declared, TARGET)), declared).orderBy("event_id")
    rows = mapped.select(
        "event_id", "extra_numbers", "extra_categories", "_reason", extra_text().alias("text")
    ).collect()
    assert [tuple(row)[1:4] for row in rows] == [
        ({"half": 1.5, "score": 12.5}, {"tier": "gold"}, None),
        ({"half": None, "score": None}, {"tier": None}, None),
        ({"half": None, "score": None}, {"tier": "silver"}, "SRC-301 cannot be read: score, half"),
        ({"half": 0.0, "score": 0.0}, {"tier": None}, None),
    ]
    assert rows[0]["text"] == (
        '[{"key":"half","value":1.5},{"key":"score","value":12.5}]\x1f[{"key":"tier","value":"gold"}]'
    )
    # A source that declares nothing says the same as one that has no value.
    assert rows[1]["text"] is None


def test_the_identity_of_a_mapping_holds_expressions_and_types_but_no_words() -> None:
    plain, scored = source("{}"), source("{score: {expr: punkte, type: number}}")
    assert mapping_of(plain) != mapping_of(scored)
    assert mapping_of(scored) == mapping_of(source("{score: {expr: punkte, type: number, description: points}}"))
    assert mapping_of(scored) != mapping_of(source("{score: {expr: punkte, type: category}}"))
    assert mapping_of(scored) != mapping_of(source("{score: {expr: punkte + 1, type: number}}"))


@pytest.mark.parametrize(
    ("declared", "target", "words"),
    [
        (source("{event_id: id}"), TARGET.names, "has the free column 'event_id', but that is a canonical column"),
        (source("{tier: kind}"), ["event_id"], "has free columns, but the target takes none"),
        (source("{}", "{event_id: id, extra_numbers: kind}"), TARGET.names, "maps 'extra_numbers', but the target"),
    ],
)
def test_free_columns_are_no_canonical_ones(declared: Source, target: list[str], words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        check_fit(declared, target, [("event_id",)])
    assert caught.value.code == "SRC-005"
