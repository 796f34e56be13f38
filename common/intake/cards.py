"""Keeps payment card numbers out of the lake: what an ingest does to its rows before it writes the first of them.

In free text a card number is masked. An id must not be: two cards could get one mask, and one in ten long numeric ids
has the right sum by chance. So a column of ids keeps its text, unless more than half of its values that have the shape
of a card number also have the right sum: then it holds cards, and each value with a card number becomes its keyed
pseudonym, which is the same in every batch and feed, so rows can still be joined.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pyspark import StorageLevel
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StringType

from common.privacy.card_numbers import has_card_shape, holds_card_number, with_masked_cards
from common.privacy.pseudonyms import pseudonym_columns
from common.report.wording import plural
from common.run.pseudonym_key import pseudonym_key

if TYPE_CHECKING:
    from common.run.context import RunContext

MASKED_ROWS = "rows_with_card_numbers"
"""The run's detail count of rows in which card numbers were masked or replaced."""

_SHAPED = "_has_card_shape"
_STAMPS = ("_file", "_file_sha256", "_batch_id", "_raw", "read_error")
_LARGEST_SHARE_BY_CHANCE = 0.5


@contextmanager
def without_card_numbers(context: RunContext, rows: DataFrame, identifiers: Sequence[str]) -> Iterator[DataFrame]:
    """``rows`` of a bronze table without card numbers in any text column; ``identifiers`` are its columns of ids.

    The rows are computed once and held by the executors until the block ends. Where no text has the shape of a card
    number, nothing more is done than one look at each. Adds to the run's counts, warns and tells the page. Raises
    UsageError PRV-001 when a column of ids holds cards and no pseudonym key is set.
    """
    texts = [item.name for item in rows.schema if isinstance(item.dataType, StringType) and item.name not in _STAMPS]
    shaped = F.lit(False)
    for name in texts:
        shaped = shaped | F.coalesce(has_card_shape(F.col(name)), F.lit(False))
    held = rows.withColumn(_SHAPED, shaped).persist(StorageLevel.MEMORY_AND_DISK)
    try:
        yield _without_cards(context, held, texts, identifiers).drop(_SHAPED)
    finally:
        held.unpersist()


def _without_cards(context: RunContext, held: DataFrame, texts: Sequence[str], identifiers: Sequence[str]) -> DataFrame:
    shaped, numbers = _numbers_of(held, texts)
    ids = [name for name in shaped if name in identifiers]
    cards = [name for name in ids if numbers[name] > _LARGEST_SHARE_BY_CHANCE * shaped[name]]
    kept = [name for name in texts if name in identifiers and name not in cards]
    free = [name for name in shaped if name not in identifiers and numbers[name]]
    # The record repeats the row's ids; those that are no cards must not be lost there either.
    spared = F.concat_ws("\n", *(F.col(name) for name in kept)) if kept else None
    masked = {name: with_masked_cards(F.col(name), spared) for name in free}
    total, changed = _changed_rows(held, masked, cards)
    context.counts.detail(MASKED_ROWS, context.counts.details.get(MASKED_ROWS, 0) + total)
    if not total:
        return held
    _say(context, total, [name for name in masked if changed[name]], cards)
    clean = held.withColumns(
        {name: F.when(F.col(_SHAPED), value).otherwise(F.col(name)) for name, value in masked.items()}
    )
    return _with_pseudonyms(context, clean, cards) if cards else clean


def _numbers_of(held: DataFrame, texts: Sequence[str]) -> tuple[dict[str, int], dict[str, int]]:
    """For each column with texts of the shape of a card: how many have it, and in how many the sum is right too."""
    counted = held.where(_SHAPED).agg(
        *(F.count_if(has_card_shape(F.col(name))).alias(f"shape_{name}") for name in texts),
        *(F.count_if(holds_card_number(F.col(name))).alias(f"card_{name}") for name in texts),
    )
    found = counted.first()
    numbers = found.asDict() if found is not None else {}
    shaped = {name: numbers[f"shape_{name}"] for name in texts if numbers.get(f"shape_{name}")}
    return shaped, {name: numbers[f"card_{name}"] for name in shaped}


def _changed_rows(held: DataFrame, masked: dict[str, Column], cards: Sequence[str]) -> tuple[int, dict[str, int]]:
    """How many rows change, and in how many each masked column does."""
    differs = {name: ~value.eqNullSafe(F.col(name)) for name, value in masked.items()}
    differs |= {name: F.coalesce(holds_card_number(F.col(name)), F.lit(False)) for name in cards}
    if not differs:
        return 0, {}
    any_of = F.greatest(*differs.values(), F.lit(False))
    found = held.where(_SHAPED).agg(
        F.count_if(any_of).alias("_any"), *(F.count_if(value).alias(name) for name, value in differs.items())
    )
    row = found.first()
    numbers = row.asDict() if row is not None else {}
    return numbers.get("_any", 0), {name: numbers.get(name, 0) for name in differs}


def _with_pseudonyms(context: RunContext, rows: DataFrame, cards: Sequence[str]) -> DataFrame:
    # The whole column goes through Python: Spark 4.1 finds no Python function whose argument holds a lambda.
    hidden = pseudonym_columns(rows, cards, pseudonym_key(context))
    is_card = {name: F.col(_SHAPED) & holds_card_number(F.col(name)) for name in cards}
    return rows.withColumns({name: F.when(is_card[name], hidden[name]).otherwise(F.col(name)) for name in cards})


def _say(context: RunContext, total: int, masked: Sequence[str], cards: Sequence[str]) -> None:
    done = []
    if masked:
        done.append(f"masked in {', '.join(masked)}")
    if cards:
        done.append(f"replaced by pseudonyms in {', '.join(cards)}")
    words = f"Payment card numbers were found in {plural(total, 'row')}: {' and '.join(done)}."
    context.log.warning("%s", words)
    context.report.text("Card numbers", [words, "Ask the sender to leave them out. The raw files still contain them."])
