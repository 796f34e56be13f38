"""What ingests of this family share: the fate of rows that their content names, and the beginning of the report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from common.intake.fates import FATE, NEW, REJECTED, REPEATED
from common.quality.rules import REASONS
from common.report.wording import plural

if TYPE_CHECKING:
    from common.intake.feed import Taken
    from common.report.builder import ReportBuilder


def settled_by_content(ruled: DataFrame, stored: DataFrame | None, content: Sequence[str]) -> DataFrame:
    """Rows with ``reasons``, with ``line_id``, made of the columns ``content``, and their fate.

    Of rows that say the same, in this batch or in ``stored`` (published rows with ``line_id``), one is new.
    """
    is_fine = F.size(REASONS) == 0
    said = F.md5(F.concat_ws("\x1f", *(F.coalesce(F.col(name).cast("string"), F.lit("\x00")) for name in content)))
    # Rejected rows must not compete for the place of good ones.
    equal = Window.partitionBy("line_id", is_fine).orderBy("_file_sha256", "_file", "_line")
    rows = ruled.withColumn("line_id", said).withColumn("_nth", F.row_number().over(equal))
    is_stored = F.lit(False)
    if stored is not None:
        ids = stored.select("line_id", F.lit(True).alias("_there"))
        rows, is_stored = rows.join(ids, "line_id", "left"), F.coalesce("_there", F.lit(False))
    fate = F.when(~is_fine, REJECTED).when((F.col("_nth") > 1) | is_stored, REPEATED).otherwise(NEW)
    return rows.withColumn(FATE, fate).drop("_nth", "_there")


def report_taken(
    report: ReportBuilder, taken: Taken, *, title: str, new: str, repeated: str, table: str, days: str = ""
) -> None:
    """Fill ``report``. ``new`` and ``repeated`` say what such rows are; ``days``, with places for the first and the
    last day, is a sentence; ``table`` is the quarantine.
    """
    report.title = title
    report.headline(new, f"{taken.fates.get(NEW, 0):,}", f"from {plural(taken.files, 'new file')}")
    report.headline("Sent twice", f"{taken.fates.get(REPEATED, 0):,}", repeated)
    report.headline("Rejected", f"{taken.fates.get(REJECTED, 0):,}", "kept in the quarantine")
    if days and taken.first_day:
        report.text("Days", [days.format(taken.first_day, taken.last_day)])
    if taken.reasons:
        ranked = sorted(taken.reasons.items(), key=lambda pair: (-pair[1], pair[0]))
        report.quarantine(ranked, table=table)
