"""What a unit costs in a replay, and what a budget pays for it."""

from __future__ import annotations

import pytest
from pyspark.sql import SparkSession

from jobs.forecast.replays.money import with_unit_costs
from jobs.forecast.replays.params import ReplayParams

pytestmark = pytest.mark.unit


def test_what_is_not_known_costs_nothing_known_and_a_budget_pays_what_the_supplier_says(spark: SparkSession) -> None:
    rows = [("both", 10.0, 4.0), ("price", 10.0, None), ("cost", None, 6.0), ("loss", 3.0, 4.0), ("none", None, None)]
    facts = spark.createDataFrame(rows, "unique_id string, unit_price double, unit_cost double")
    found = with_unit_costs(facts, ReplayParams(cost_share=0.6, holding_rate=0.25), 1.0).collect()
    costs = {row["unique_id"]: (row["unit_cost"], row["shortage_cost"], row["supplier_cost"]) for row in found}
    assert costs == {
        "both": (4.0, 6.0, 4.0),
        "price": (6.0, 4.0, None),
        "cost": (6.0, 4.0, 6.0),
        "loss": (4.0, 0.0, 4.0),
        "none": (None, None, None),
    }
