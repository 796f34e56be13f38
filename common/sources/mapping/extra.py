"""Free columns: what a source declares under ``extra``, typed like canonical columns and carried in two maps.

A map is one column whatever the sources declare, so the contract of a table stays as it is, and rows of all sources,
in any order, have the same columns. A name that is declared is a key of every row of its source; it has null where the
row has no value.
"""

from __future__ import annotations

from itertools import chain

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DoubleType, MapType, StringType, StructField, StructType

from common.sources.mapping.conversion import FINITE, READS
from common.sources.mapping.free_columns import EXTRA_MAPS
from common.sources.mapping.model import ColumnMapping, Source

NUMBER, CATEGORY = "number", "category"
NUMBERS, CATEGORIES = EXTRA_MAPS

_TYPES = {NUMBER: DoubleType(), CATEGORY: StringType()}
_MEANINGS = {
    NUMBERS: "free columns that are numbers, by name: declared under `extra`, not under `columns`; personal",
    CATEGORIES: "free columns that are categories, likewise",
}
FIELDS = tuple(
    StructField(name, MapType(StringType(), kind), metadata={"comment": _MEANINGS[name]})
    for name, kind in ((NUMBERS, DoubleType()), (CATEGORIES, StringType()))
)
"""``extra_numbers map<string,double>`` and ``extra_categories map<string,string>``, null without free columns."""


def with_extra(source: Source, target: StructType) -> tuple[Source, StructType]:
    """``source`` and ``target`` with the free columns as columns like any others."""
    if not source.extra:
        return source, target
    columns = {name: ColumnMapping(expr=one.expr) for name, one in source.extra.items()}
    fields = [
        StructField(name, _TYPES[one.type], metadata={READS: FINITE} if one.type == NUMBER else {})
        for name, one in source.extra.items()
    ]
    flat = source.model_copy(update={"columns": {**source.columns, **columns}, "extra": {}})
    return flat, StructType([*target, *fields])


def gathered(mapped: DataFrame, source: Source) -> DataFrame:
    """Mapped rows with the free columns of ``source`` in their maps instead of columns of their own.

    A blank category is none.
    """
    if not source.extra:
        return mapped
    numbers = {name: F.col(name) for name in sorted(source.extra) if source.extra[name].type == NUMBER}
    categories = {name: F.when(F.trim(name) != "", F.col(name)) for name in sorted(source.extra) if name not in numbers}
    maps = {NUMBERS: _map_of(numbers), CATEGORIES: _map_of(categories)}
    return mapped.withColumns({name: value for name, value in maps.items() if value is not None}).drop(*source.extra)


def _map_of(values: dict[str, Column]) -> Column | None:
    if not values:
        return None
    return F.create_map(*chain.from_iterable((F.lit(name), value) for name, value in values.items()))


def extra_text() -> Column:
    """The free columns of a row as one text, null where it has no value in any: Spark neither orders nor hashes maps.

    Names without a value are left out, so that a row says the same whether or not its source declares them.
    """
    texts = []
    for name in EXTRA_MAPS:
        given = F.map_filter(name, lambda _, value: value.isNotNull())
        sorted_entries = F.array_sort(F.map_entries(given))
        texts.append(F.when(F.size(given) > 0, F.to_json(sorted_entries)))
    joined = F.concat_ws("\x1f", *texts)
    return F.when(joined != "", joined)
