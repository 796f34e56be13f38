"""The planner's page: orders by reason, changes, exceptions, fans, accuracy by class, and what was wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from common.report.wording import plural
from jobs.forecast.planning.exceptions import LABELS, OCCASIONS, Look
from jobs.forecast.planning.fans import classes, fan, value_added
from jobs.forecast.planning.looking_back import changes, misses, overrides
from jobs.forecast.planning.reasons import ENOUGH, NO_DEMAND, SAFETY, TOO_LATE, UNKNOWN, UNTIL_NEXT
from jobs.forecast.planning.wording import Total, among, filled, last, listed_words, or_nothing, rounded, share, whole

if TYPE_CHECKING:
    from common.report.builder import ReportBuilder
    from jobs.forecast.planning.figures import Figures
    from jobs.forecast.planning.params import PageParams

_WHY = {
    TOO_LATE: "Sold out before these goods come",
    UNTIL_NEXT: "Sold out before the next order comes",
    SAFETY: "Enough for the usual, not for more",
    UNKNOWN: "Stock unknown: the usual order",
}
_MEANS = {
    TOO_LATE: "Stock and open orders are less than is expected to be sold until what is ordered today comes.",
    UNTIL_NEXT: "They last until today's order comes, but not until that of the next review.",
    SAFETY: "They cover what is expected, but not the safety stock on top of it.",
    UNKNOWN: "Nobody has counted them, so each order is what the policy usually orders. Send counts to "
    "forecast.ingest_stock, and the orders follow the stock.",
}
_LABELS = {
    "suspicious data": "Look at the data first: the forecast and the order may rest on a mistake.",
    "new item": "Too little history to compare with: the band is that of others.",
    "ending": "Order for these only what you would order without a forecast.",
    "more zeros": "A shelf that is empty looks like no demand.",
    "promoted lately": "What was sold on promotion is no new level: a forecast that does not know of the promotion may "
    "expect as much again.",
    "promotion or event ahead": "Where the forecast does not know of it, say what it will bring: an override, or a "
    "regressor of forecast.backtest.",
    "structural break": "Another level than before, beyond what most series did. With less than two years of history "
    "it may be the season; otherwise the forecast follows it only slowly.",
    "old stock count": "The order is as right as the count.",
    "fallback": "A model failed, or none could be scored: something simpler made the forecast.",
}


def write_report(
    report: ReportBuilder,
    params: PageParams,
    look: Look,
    figures: Figures,
    ledger: Sequence[Mapping[str, Any]],
    *,
    as_of: date,
    has_orders: bool,
    for_all: Sequence[str] = (),
) -> None:
    """Fill the page; ``has_orders``: forecast.replenish has run for the day; ``for_all``: what is planned for all."""
    report.title = f"Plan as of {as_of}"
    if params.forecasts == "reconciled":
        report.title += ", by forecasts that add up"

    def total(name: str) -> float:
        return float(sum(row[name] or 0 for row in figures.groups))

    _headlines(report, look, figures, total, has_orders=has_orders)
    if has_orders:
        _orders(report, figures, total, params.report_top)
    else:
        report.text(
            "What to order today",
            [f"There are no orders as of {as_of}. Run forecast.replenish for that day, then this page again."],
        )
    if for_all:
        report.text("Planned for all items", [f"{'; '.join(for_all)}."])
    _exceptions(report, figures, params.report_top)
    changes(report, look, figures, total, params.report_top)
    overrides(report, look, figures)
    misses(report, look, figures, total, params)
    for row in figures.drawn:
        fan(report, row, figures.past, figures.coming, look)
    classes(report, figures.coverage, figures.accuracy)
    value_added(report, ledger)


def _headlines(report: ReportBuilder, look: Look, figures: Figures, total: Total, *, has_orders: bool) -> None:
    if has_orders:
        priced = total("worth") > 0
        report.headline(
            "To order today",
            plural(int(total("orders")), "item"),
            f"{whole(total('units'))} units" + (f", worth {whole(total('worth'))}" if priced else ""),
        )
    odd = sum(row["series"] for row in figures.groups if row["label"])
    report.headline("Exceptions", f"{odd:,}", f"of {plural(int(total('series')), 'series')}")
    if total("same_units_before") > 0:
        report.headline(
            f"Forecast since {last(figures.groups, 'compared_with')}",
            share(total("same_units_moved") / total("same_units_before")),
            f"moved, over the same {look.name}s",
        )
    if total("judged_values"):
        report.headline(
            "Inside the 80 % band",
            share(total("in_80") / total("judged_values")),
            f"of what came after {last(figures.groups, 'judged_of')}",
        )


def _orders(report: ReportBuilder, figures: Figures, total: Total, top: int) -> None:
    priced = total("worth") > 0
    unpriced = int(total("unpriced")) if priced else 0
    rows, quiet = [], []
    for reason in (*_WHY, ENOUGH, NO_DEMAND):
        found = [row for row in figures.groups if row["order_reason"] == reason]
        orders = sum(row["orders"] for row in found)
        idle = sum(row["series"] for row in found) - orders
        if orders:
            sums = (rounded(found, "units"), *((rounded(found, "worth"),) if priced else ()))
            rows.append((_WHY.get(reason, reason), orders, *sums))
        if idle:
            quiet.append(f"{plural(idle, 'item')} {_QUIET.get(reason, 'whose usual order is nothing')}")
    said = [f"Nothing is ordered for {listed_words(quiet)}."] if quiet else []
    if unpriced:
        said.append(f"{plural(unpriced, 'item')} of the orders have no price and no worth.")
    heads = ("why", "items", "units", *(("worth",) if priced else ()))
    note = " ".join([*(["Worth is at the mean sales price of an item."] if priced else []), *said])
    report.table("What to order today, and why", heads, rows, note=note)
    for reason, means in _MEANS.items():
        listed = sorted(
            (row for row in figures.tops if row["order_reason"] == reason and among(row, "order_place", top)),
            key=lambda row: row["order_place"],
        )
        count = sum(row["orders"] for row in figures.groups if row["order_reason"] == reason)
        if listed:
            _order_list(report, _WHY[reason], means, listed, count, priced=priced, counted=reason != UNKNOWN)


_QUIET = {
    ENOUGH: "with enough stock",
    NO_DEMAND: "of which no demand is expected",
    UNKNOWN: "whose stock is unknown and whose usual order is nothing",
}


def _order_list(
    report: ReportBuilder, heading: str, means: str, listed: Sequence[Any], count: int, *, priced: bool, counted: bool
) -> None:
    more = f" The {len(listed)} largest of {count:,}; all are in forecast.orders." if count > len(listed) else ""
    report.table(
        heading,
        *filled(
            (
                *("item", "name", "order"),
                *(("worth",) if priced else ()),
                *(("stock",) if counted else ()),
                "fill up to",
            ),
            [
                (
                    *(row["unique_id"], row["item_name"] or "", round(row["order_quantity"])),
                    *((or_nothing(row["order_value"]),) if priced else ()),
                    *((round(row["stock_position"]),) if counted else ()),
                    round(row["order_up_to"]),
                )
                for row in listed
            ],
        ),
        note=means + more,
        stack=True,
    )


def _exceptions(report: ReportBuilder, figures: Figures, top: int) -> None:
    counts = {label: sum(r["series"] for r in figures.groups if r["label"] == label) for label in LABELS}
    if not any(counts.values()):
        report.text("Exceptions", ["No series is exceptional today: no break, no odd value, no stock of another day."])
        return
    report.table(
        "Exceptions",
        *filled(
            ("what", "items", "what it means"),
            [(label, count, _LABELS[label]) for label, count in counts.items() if count],
        ),
        note="An item has one label, the most urgent. All are in forecast.reviews, with their evidence.",
        stack=True,
    )
    for label, count in counts.items():
        if label in OCCASIONS:
            _occasions(report, label, [row for row in figures.occasions if row["label"] == label])
            continue
        listed = sorted(
            (row for row in figures.tops if row["label"] == label and among(row, "label_place", top)),
            key=lambda row: row["label_place"],
        )
        if listed:
            report.table(
                f"{label[0].upper()}{label[1:]}",
                *filled(
                    ("item", "name", "evidence"),
                    [(row["unique_id"], row["item_name"] or "", row["evidence"]) for row in listed],
                ),
                note=f"The {len(listed)} most valuable of {count:,}." if count > len(listed) else "",
                stack=True,
            )


def _occasions(report: ReportBuilder, label: str, listed: Sequence[Any]) -> None:
    if listed:
        report.table(
            f"{label[0].upper()}{label[1:]}",
            *filled(
                ("what", "items", "the most valuable", "name"),
                [
                    (row["evidence"], row["series"], row["unique_id"], row["item_name"] or "")
                    for row in sorted(listed, key=lambda row: row["place"])
                ],
            ),
            stack=True,
        )
