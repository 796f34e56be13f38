"""Keeps payment card numbers out of the lake: what an ingest does to its records before it writes the first of them.

In free text a card number is masked. An id must not be: two cards could get one mask, and one in ten long numeric ids
has the right sum by chance. So a field of ids keeps its text, unless more than half of its values that have the shape
of a card number also have the right sum: then it holds cards, and each value with a card number becomes its keyed
pseudonym, which is the same in every batch and feed, so rows can still be joined. Ids are the fields that the mapping
makes ids of, and any other whose bare numbers mostly have a wrong sum: a mapping that is corrected later finds them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark import StorageLevel
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from common.intake.bronze import LINE, RECORD
from common.privacy.card_numbers import has_card_shape, holds_card_number, is_bare_number, with_masked_cards
from common.privacy.pseudonyms import pseudonym_columns
from common.report.wording import plural
from common.run.pseudonym_key import pseudonym_key

if TYPE_CHECKING:
    from common.run.context import RunContext

MASKED_ROWS = "rows_with_card_numbers"
"""The run's detail count of rows in which card numbers were masked or replaced."""

_SHAPED, _ENTRIES, _IDS, _SENT = "_has_card_shape", "_entries", "_ids", "_sent"
_PLACE = ("_file", "_line", "_file_sha256")
_LARGEST_SHARE_BY_CHANCE = 0.5
_MOST_FIELDS = 1_000
# A pseudonym that took the place of a bare number needs quotes, or the record is no JSON any more.
_BEFORE, _AFTER = r'(?<=[0-9A-Za-z_]":)(\s{0,3})', r"(?=\s{0,3}[,}])"


@dataclass(frozen=True)
class _Found:
    """Fields of records with numbers that look like cards: ids that hold cards, ids that do not, other such fields."""

    cards: list[str]
    ids: list[str]
    fields: list[str]


@contextmanager
def without_card_numbers(
    context: RunContext,
    sent: DataFrame,
    mapped: Callable[[DataFrame], DataFrame],
    identifiers: Sequence[str],
    rows_from: str = "",
) -> Iterator[DataFrame]:
    """``sent`` (rows of common.intake.bronze.sent_rows) without card numbers in any record or line.

    ``mapped`` makes canonical columns of such rows, and keeps the record in ``_raw``; ``identifiers`` are those of them
    that hold ids. With ``rows_from`` it makes a row of each element of that array of a record. The rows are computed
    once and held by the executors until the block ends. Where no text has the shape of a card number, nothing more is
    done than one look at each. Adds to the run's counts, warns and shows it on the page. Raises UsageError PRV-001 when
    a field of ids holds cards and no pseudonym key is set.
    """
    shaped = F.coalesce(has_card_shape(F.coalesce(RECORD, LINE)), F.lit(False))
    held = sent.withColumn(_SHAPED, shaped).persist(StorageLevel.MEMORY_AND_DISK)
    try:
        suspects = held.where(_SHAPED).drop(_SHAPED)
        context.counts.detail(MASKED_ROWS, context.counts.details.get(MASKED_ROWS, 0))
        if suspects.isEmpty():
            yield held.drop(_SHAPED)
            return
        records = suspects.where(F.col(RECORD).isNotNull())
        rows = _with_ids(mapped(records), identifiers)
        entries = records.select(*_PLACE, F.col(RECORD).alias("_raw"), _entries(F.col(RECORD), rows_from))
        found = _found(rows, entries, identifiers)
        known = _known(context, rows, found)
        whole = _whole(known, entries, found) if rows_from else known
        cleaned = _cleaned(whole, found, several=bool(rows_from)).unionByName(_cleaned_lines(suspects))
        _count(context, cleaned, found)
        yield held.where(~F.col(_SHAPED)).drop(_SHAPED).unionByName(cleaned.select(*sent.columns))
    finally:
        held.unpersist()


def _with_ids(rows: DataFrame, identifiers: Sequence[str]) -> DataFrame:
    """Mapped rows with what the mapping makes ids of, and their record in ``_raw``."""
    given = [F.col(name).cast("string").alias(name) for name in identifiers if name in rows.columns]
    return rows.select(*given, *_PLACE, "_raw", _entries(F.col("_raw")))


def _entries(record: Column, rows_from: str = "") -> Column:
    """The fields of a record and those of the elements of its array, as ``_entries array<struct<key, value>>``."""
    none = F.array().cast("array<struct<key:string,value:string>>")
    fields = F.coalesce(F.map_entries(F.from_json(record, "map<string,string>")), none)
    if rows_from and "'" not in rows_from:
        path = "".join(f"['{part}']" for part in rows_from.split("."))
        found = F.from_json(F.get_json_object(record, f"${path}"), "array<map<string,string>>")
        each = F.flatten(F.transform(F.filter(found, F.isnotnull), F.map_entries))
        # A field of an element is another one than that of the record with the same name.
        named = F.transform(each, lambda one: F.struct(F.concat(F.lit("[]."), one["key"]).alias("key"), one["value"]))
        fields = F.concat(fields, F.coalesce(named, none))
    return fields.alias(_ENTRIES)


