"""Rows out of records: one for each element of an array, and only those that a source wants."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, DataType, StructType

from common.sources.mapping.fit import KEPT, no_elements, refuse_name_twice
from common.sources.mapping.model import ColumnMapping, Source
from common.words import did_you_mean

INDEX = "_index"
"""The raw column that numbers the elements of a record, from 0."""

ELEMENT = "element"
"""The raw column of an element that is no object."""

WANTED = "_wanted"
"""The mapped column that is true where ``where`` of the source holds."""

_ARRAY, _ELEMENT = "_array", "_element"


def elements(raw: DataFrame, source: Source) -> DataFrame:
    """``raw`` as one row per element of the array that ``rows_from`` of ``source`` names; as it is without one.

    Columns: the fields of the element, those that ``parent`` names, ``_index int``, and KEPT. A record that could not
    be read stays one row; so does one whose array is missing or empty, with ``_reason`` SRC-302, and an element that is
    null. Raises UsageError SRC-006 when ``rows_from`` is no array, a column of ``parent`` is missing, or an element has
    a field of the same name.
    """
    if not source.rows_from:
        return raw
    array = _type_of(raw, source, source.rows_from, "rows_from")
    if not isinstance(array, ArrayType):
        raise no_elements(source, f"rows_from names '{source.rows_from}', which is no array but {array.simpleString()}")
    element = array.elementType
    names = element.names if isinstance(element, StructType) else [ELEMENT]
    for name, path in source.parent.items():
        _type_of(raw, source, path, "parent")
        refuse_name_twice(source, name, path, names)
    kept = [name for name in KEPT if name in raw.columns]
    carried = raw.select(
        _path(source.rows_from).alias(_ARRAY), *(_path(path).alias(name) for name, path in source.parent.items()), *kept
    )
    # The array of a record that cannot be read is null.
    rows = carried.select(*source.parent, *kept, F.posexplode_outer(_ARRAY).alias(INDEX, _ELEMENT))
    value = F.col(_ELEMENT)
    fields = [value.getField(name).alias(name) for name in names] if isinstance(element, StructType) else [value]
    lacking = F.when(value.isNull(), F.lit(f"SRC-302 there is no element in {source.rows_from}"))
    reasons = {"_reason": F.coalesce("_reason", lacking) if "_reason" in kept else lacking}
    return rows.select(
        *(field.alias(name) for field, name in zip(fields, names, strict=True)),
        *source.parent,
        INDEX,
        *(reasons.get(name, F.col(name)).alias(name) for name in dict.fromkeys([*kept, "_reason"])),
    )


def number_of_rows(raw: DataFrame, source: Source) -> int:
    """How many rows ``elements`` must give, counted from the sizes of the arrays: one action."""
    if not source.rows_from:
        return raw.count()
    size = F.greatest(F.coalesce(F.size(_path(source.rows_from)), F.lit(0)), F.lit(1))
    counted = raw.agg(F.sum(size).alias("rows")).first()
    return int(counted["rows"] or 0) if counted is not None else 0


def with_filter(source: Source, target: StructType) -> tuple[Source, StructType]:
    """``source`` and ``target`` with the column WANTED, where the source has a ``where``."""
    if not source.where:
        return source, target
    columns = {**source.columns, WANTED: ColumnMapping(expr=source.where)}
    return source.model_copy(update={"columns": columns}), StructType([*target]).add(WANTED, "boolean")


def is_unwanted(reason: str = "read_error") -> Column:
    """True for a mapped row that was read (it has no ``reason``) and for which ``where`` does not hold."""
    return F.col(reason).isNull() & ~F.coalesce(F.col(WANTED), F.lit(False))


def _path(path: str) -> Column:
    return F.col(".".join(f"`{part}`" for part in path.split(".")))


def _type_of(raw: DataFrame, source: Source, path: str, key: str) -> DataType:
    """The type of the column or field that ``path`` names."""
    kind: DataType = raw.schema
    for part in path.split("."):
        fields = {field.name.lower(): field for field in kind.fields} if isinstance(kind, StructType) else {}
        if part.lower() not in fields:
            known = [name for name in (field.name for field in fields.values()) if name not in KEPT]
            raise no_elements(source, f"{key} names '{path}': there is no '{part}'.{did_you_mean(part, known)}")
        kind = fields[part.lower()].dataType
    return kind
