"""Parts of the planner's page that look back: what has changed since the last plan, and what was wrong with one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from common.report.wording import plural
from jobs.forecast.planning.exceptions import Look
from jobs.forecast.planning.wording import Total, among, filled, last, or_nothing, share, whole

if TYPE_CHECKING:
    from common.report.builder import ReportBuilder
    from jobs.forecast.planning.figures import Figures
    from jobs.forecast.planning.params import PageParams


def changes(report: ReportBuilder, look: Look, figures: Figures, total: Total, top: int) -> None:
    """How far plans moved since the last earlier day with forecasts, and the items that moved most."""
    before = last(figures.groups, "compared_with")
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
            f"For the same {look.name}s, {before} expected {whole(then)} units and today expects {whole(now)}; "
            f"single forecasts moved by {share(moved)} on average."
        )
    if total("level_before") > 0:
        level = total("level_moved") / total("level_before")
        words.append(
            f"The levels that orders fill up to moved by {share(level)}: of 100 units ordered, "
            f"about {whole(100 * level)} would be ordered or cancelled again only because the plan changed."
        )
    if total("with_models"):
        flipped = share(total("flipped") / total("with_models"))
        words.append(
            f"{whole(total('flipped'))} of {plural(int(total('with_models')), 'series')} ({flipped}) have "
            "another main model than then."
        )
    report.text(f"What has changed since {before}", words or ["Nothing that both days have can be compared."])
    listed = sorted(
        (row for row in figures.tops if among(row, "change_place", top)), key=lambda row: row["change_place"]
    )
    if not listed:
        return
    with_orders = any(row["order_quantity_before"] is not None for row in listed)
    report.table(
        "The largest changes",
        *filled(
            ("item", "name", "expected then", "now", *(("order then", "order now") if with_orders else ())),
            [
                (
                    *(row["unique_id"], row["item_name"] or ""),
                    *(or_nothing(row["same_units_before"]), or_nothing(row["same_units"])),
                    *(
                        (or_nothing(row["order_quantity_before"]), or_nothing(row["order_quantity"]))
                        if with_orders
                        else ()
                    ),
                )
                for row in listed
            ],
        ),
        note=f"Then: {before}. Expected: units in the {look.name}s that both forecasts cover.",
        stack=True,
    )


def overrides(report: ReportBuilder, look: Look, figures: Figures) -> None:
    """What planners know better than the forecast of the day; no part without any."""
    if figures.overrides:
        report.table(
            "Overrides of planners",
            *filled(
                ("item", "name", f"{look.name}s", "forecast", "planner", "reason"),
                [
                    (
                        *(row["unique_id"], row["item_name"] or "", row["periods"]),
                        *(round(row["statistical_y_hat"]), round(row["y_hat"]), row["override_reason"]),
                    )
                    for row in figures.overrides
                ],
            ),
            note="The forecast and the orders follow them; the largest first.",
            stack=True,
        )


def misses(report: ReportBuilder, look: Look, figures: Figures, total: Total, params: PageParams) -> None:
    """What the last forecast whose demand is known by now got wrong, in units and money."""
    judged = last(figures.groups, "judged_of")
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
            f"The forecast of {judged} expected {whole(total('judged_forecast'))} units in {span} since known; "
            f"{whole(total('judged_demand'))} were sold.",
            f"Too little was expected by {whole(under)} units"
            + (f", worth {whole(total('value_under'))} in sales that could be lost" if worth else "")
            + f"; too much by {whole(over)} units"
            + (f", worth {whole(total('value_over'))} at sales prices that could lie in stock" if worth else "")
            + ".",
            f"{share(total('in_80') / total('judged_values'))} of {whole(total('judged_values'))} values "
            "lay inside their 80 % band.",
        ],
    )
    listed = sorted((row for row in figures.tops if among(row, "miss_place", params.report_top)), key=_miss_place)
    if listed:
        report.table(
            "The costliest misses",
            *filled(
                ("item", "name", "expected", "sold", "too little", "too much", *(("worth",) if worth else ())),
                [
                    (
                        *(row["unique_id"], row["item_name"] or ""),
                        *(round(row["judged_forecast"]), round(row["judged_demand"])),
                        *(round(row["units_under"]), round(row["units_over"])),
                        *((or_nothing(row["value_missed"]),) if worth else ()),
                    )
                    for row in listed
                ],
            ),
            note=f"Units in {span} after {judged}.",
            stack=True,
        )


def _miss_place(row: Any) -> int:
    return int(row["miss_place"])
