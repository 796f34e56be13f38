"""What a source of each ingest maps to: canonical columns, their types, and those that a row cannot do without."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pyspark.sql.types import StructType

from common.errors import UsageError
from common.words import did_you_mean


@dataclass(frozen=True)
class Missing:
    """The reason of a row that has none of ``columns``."""

    columns: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class Target:
    """The canonical columns of one ingest.

    ``required`` are groups of columns: a source maps all of at least one group. ``missing`` are the reasons for a row
    without a value, as the job gives them. ``personal`` are the columns that may hold personal data.
    """

    job: str
    schema: StructType
    required: tuple[tuple[str, ...], ...]
    missing: tuple[Missing, ...]
    times: tuple[str, ...]
    identifiers: tuple[str, ...]
    personal: frozenset[str]

    def lacking(self, mapped: set[str]) -> list[str]:
        """The columns that a source with these columns still lacks, those of the group that is nearest to complete."""
        return min(([name for name in group if name not in mapped] for group in self.required), key=len)


def _events() -> Target:
    from jobs.clickstream.events.columns import IDENTIFIERS, TARGET
    from jobs.clickstream.events.tables import EVENTS

    times = ("true_tstamp", "derived_tstamp", "collector_tstamp", "dvce_created_tstamp", "dvce_sent_tstamp")
    return Target(
        job="clickstream.ingest",
        schema=TARGET,
        required=tuple(
            (time, who)
            for time in ("collector_tstamp", "dvce_created_tstamp", "derived_tstamp", "true_tstamp")
            for who in ("domain_userid", "user_id", "user_ipaddress")
        ),
        missing=(
            Missing(times, "EVT-001 no time could be read"),
            Missing(("domain_userid", "user_id", "user_ipaddress"), "EVT-004 no visitor id, user id or address"),
        ),
        times=times,
        identifiers=IDENTIFIERS,
        personal=frozenset({*EVENTS.personal_columns, "user_ipaddress"}),
    )


def _transactions() -> Target:
    from jobs.fraud.transactions.tables import TRANSACTION_FEED, TRANSACTION_REQUIRED, TRANSACTIONS

    return Target(
        job="fraud.ingest",
        schema=TRANSACTION_FEED,
        required=TRANSACTION_REQUIRED,
        missing=(
            Missing(("transaction_id",), "FRD-101 the transaction has no id"),
            Missing(("tx_datetime",), "FRD-102 the time is missing or cannot be read"),
            Missing(("customer_id",), "FRD-103 the customer is missing"),
            Missing(("terminal_id", "merchant_id"), "FRD-104 the terminal is missing"),
            Missing(
                ("tx_amount",),
                "FRD-105 the amount is missing, not a number, or has more than four decimals or too many digits",
            ),
        ),
        times=("tx_datetime",),
        identifiers=("transaction_id", "customer_id", "terminal_id", "merchant_id", "device"),
        personal=frozenset(TRANSACTIONS.personal_columns),
    )


def _labels() -> Target:
    from jobs.fraud.transactions.tables import LABEL_FEED

    return Target(
        job="fraud.ingest_labels",
        schema=LABEL_FEED,
        required=(("transaction_id", "reported_at", "is_fraud"),),
        missing=(
            Missing(("transaction_id",), "FRD-111 the report names no transaction"),
            Missing(("reported_at",), "FRD-112 the time of the report is missing or cannot be read"),
            Missing(("is_fraud",), "FRD-113 the report says neither fraud nor honest"),
        ),
        times=("reported_at",),
        identifiers=("transaction_id",),
        personal=frozenset(),
    )


def _sales() -> Target:
    from jobs.forecast.sales.tables import SALES, SALES_FEED

    return Target(
        job="forecast.ingest",
        schema=SALES_FEED,
        required=(("item_id", "sold_at", "quantity"), ("unique_id", "ds", "y")),
        missing=(
            Missing(("item_id", "unique_id"), "FCT-101 the item or series is missing"),
            Missing(("sold_at", "ds"), "FCT-102 the time is missing or cannot be read"),
            Missing(("quantity", "y"), "FCT-103 the quantity is missing or cannot be read"),
        ),
        times=("sold_at", "ds"),
        identifiers=("invoice_id", "transaction_id", "item_id", "customer_id", "unique_id"),
        personal=frozenset(SALES.personal_columns),
    )


def _stock() -> Target:
    from jobs.forecast.stock.tables import REQUIRED, STOCK_FEED

    return Target(
        job="forecast.ingest_stock",
        schema=STOCK_FEED,
        required=REQUIRED,
        missing=(
            Missing(("unique_id", "item_id", "item_name", "store"), "FCT-121 the series of the stock is missing"),
            Missing(("counted_at",), "FCT-122 the time of counting is missing or cannot be read"),
            Missing(
                ("on_hand", "on_order", "supplier"),
                "FCT-123 the units on hand and on order are missing or cannot be read",
            ),
        ),
        times=("counted_at",),
        identifiers=("unique_id", "item_id", "order_id"),
        personal=frozenset(),
    )


def _calendar() -> Target:
    from jobs.forecast.regressors.tables import CALENDAR_FEED, REQUIRED

    return Target(
        job="forecast.ingest_calendar",
        schema=CALENDAR_FEED,
        required=REQUIRED,
        missing=(
            Missing(("name",), "FCT-161 the name of what is planned is missing"),
            Missing(("starts_on", "ds"), "FCT-162 the first day is missing or cannot be read"),
            Missing(("known_at",), "FCT-163 the time at which it was known is missing or cannot be read"),
        ),
        times=("known_at",),
        identifiers=("unique_id", "item_id"),
        personal=frozenset(),
    )


def _items() -> Target:
    from jobs.forecast.items.tables import ITEMS, ITEMS_FEED, REQUIRED

    return Target(
        job="forecast.ingest_items",
        schema=ITEMS_FEED,
        required=REQUIRED,
        missing=(
            Missing(("unique_id", "item_id"), "FCT-181 the series or item is missing"),
            Missing(("known_at", "starts_at"), "FCT-182 the day from which this holds is missing or cannot be read"),
        ),
        times=("known_at", "starts_at"),
        identifiers=("unique_id", "item_id", "replaces"),
        personal=frozenset(ITEMS.personal_columns),
    )


def _overrides() -> Target:
    from jobs.forecast.overrides.tables import OVERRIDES_FEED, REQUIRED

    return Target(
        job="forecast.ingest_overrides",
        schema=OVERRIDES_FEED,
        required=REQUIRED,
        missing=(
            Missing(("unique_id", "item_id", "item_name", "store"), "FCT-191 the series of the override is missing"),
            Missing(("first_ds",), "FCT-192 the first period is missing or cannot be read"),
            Missing(("y_hat", "factor"), "FCT-193 it gives neither units nor a factor, or both"),
            Missing(("reason",), "FCT-195 the reason is missing"),
            Missing(("made_at",), "FCT-196 the time at which it was made is missing or cannot be read"),
        ),
        times=("made_at",),
        identifiers=("unique_id", "item_id"),
        personal=frozenset(),
    )


_TARGETS: dict[str, Callable[[], Target]] = {
    "clickstream.ingest": _events,
    "fraud.ingest": _transactions,
    "fraud.ingest_labels": _labels,
    "forecast.ingest": _sales,
    "forecast.ingest_stock": _stock,
    "forecast.ingest_calendar": _calendar,
    "forecast.ingest_items": _items,
    "forecast.ingest_overrides": _overrides,
}
JOBS = tuple(_TARGETS)


def target_of(job: str) -> Target:
    """The target of an ingest. Raises UsageError FED-001 for any other job."""
    if job not in _TARGETS:
        raise UsageError(
            "FED-001",
            f"'{job}' does not ingest files.{did_you_mean(job, JOBS)}",
            remedy=f"Give --for {', '.join(JOBS)}.",
        )
    return _TARGETS[job]()


def guessed_target(columns: set[str]) -> Target:
    """The target that has the most of these canonical columns. Raises UsageError FED-001 when none has all of them."""
    fitting = [target for target in map(target_of, JOBS) if columns <= set(target.schema.names)]
    if not fitting:
        raise UsageError(
            "FED-001",
            "The columns of the source belong to no single ingest.",
            cause=f"It maps {', '.join(sorted(columns))}.",
            remedy=f"Say which one it is for: --for {', '.join(JOBS)}.",
        )
    return min(fitting, key=lambda target: len(target.lacking(columns)))
