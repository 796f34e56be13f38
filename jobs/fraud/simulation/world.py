"""Card transactions with known frauds, after the published process of the Fraud Detection Handbook (chapter 3).

Customers and terminals are on a square of 100 by 100. A customer has a mean amount, a mean number of daily transactions
and uses the terminals within a radius. Three frauds are added: (1) every amount above a threshold; (2) each day some
terminals are compromised and every transaction there is fraud for 28 days; (3) each day the card data of some customers
leak, and for 14 days a third of their transactions are fraud with five times the amount.

All randomness is a hash of (seed, purpose, customer, day, number), so the rows are the same however the work is
partitioned and whichever days are asked for. Where that forces a choice: the leaked third is drawn transaction by
transaction, the terminals and customers of a day are drawn one from each of k equal shares of all ids, and a
transaction that two leaks hit is multiplied once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from common.days import DayRange
from jobs.fraud.transactions.tables import AMOUNT

SIDE = 100.0
DAY_SECONDS = 86_400
MEAN_SECOND, STD_SECONDS = DAY_SECONDS / 2, 20_000.0
FRAUD_AMOUNT = 220
TERMINAL_DAYS, CUSTOMER_DAYS = 28, 14
LEAKED_SHARE, LEAKED_FACTOR = 1 / 3, 5
TWO_POW_53 = float(2**53)


@dataclass(frozen=True)
class World:
    """What is simulated: ids run from 0 to ``customers`` - 1 and ``terminals`` - 1, frauds begin at ``first_day``.

    ``radius`` is in units of the square's side of 100. ``terminals_a_day`` and ``customers_a_day`` are newly
    compromised each day, on average. A fraud is reported within ``report_within_days`` of the transaction.
    """

    seed: int
    customers: int
    terminals: int
    first_day: date
    radius: float = 5.0
    highest_mean_amount: float = 100.0
    lowest_mean_amount: float = 5.0
    highest_mean_per_day: float = 4.0
    terminals_a_day: float = 2
    customers_a_day: float = 3
    report_within_days: float = 7.0


def simulate_transactions(customers: DataFrame, terminals: DataFrame, world: World, days: DayRange) -> DataFrame:
    """The transactions of ``days``, with their frauds.

    Columns: those of ``fraud.transactions``, ``is_fraud``, ``fraud_scenario`` (0 for honest rows) and ``reported_at``.
    ``customers`` and ``terminals`` are ranges with the column ``id``.
    """
    visits = _visits(_customers(customers, world), _reachable(customers, terminals, world), world, days)
    return _with_frauds(visits, world).select(
        "transaction_id",
        "tx_datetime",
        "tx_day",
        F.col("customer").cast("string").alias("customer_id"),
        F.col("terminal").cast("string").alias("terminal_id"),
        "tx_amount",
        (F.col("fraud_scenario") > 0).alias("is_fraud"),
        "fraud_scenario",
        "reported_at",
    )


def _uniform(world: World, purpose: str, *parts: Column | int) -> Column:
    """A number in (0, 1), the same for the same seed, purpose and parts."""
    given = [F.lit(part).cast("bigint") if isinstance(part, int) else part.cast("bigint") for part in parts]
    mixed = F.xxhash64(F.lit(purpose), F.lit(world.seed).cast("bigint"), *given)
    # The top 53 bits, moved to the middle of their step so that neither 0 nor 1 comes out.
    return (F.shiftrightunsigned(mixed, 11).cast("double") + F.lit(0.5)) / F.lit(TWO_POW_53)


def _normal(world: World, purpose: str, *parts: Column | int) -> Column:
    """A standard normal number, by Box and Muller."""
    distance = F.sqrt(F.lit(-2.0) * F.log(_uniform(world, f"{purpose} distance", *parts)))
    return distance * F.cos(F.lit(2 * math.pi) * _uniform(world, f"{purpose} angle", *parts))


def _customers(customers: DataFrame, world: World) -> DataFrame:
    spread = world.highest_mean_amount - world.lowest_mean_amount
    amount = F.lit(world.lowest_mean_amount) + F.lit(spread) * _uniform(world, "mean amount", F.col("id"))
    rate = F.lit(world.highest_mean_per_day) * _uniform(world, "transactions a day", F.col("id"))
    return customers.select(F.col("id").alias("customer"), amount.alias("mean_amount"), rate.alias("mean_per_day"))


def _place(world: World, kind: str) -> tuple[Column, Column]:
    x, y = (F.lit(SIDE) * _uniform(world, f"{kind} {axis}", F.col("id")) for axis in ("x", "y"))
    return x, y


def _reachable(customers: DataFrame, terminals: DataFrame, world: World) -> DataFrame:
    """``customer`` and the sorted list of the ``terminals`` within the radius, by a join on cells of that size."""
    x, y = _place(world, "customer")
    size = F.lit(world.radius)
    around = F.explode(
        F.array(*(F.struct(F.lit(i).alias("i"), F.lit(j).alias("j")) for i in (-1, 0, 1) for j in (-1, 0, 1)))
    )
    seekers = customers.select(
        F.col("id").alias("customer"), x.alias("cx"), y.alias("cy"), around.alias("step")
    ).select(
        "customer",
        "cx",
        "cy",
        (F.floor(F.col("cx") / size) + F.col("step.i")).alias("column"),
        (F.floor(F.col("cy") / size) + F.col("step.j")).alias("row"),
    )
    x, y = _place(world, "terminal")
    places = terminals.select(F.col("id").alias("terminal"), x.alias("tx"), y.alias("ty")).select(
        "terminal", "tx", "ty", F.floor(F.col("tx") / size).alias("column"), F.floor(F.col("ty") / size).alias("row")
    )
    is_near = F.hypot(F.col("cx") - F.col("tx"), F.col("cy") - F.col("ty")) < size
    near = seekers.join(places, ["column", "row"], "inner").where(is_near)
    return near.groupBy("customer").agg(F.sort_array(F.collect_list("terminal")).alias("terminals"))


def _visits(customers: DataFrame, reachable: DataFrame, world: World, days: DayRange) -> DataFrame:
    """One row a transaction, before frauds."""
    day_list = F.sequence(F.lit(days.first), F.lit(days.last))
    number_of_day = F.datediff("tx_day", F.lit(world.first_day))
    of_days = (
        customers.join(reachable, "customer", "inner")
        .withColumn("tx_day", F.explode(day_list))
        .withColumn("day", number_of_day)
        .withColumn("count", _poisson(world, F.col("mean_per_day"), F.col("customer"), F.col("day")))
        .where(F.col("count") > 0)
        .withColumn("number", F.explode(F.sequence(F.lit(1), F.col("count"))))
    )
    key = (F.col("customer"), F.col("day"), F.col("number"))
    second = F.floor(F.lit(MEAN_SECOND) + F.lit(STD_SECONDS) * _normal(world, "second", *key))
    drawn = F.col("mean_amount") * (F.lit(1.0) + F.lit(0.5) * _normal(world, "amount", *key))
    redrawn = F.col("mean_amount") * F.lit(2.0) * _uniform(world, "amount again", *key)
    choice = F.floor(_uniform(world, "terminal", *key) * F.size("terminals")).cast("int") + F.lit(1)
    return (
        of_days.withColumn("second", second)
        .where((F.col("second") > 0) & (F.col("second") < DAY_SECONDS))
        .withColumn("amount", F.round(F.when(drawn >= 0, drawn).otherwise(redrawn), 2))
        .select(
            "customer",
            F.element_at("terminals", choice).alias("terminal"),
            "day",
            "number",
            "tx_day",
            F.timestamp_seconds(F.unix_seconds(F.col("tx_day").cast("timestamp")) + F.col("second")).alias(
                "tx_datetime"
            ),
            "amount",
            F.format_string("%s-%07d-%02d", F.date_format("tx_day", "yyyyMMdd"), "customer", "number").alias(
                "transaction_id"
            ),
        )
    )


def _poisson(world: World, mean: Column, *parts: Column) -> Column:
    """A Poisson number of that mean: how many of the growing sums of probabilities are below a uniform number."""
    most = math.ceil(world.highest_mean_per_day + 10 * math.sqrt(world.highest_mean_per_day) + 10)
    share = F.exp(-mean)
    total = share
    drawn = _uniform(world, "count", *parts)
    start = F.struct(share.alias("share"), total.alias("total"), F.lit(0).alias("count"))

    def step(so_far: Column, k: Column) -> Column:
        following = so_far["share"] * mean / k
        return F.struct(
            following.alias("share"),
            (so_far["total"] + following).alias("total"),
            (so_far["count"] + (so_far["total"] < drawn).cast("int")).alias("count"),
        )

    return F.aggregate(F.sequence(F.lit(1), F.lit(most)), start, step, lambda end: end["count"])


def _with_frauds(visits: DataFrame, world: World) -> DataFrame:
    """``tx_amount``, ``fraud_scenario`` and ``reported_at``; of several scenarios the highest number names the row."""
    day = F.col("day")
    is_large = F.col("amount") > FRAUD_AMOUNT
    in_wrong_hands = _drawn_within(world, "terminal", F.col("terminal"), day, TERMINAL_DAYS)
    is_leaked = _drawn_within(world, "customer", F.col("customer"), day, CUSTOMER_DAYS)
    key = (F.col("customer"), day, F.col("number"))
    is_misused = is_leaked & (_uniform(world, "misused", *key) < LEAKED_SHARE)
    amount = F.col("amount") * F.when(F.col("is_misused"), F.lit(LEAKED_FACTOR)).otherwise(F.lit(1))
    scenario = F.when(F.col("is_misused"), 3).when(in_wrong_hands, 2).when(is_large, 1).otherwise(0)
    # Whole seconds: what a report feed carries.
    lag = F.floor(_uniform(world, "report", *key) * F.lit(world.report_within_days * DAY_SECONDS))
    return visits.withColumn("is_misused", is_misused).select(
        "*",
        amount.cast(AMOUNT).alias("tx_amount"),
        scenario.alias("fraud_scenario"),
        F.timestamp_seconds(F.unix_seconds("tx_datetime") + lag).alias("reported_at"),
    )


def _drawn_within(world: World, kind: str, number: Column, day: Column, days: int) -> Column:
    """True when the terminal or customer was drawn on this day or one of the ``days`` - 1 before it."""
    population, mean = {
        "terminal": (world.terminals, world.terminals_a_day),
        "customer": (world.customers, world.customers_a_day),
    }[kind]
    if mean == 0:
        return F.lit(False)
    draws = math.ceil(mean)
    # The id belongs to exactly one share of the population, so one draw per day can hit it.
    share = F.floor(number * F.lit(draws) / F.lit(population))
    lowest = F.ceil(share * F.lit(population) / F.lit(draws))
    highest = F.ceil((share + F.lit(1)) * F.lit(population) / F.lit(draws))

    def is_hit(drawn_on: Column) -> Column:
        drawn = lowest + F.floor(_uniform(world, f"{kind} of the day", drawn_on, share) * (highest - lowest))
        # Below one a day, or between whole numbers, a draw takes place on some days only.
        takes_place = _uniform(world, f"{kind} is drawn", drawn_on, share) < mean / draws
        return (drawn == number) & takes_place

    return F.exists(F.sequence(F.greatest(day - F.lit(days - 1), F.lit(0)), day), is_hit)
