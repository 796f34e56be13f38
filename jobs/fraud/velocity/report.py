"""The report of fraud.features: what the features hold, and how many of them were proved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from common.report.wording import plural
from common.sources.mapping.extra import CATEGORIES, NUMBERS
from jobs.fraud.velocity.params import FeaturesParams
from jobs.fraud.velocity.tables import FEATURES

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from common.report.builder import ReportBuilder
    from common.run.counts import Counts


def features_report(report: ReportBuilder, params: FeaturesParams, rows: DataFrame, *, counts: Counts) -> None:
    """Fill the report about ``rows`` of fraud.features."""
    wanted = [
        function(name).alias(f"{name} {word}")
        for name in FEATURES
        for word, function in (("least", F.min), ("mean", F.avg), ("most", F.max))
    ]
    facts = rows.agg(
        F.count(F.lit(1)).alias("rows"), F.countDistinct("customer_id").alias("customers"), *wanted
    ).first()
    if facts is None or not facts["rows"]:
        report.headline("Transactions", "0", "all of these days were withdrawn, and their features with them")
        return
    proved = int(counts.details.get("rows_proved", 0))
    report.headline("Transactions", f"{facts['rows']:,}", f"of {plural(facts['customers'], 'customer')}")
    report.headline("Label delay", plural(params.label_delay_days, "day"), "no label is used before it was reported")
    outcome = "recomputed from the raw log as of their time: no difference" if proved else "the proof was switched off"
    report.headline("Proved rows", f"{proved:,}", outcome)
    table = [(name, *(round(facts[f"{name} {word}"], 4) for word in ("least", "mean", "most"))) for name in FEATURES]
    report.table("Features", ("feature", "least", "mean", "most"), table)
    if params.extra_features:
        _free_columns(report, params, rows)


def _free_columns(report: ReportBuilder, params: FeaturesParams, rows: DataFrame) -> None:
    """How many rows have a value of each: the values are personal."""
    names = list(dict.fromkeys(params.extra_features))
    # In two steps: Spark 3.5 cannot name an aggregate of try_element_at.
    values = [
        F.coalesce(F.try_element_at(NUMBERS, F.lit(name)).cast("string"), F.try_element_at(CATEGORIES, F.lit(name)))
        for name in names
    ]
    named = rows.select(*(value.alias(name) for name, value in zip(names, values, strict=True)))
    found = named.agg(*(F.count(name) for name in names)).first() or ()
    report.table("Free columns", ("column", "rows with a value"), list(zip(names, found, strict=True)))
