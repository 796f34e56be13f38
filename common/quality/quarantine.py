"""Rejected rows in the one schema that all quarantines share, without persons in clear."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StringType

from common.privacy.pseudonyms import PseudonymKey, pseudonym_columns
from common.quality.rules import REASONS

RAW = "_raw"
# Where a row was, besides its file: column -> column and type of the quarantine.
_PLACE = {"_line": ("source_line", "bigint"), "_file_sha256": ("source_sha256", "string")}
_KEPT_CHARACTERS = 1024


def to_quarantine(
    rejected: DataFrame,
    *,
    run_id: str,
    job: str,
    quarantined_at: datetime,
    keys: Sequence[str] = (),
    day_column: str | None = None,
    source_file: str = "_file",
    batch_id: str | None = None,
    personal: Sequence[str] = (),
    pseudonym_key: PseudonymKey | None = None,
    raw_in_clear: bool = False,
) -> DataFrame:
    """``rejected`` (with ``reasons``) as the quarantine's columns, one row each.

    ``_file``, ``_line`` and ``_file_sha256`` say where the row was, ``batch_id`` with which batch it was judged.
    ``row_key`` joins the values of ``keys`` with ``|``; ``event_day`` is that of ``day_column``, null when it is no
    date; ``row_json`` holds all other columns, text cut to its first 1,024 characters. Columns of ``personal``, and
    ``_raw`` unless ``raw_in_clear``, stand there (and in ``row_key``) as their pseudonym, or not at all without a key.
    The reasons of over-long and undecodable lines carry the SHA-256 of the line, by which it is found in its file.
    """
    hidden = {name for name in rejected.columns if name in personal or (name == RAW and not raw_in_clear)}
    shown = _hide(rejected, hidden, pseudonym_key)
    fields = [name for name in shown.columns if name not in {REASONS, source_file, *_PLACE}]
    day = F.expr(f"try_cast(`{day_column}` AS DATE)") if day_column in shown.columns else _nothing("date")
    return shown.select(
        F.lit(run_id).alias("run_id"),
        F.lit(job).alias("job"),
        (F.col(source_file) if source_file in shown.columns else _nothing("string")).alias("source_file"),
        _row_key([name for name in keys if name in shown.columns]).alias("row_key"),
        F.col(REASONS),
        (F.to_json(F.struct(*(_short(shown, name) for name in fields))) if fields else F.lit("{}")).alias("row_json"),
        day.alias("event_day"),
        F.lit(quarantined_at).cast("timestamp").alias("quarantined_at"),
        *(
            (F.col(name) if name in shown.columns else _nothing(kind)).alias(given)
            for name, (given, kind) in _PLACE.items()
        ),
        F.lit(batch_id).cast("string").alias("batch_id"),
    )


def _hide(rows: DataFrame, hidden: set[str], key: PseudonymKey | None) -> DataFrame:
    if key is None:
        return rows.drop(*hidden)
    return rows.withColumns(pseudonym_columns(rows, sorted(hidden), key))


def _short(rows: DataFrame, name: str) -> Column:
    text = isinstance(rows.schema[name].dataType, StringType)
    return F.substring(name, 1, _KEPT_CHARACTERS).alias(name) if text else F.col(name)


def _row_key(keys: Sequence[str]) -> Column:
    if not keys:
        return _nothing("string")
    return F.concat_ws("|", *(F.coalesce(F.col(name).cast("string"), F.lit("")) for name in keys))


def _nothing(type_name: str) -> Column:
    return F.lit(None).cast(type_name)