def _found(rows: DataFrame, entries: DataFrame, identifiers: Sequence[str]) -> _Found:
    names = [name for name in identifiers if name in rows.columns]
    numbers = {}
    if names:
        counted = rows.agg(
            *(F.count_if(has_card_shape(F.col(name))).alias(f"shape_{name}") for name in names),
            *(F.count_if(holds_card_number(F.col(name))).alias(f"card_{name}") for name in names),
        ).first()
        numbers = counted.asDict() if counted is not None else {}
    cards = [
        name
        for name in names
        if numbers.get(f"card_{name}", 0) > _LARGEST_SHARE_BY_CHANCE * numbers.get(f"shape_{name}", 0)
    ]
    fields = entries.select(F.inline(_ENTRIES)).where(is_bare_number(F.col("value")) & has_card_shape(F.col("value")))
    by_field = fields.groupBy("key").agg(
        F.count(F.lit(1)).alias("shape"), F.count_if(holds_card_number(F.col("value"))).alias("card")
    )
    kept = by_field.where(F.col("card") <= _LARGEST_SHARE_BY_CHANCE * F.col("shape"))
    return _Found(
        cards,
        [name for name in names if name not in cards],
        sorted(row["key"] for row in kept.limit(_MOST_FIELDS).collect()),
    )


def _known(context: RunContext, rows: DataFrame, found: _Found) -> DataFrame:
    """``rows`` with the ids that are no cards in ``_ids``, and with the pseudonyms of those that are."""
    known = rows.withColumn(_IDS, F.concat_ws("\n", F.lit(""), *(F.col(name) for name in found.ids)))
    if not found.cards:
        return known
    # Whole columns go through Python: Spark 4.1 finds no Python function whose argument holds a lambda.
    hidden = pseudonym_columns(rows, found.cards, pseudonym_key(context))
    return known.withColumns({f"_hidden_{name}": column for name, column in hidden.items()})


def _whole(known: DataFrame, entries: DataFrame, found: _Found) -> DataFrame:
    """The rows of elements as one row per record again: ``_ids`` of all of them, and each id that is a card with its
    pseudonym in ``_pairs_*``.
    """
    key = [*_PLACE, "_raw"]
    pairs = [
        F.collect_set(
            F.when(
                holds_card_number(F.col(name)), F.struct(F.col(name).alias("id"), F.col(f"_hidden_{name}").alias("as"))
            )
        ).alias(f"_pairs_{name}")
        for name in found.cards
    ]
    by_record = known.groupBy(*key).agg(F.concat_ws("\n", F.collect_set(_IDS)).alias(_IDS), *pairs)
    # Equal records of one line are several.
    return entries.join(by_record, key)


def _cleaned(known: DataFrame, found: _Found, *, several: bool) -> DataFrame:
    """One row per record with the columns of ``sent_rows``, and ``_sent``, the text as it was."""
    of_fields = F.transform(F.filter(_ENTRIES, lambda one: one["key"].isin(found.fields)), lambda one: one["value"])
    spared = F.concat_ws("\n", F.col(_IDS), of_fields)
    record = F.col("_raw")
    for name in found.cards:
        if several:
            record = F.aggregate(f"_pairs_{name}", record, lambda text, pair: _replaced(text, pair["id"], pair["as"]))
        else:
            changed = _replaced(record, F.col(name), F.col(f"_hidden_{name}"))
            record = F.when(holds_card_number(F.col(name)), changed).otherwise(record)
    return known.select(
        with_masked_cards(record, spared).alias(RECORD),
        F.lit(None).cast("string").alias(LINE),
        F.lit(None).cast("string").alias("read_error"),
        *_PLACE,
        F.col("_raw").alias(_SENT),
    )


def _replaced(record: Column, value: Column, hidden: Column) -> Column:
    """``record`` with the pseudonym of an id in its place, in quotes also where the id was a bare number."""
    swapped = F.replace(record, value, hidden)
    return F.regexp_replace(
        swapped, F.concat(F.lit(_BEFORE), hidden, F.lit(_AFTER)), F.concat(F.lit('$1"'), hidden, F.lit('"'))
    )


def _cleaned_lines(suspects: DataFrame) -> DataFrame:
    """The lines that are no records; nothing is known of their fields."""
    lines = suspects.where(F.col(RECORD).isNull()).withColumn(_SENT, F.col(LINE))
    return lines.withColumn(LINE, with_masked_cards(F.col(LINE)))


def _count(context: RunContext, cleaned: DataFrame, found: _Found) -> None:
    changed = cleaned.where(~F.coalesce(RECORD, LINE).eqNullSafe(F.col(_SENT))).count()
    context.counts.detail(MASKED_ROWS, context.counts.details.get(MASKED_ROWS, 0) + changed)
    if not changed:
        return
    done = "masked"
    if found.cards:
        done = f"replaced by pseudonyms in {', '.join(found.cards)} and masked elsewhere"
    words = f"Payment card numbers were found in {plural(changed, 'row')}: {done}."
    context.log.warning("%s", words)
    context.report.text("Card numbers", [words, "Ask the sender to leave them out. The raw files still contain them."])
