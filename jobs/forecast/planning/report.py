"""The planner's page: orders by reason, changes, exceptions, fans, accuracy by class, and what was wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from common.report.wording import plural
from jobs.forecast.planning.exceptions import LABELS, Look
from jobs.forecast.planning.fans import classes, fan
from jobs.forecast.planning.reasons import ENOUGH, NO_DEMAND, SAFETY, TOO_LATE, UNKNOWN, UNTIL_NEXT

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
    "structural break": "Another level than before, beyond what most series did. With less than two years of history "
    "it may be the season; otherwise the forecast follows it only slowly.",
    "promotion": "What a promotion sold is not what comes next.",
    "old stock count": "The order is as right as the count.",
    "fallback": "A model failed, or none could be scored: something simpler made the forecast.",
}
_Sum = Callable[[str], float]


def write_report(
    report: ReportBuilder, params: PageParams, look: Look, figures: Figures, *, as_of: date, has_orders: bool
) -> None:
    """Fill the page; ``has_orders``: forecast.replenish has run for the day."""
    report.title = f"Plan as of {as_of}"

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
    _exceptions(report, figures, params.report_top)
    _changes(report, look, figures, total, params.report_top)
    _hindsight(report, look, figures, total, params)
    for row in figures.drawn:
        fan(report, row, figures.past, figures.coming, look)
    classes(report, figures.coverage, figures.accuracy)


def _headlines(report: ReportBuilder, look: Look, figures: Figures, total: _Sum, *, has_orders: bool) -> None:
    if has_orders:
        priced = total("worth") > 0
        report.headline(
            "To order today",
            plural(int(total("orders")), "item"),
            f"{_whole(total('units'))} units" + (f", worth {_whole(total('worth'))}" if priced else ""),
        )
    odd = sum(row["series"] for row in figures.groups if row["label"])
    report.headline("Exceptions", f"{odd:,}", f"of {plural(int(total('series')), 'series')}")
    if total("same_units_before") > 0:
        report.headline(
            f"Forecast since {_last(figures, 'compared_with')}",
            _share(total("same_units_moved") / total("same_units_before")),
            f"moved, over the same {look.name}s",
        )
    if total("judged_values"):
        report.headline(
            "Inside the 80 % band",
            _share(total("in_80") / total("judged_values")),
            f"of what came after {_last(figures, 'judged_of')}",
        )


def _orders(report: ReportBuilder, figures: Figures, total: _Sum, top: int) -> None:
    priced = total("worth") > 0
    unpriced = int(total("unpriced")) if priced else 0
    rows, quiet = [], []
    for reason in (*_WHY, ENOUGH, NO_DEMAND):
        found = [row for row in figures.groups if row["order_reason"] == reason]
        orders = sum(row["orders"] for row in found)
        idle = sum(row["series"] for row in found) - orders
        if orders:
            sums = (_rounded(found, "units"), *((_rounded(found, "worth"),) if priced else ()))
            rows.append((_WHY.get(reason, reason), orders, *sums))
        if idle:
            quiet.append(f"{plural(idle, 'item')} {_QUIET.get(reason, 'whose usual order is nothing')}")
    said = [f"Nothing is ordered for {_listed(quiet)}."] if quiet else []
    if unpriced:
        said.append(f"{plural(unpriced, 'item')} of the orders have no price and no worth.")
    heads = ("why", "items", "units", *(("worth",) if priced else ()))
    note = " ".join([*(["Worth is at the mean sales price of an item."] if priced else []), *said])
    report.table("What to order today, and why", heads, rows, note=note)
    for reason, means in _MEANS.items():
        listed = sorted(
            (row for row in figures.tops if row["order_reason"] == reason and _among(row, "order_place", top)),
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
        (
            *("item", "name", "order"),
            *(("worth",) if priced else ()),
            *(("stock",) if counted else ()),
            "fill up to",
        ),
        [
            (
                *(row["unique_id"], row["item_name"] or "", round(row["order_quantity"])),
                *((_or_nothing(row["order_value"]),) if priced else ()),
                *((round(row["stock_position"]),) if counted else ()),
                round(row["order_up_to"]),
            )
            for row in listed
        ],
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
        ("what", "items", "what it means"),
        [(label, count, _LABELS[label]) for label, count in counts.items() if count],
        note="An item has one label, the most urgent. All are in forecast.reviews, with their evidence.",
        stack=True,
    )
    for label, count in counts.items():
        listed = sorted(
            (row for row in figures.tops if row["label"] == label and _among(row, "label_place", top)),
            key=lambda row: row["label_place"],
        )
        if listed:
            report.table(
                f"{label[0].upper()}{label[1:]}",
                ("item", "name", "evidence"),
                [(row["unique_id"], row["item_name"] or "", row["evidence"]) for row in listed],
                note=f"The {len(listed)} most valuable of {count:,}." if count > len(listed) else "",
                stack=True,
            )


def _changes(report: ReportBuilder, look: Look, figures: Figures, total: _Sum, top: int) -> None:
    before = _last(figures, "compared_with")
    if before is None:
        report.text(
            "What has changed",
            [
                "There is no earlier forecast to compare with. After the next run of forecast.predict for a later day, "
                "this part shows what has changed."
            ],
        )
        return
    words = []
    if total("same_units_before") > 0:
        moved = total("same_units_moved") / total("same_units_before")
        now, then = total("same_units"), total("same_units_before")
        words.append(
            f"For the same {look.name}s, {before} expected {_whole(then)} units and today expects {_whole(now)}; "
            f"single forecasts moved by {_share(moved)} on average."
        )
    if total("level_before") > 0:
        level = total("level_moved") / total("level_before")
        words.append(
            f"The levels that orders fill up to moved by {_share(level)}: of 100 units ordered, "
            f"about {_whole(100 * level)} would be ordered or cancelled again only because the plan changed."
        )
    if total("with_models"):
        share = total("flipped") / total("with_models")
        words.append(
            f"{_whole(total('flipped'))} of {plural(int(total('with_models')), 'series')} ({_share(share)}) have "
            "another main model than then."
        )
    report.text(f"What has changed since {before}", words or ["Nothing that both days have can be compared."])
    listed = sorted(
        (row for row in figures.tops if _among(row, "change_place", top)), key=lambda row: row["change_place"]
    )
    if not listed:
        return
    with_orders = any(row["order_quantity_before"] is not None for row in listed)
    report.table(
        "The largest changes",
        ("item", "name", "expected then", "now", *(("order then", "order now") if with_orders else ())),
        [
            (
                *(row["unique_id"], row["item_name"] or ""),
                *(_or_nothing(row["same_units_before"]), _or_nothing(row["same_units"])),
                *(
                    (_or_nothing(row["order_quantity_before"]), _or_nothing(row["order_quantity"]))
                    if with_orders
                    else ()
                ),
            )
            for row in listed
        ],
        note=f"Then: {before}. Expected: units in the {look.name}s that both forecasts cover.",
        stack=True,
    )


def _hindsight(report: ReportBuilder, look: Look, figures: Figures, total: _Sum, params: PageParams) -> None:
    judged = _last(figures, "judged_of")
    if judged is None or not total("judged_values"):
        report.text(
            "What the last forecast got wrong",
            [
                f"Of no forecast made in the {plural(params.look_back_days, 'day')} before is the demand known yet. "
                "Run forecast.predict each time a period is over, and this part says what it got wrong."
            ],
        )
        return
    periods = max(row["judged_periods"] or 0 for row in figures.groups)
    over, under = total("units_over"), total("units_under")
    worth = total("value_over") + total("value_under") > 0
    span = f"the {look.name}" if periods == 1 else f"the {periods} {look.name}s"
    report.text(
        "What the last forecast got wrong",
        [
            f"The forecast of {judged} expected {_whole(total('judged_forecast'))} units in {span} since known; "
            f"{_whole(total('judged_demand'))} were sold.",
            f"Too little was expected by {_whole(under)} units"
            + (f", worth {_whole(total('value_under'))} in sales that could be lost" if worth else "")
            + f"; too much by {_whole(over)} units"
            + (f", worth {_whole(total('value_over'))} at sales prices that could lie in stock" if worth else "")
            + ".",
            f"{_share(total('in_80') / total('judged_values'))} of {_whole(total('judged_values'))} values "
            "lay inside their 80 % band.",
        ],
    )
    listed = sorted((row for row in figures.tops if _among(row, "miss_place", params.report_top)), key=_miss_place)
    if listed:
        report.table(
            "The costliest misses",
            ("item", "name", "expected", "sold", "too little", "too much", *(("worth",) if worth else ())),
            [
                (
                    *(row["unique_id"], row["item_name"] or ""),
                    *(round(row["judged_forecast"]), round(row["judged_demand"])),
                    *(round(row["units_under"]), round(row["units_over"])),
                    *((_or_nothing(row["value_missed"]),) if worth else ()),
                )
                for row in listed
            ],
            note=f"Units in {span} after {judged}.",
            stack=True,
        )


def _miss_place(row: Any) -> int:
    return int(row["miss_place"])


def _last(figures: Figures, name: str) -> date | None:
    return max((row[name] for row in figures.groups if row[name] is not None), default=None)


def _among(row: Any, place: str, top: int) -> bool:
    return row[place] is not None and row[place] <= top


def _rounded(rows: Sequence[Any], name: str) -> int:
    return round(sum(row[name] or 0.0 for row in rows))


def _or_nothing(value: float | None) -> int | None:
    return None if value is None else round(value)


def _whole(value: float) -> str:
    return f"{value:,.0f}"


def _share(value: float) -> str:
    return f"{value:.0%}"


def _listed(parts: Sequence[str]) -> str:
    *firsts, last = parts
    return f"{', '.join(firsts)} and {last}" if firsts else last
