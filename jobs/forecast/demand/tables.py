"""Demand on a grid of periods, and what each series is."""

from __future__ import annotations

from pyspark.sql.types import (
    BooleanType,
    LongType,
    MapType,
    StructField,
    StructType,
)

from common.lake.table import Table
from jobs.forecast.fields import DAY, NUMBER, TEXT, WHOLE, optional, required

DEMAND = Table(
    name="forecast.demand",
    layer="gold",
    schema=StructType(
        [
            *required(TEXT, "unique_id", "freq"),
            *required(DAY, "ds"),
            *optional(NUMBER, "y"),
            *required(NUMBER, "units_sold", "units_returned"),
            *required(BooleanType(), "is_closed"),
            # Null in rows of earlier releases.
            *optional(WHOLE, "hour"),
            *optional(BooleanType(), "is_censored"),
            *optional(NUMBER, "units_lost"),
        ]
    ),
    keys=("unique_id", "ds", "hour"),
    day_column="ds",
    cluster_by=("unique_id",),
    suite="forecast.demand",
    description=(
        "Demand on a full grid, one row per series and period from its first sale on: a period without a row of sales "
        "is zero demand, or is_closed when nobody could buy; in a gap of a ready series y is null, which is unknown. "
        "hour is that in which an hourly period begins, 0 for longer ones. is_censored: out of stock, so y, what "
        "was sold, is a lower bound; units_lost is what demand is estimated to have been beyond it."
    ),
)


SERIES = Table(
    name="forecast.series",
    layer="gold",
    schema=StructType(
        [
            *required(DAY, "as_of_date"),
            *required(TEXT, "unique_id", "freq", "status"),
            *optional(TEXT, "reason", "item_name"),
            *optional(DAY, "first_ds", "last_ds", "last_sale_ds"),
            *required(LongType(), "periods", "open_periods", "demand_periods"),
            *required(NUMBER, "units", "value"),
            *optional(NUMBER, "adi", "cv2"),
            *optional(TEXT, "demand_class"),
            # Null in rows of earlier releases.
            *optional(TEXT, "level"),
            StructField("attributes", MapType(TEXT, TEXT)),
            *optional(WHOLE, "first_hour", "last_hour"),
            *optional(TEXT, "replaced_by"),
            *optional(LongType(), "censored_periods"),
            *optional(DAY, "starts_day"),
        ]
    ),
    keys=("unique_id",),
    day_column="as_of_date",
    suite="forecast.series",
    description=(
        "What each series is as of a day: its class of demand, and whether it is modelled, forecast by a fallback, "
        "or left out, with the reason. level names the level of an aggregate, null for a series of its own: only these "
        "are ordered. attributes are values of the columns asked for, as known on that day. "
        "replaced_by is the series that has its history, censored_periods are those out of stock. starts_day is the "
        "first day on sale of one that is announced and not sold yet: it has no periods."
    ),
)
