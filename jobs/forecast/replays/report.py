"""The report of forecast.replay: what orders by each method would have cost, and what they would have served."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame

from common.report.wording import plural, plural_noun
from jobs.forecast.replays.details import write_dearest, write_suppliers
from jobs.forecast.replays.params import ReplayParams
from jobs.forecast.replays.reviews import Timeline
from jobs.forecast.replays.sums import Key, Sums, at_fill_rate, curve, summed, sums_of, total
from jobs.forecast.replays.wording import (
    POLICY_WORDS,
    SERVICE,
    compared,
    cost_parts,
    level_words,
    of_hundred,
    percent,
    service_cells,
)
from jobs.forecast.trials.report import model_words
from jobs.forecast.trials.weights import COMBINED

if TYPE_CHECKING:
    from common.report.builder import ReportBuilder


def write_report(
    report: ReportBuilder,
    rows: DataFrame,
    *,
    params: ReplayParams,
    as_of: date,
    timeline: Timeline,
    methods: Sequence[str],
    benchmark: str,
    policies: Sequence[str],
    left_out: int,
) -> None:
    """Fill the report about ``rows`` of REPLAYS."""
    _Page(report, params, timeline, benchmark, list(policies), list(methods), sums_of(summed(rows).collect())).write(
        as_of, left_out
    )
    write_suppliers(report, rows, params, policies[0])
    write_dearest(report, rows, params, policies[0], benchmark)


class _Page:
    def __init__(
        self,
        report: ReportBuilder,
        params: ReplayParams,
        timeline: Timeline,
        benchmark: str,
        policies: list[str],
        methods: list[str],
        found: dict[Key, Sums],
    ) -> None:
        self._report, self._params, self._timeline = report, params, timeline
        self._benchmark, self._policies, self._methods, self._found = benchmark, policies, methods, found
        everything = total(found.values())
        self._has_money, self._is_part_priced = everything.priced > 0, 0 < everything.priced < everything.series

    def write(self, as_of: date, left_out: int) -> None:
        self._report.title = f"Replay as of {as_of}"
        combined, naive = self._at(COMBINED), self._at(self._benchmark)
        self._heads(combined, naive)
        self._report.text("In one sentence", self._sentences(combined, naive))
        self._trade_off()
        self._by_method()
        if len(self._policies) > 1:
            self._by_policy()
        self._by_class()
        self._report.text("What this cannot say", self._limits(left_out))

    def _at(self, method: str, policy: str | None = None, class_: str | None = None) -> Sums:
        level, wanted = self._params.service_level, policy or self._policies[0]
        return total(
            sums for key, sums in self._found.items() if key[:3] == (method, wanted, level) and class_ in (None, key[3])
        )

    def _money(self, value: float) -> str:
        return f"{self._params.currency}{value:,.0f}" if abs(value) >= 100 else f"{self._params.currency}{value:,.2f}"

    def _heads(self, combined: Sums, naive: Sums) -> None:
        head, other = self._report.headline, model_words(self._benchmark)
        if self._has_money:
            head("Cost by the weighted mean", self._money(combined.money), "holding, ordering, shortage, write-offs")
            if self._benchmark != COMBINED:
                head(f"Cost by the {other}", self._money(naive.money), compared(naive.money, combined.money))
        else:
            head("Mean stock by the weighted mean", f"{combined.mean_stock:,.0f}", "units; no prices are known")
            if self._benchmark != COMBINED:
                head(f"Mean stock by the {other}", f"{naive.mean_stock:,.0f}", "units")
        head("Served at once", percent(combined.fill_rate), f"{other}: {percent(naive.fill_rate)}")
        wanted = f"{level_words(self._params.service_level)} wanted"
        head("Cycles without shortage", percent(combined.cycle_service), wanted)

    def _sentences(self, combined: Sums, naive: Sums) -> list[str]:
        level, other = level_words(self._params.service_level), model_words(self._benchmark)
        if self._has_money:
            first = f"At a service level of {level} the weighted mean would have cost {self._money(combined.money)}"
            rest = f"; the {other} {self._money(naive.money)}." if self._benchmark != COMBINED else "."
        else:
            held = f"{combined.mean_stock:,.0f} units"
            first = f"At a service level of {level} orders by the weighted mean would have held {held}"
            rest = f"; by the {other} {naive.mean_stock:,.0f}." if self._benchmark != COMBINED else "."
        sentences = [first + rest]
        if self._benchmark != COMBINED and naive.fill_rate is not None and combined.fill_rate is not None:
            sentences.append(self._same_service(combined, naive))
        length, name = self._timeline.longest_block, self._timeline.periods.words.partition(" ")[0]
        span = f"{length:,} {name if length == 1 else plural_noun(name)}"
        sentences.append(
            f"{plural(combined.series, 'series')} over {span}, by {POLICY_WORDS[self._policies[0]]}: goods come "
            f"{plural(self._params.lead_time_periods, 'period')} after the order (or as the terms of their supplier "
            "say), what is not there "
            + ("is delivered later." if self._params.unmet_demand == "waits" else "is not sold.")
        )
        return sentences

    def _same_service(self, combined: Sums, naive: Sums) -> str:
        other, what = model_words(self._benchmark), "money in stock" if self._has_money else "stock"
        asked = naive.fill_rate or 0.0
        here = at_fill_rate(self._curve(COMBINED), asked)
        if here is None:
            return (
                f"The weighted mean served {percent(combined.fill_rate)} of the units at once, "
                f"the {other} {percent(naive.fill_rate)}."
            )
        there = self._stock(naive)
        return (
            f"To serve {percent(asked)} at once, as the {other} did, the weighted mean needs "
            f"{abs(1 - here / there):.1%} {'less' if here <= there else 'more'} {what}."
            if there
            else f"The {other} held no stock."
        )

    def _stock(self, sums: Sums) -> float:
        return sums.stock_money if self._has_money else sums.mean_stock

    def _curve(self, method: str, policy: str | None = None) -> list[tuple[float, float]]:
        wanted = (method, policy or self._policies[0])
        return curve(self._found, lambda key: key[:2] == wanted, self._stock)

    def _trade_off(self) -> None:
        others = [name for name in self._methods if name not in (COMBINED, self._benchmark)]
        best = min(others, key=lambda name: self._cost(self._at(name)), default=None)
        shown = list(dict.fromkeys([COMBINED, *([best] if best else []), self._benchmark]))
        lines = {model_words(name): self._curve(name) for name in shown}
        if len(self._policies) > 1:
            lines |= {
                f"{model_words(COMBINED)}, {policy}": self._curve(COMBINED, policy) for policy in self._policies[1:]
            }
        places = sorted({round(100 * rate, 3) for line in lines.values() for rate, _ in line})
        if not places:
            return
        drawn = {
            name: [at_fill_rate([(round(100 * rate, 3), cost) for rate, cost in line], place) for place in places]
            for name, line in lines.items()
        }
        unit = self._params.currency or "money" if self._has_money else "units"
        self._report.line(
            "Stock for service",
            places,
            drawn,
            unit=unit,
            x_name="units served at once, %",
            from_zero=False,
            text_alternative=(
                f"Mean stock ({unit}) against the share of units served at once, at service levels from "
                f"{min(self._params.levels):.0%} to {max(self._params.levels):.0%}. The lower line buys the same "
                "service with less stock."
            ),
        )

    def _cost(self, sums: Sums) -> float:
        return sums.money if self._has_money else sums.mean_stock

    def _cost_name(self) -> str:
        return "cost" if self._has_money else "units in stock"

    def _by_method(self) -> None:
        ranked = sorted(self._methods, key=lambda name: (self._cost(self._at(name)), name))
        if self._has_money:
            self._report.bars(
                "Cost by method",
                [model_words(name) for name in ranked],
                cost_parts([self._at(name) for name in ranked]),
                unit=self._params.currency or "money",
                label_name="method",
                text_alternative=(
                    f"At a service level of {level_words(self._params.service_level)} the cheapest is "
                    f"{model_words(ranked[0])} with {self._money(self._cost(self._at(ranked[0])))}."
                ),
            )
        self._report.table(
            "Service by method",
            ("method", *SERVICE),
            [(model_words(name), *service_cells(self._at(name))) for name in ranked],
            note=(
                "served: units served at once; cycles: from one delivery to the next, without a shortage; stock: units "
                "at the end of a period, in the mean; flips: reviews that order where the one before did not, or the "
                f"other way round. A series that a method cannot forecast is left to the "
                f"{model_words(self._benchmark)}."
            ),
            stack=True,
        )

    def _by_policy(self) -> None:
        self._report.table(
            "Policies side by side",
            ("policy", self._cost_name(), *SERVICE),
            [
                (POLICY_WORDS[policy], round(self._cost(sums)), *service_cells(sums))
                for policy in self._policies
                for sums in [self._at(COMBINED, policy)]
            ],
            note="Orders by the weighted mean.",
            stack=True,
        )

    def _by_class(self) -> None:
        other, cost = model_words(self._benchmark), self._cost_name()
        rows = []
        for class_ in sorted({key[3] for key in self._found}):
            mean, naive = self._at(COMBINED, class_=class_), self._at(self._benchmark, class_=class_)
            costs = (round(self._cost(mean)), round(self._cost(naive)))
            served = (of_hundred(mean.fill_rate), of_hundred(naive.fill_rate))
            rows.append((class_ or "none", mean.series, *costs, *served))
        self._report.table(
            "By class of demand",
            ("class", "series", cost, f"{cost}, {other}", "served, %", f"served, {other}"),
            rows,
            stack=True,
        )

    def _limits(self, left_out: int) -> list[str]:
        periods = self._timeline
        limits = [
            "Demand is what was sold. Where a shelf was empty, nobody knows what would have been bought.",
            f"Forecasts are those of {plural(len(periods.replayed), 'origin')} and age until the next one; with a "
            "smaller stride in forecast.backtest they are as fresh as in daily work.",
            "The list of series is that of today: items that ended before are not in it, and no planner intervened.",
        ]
        if self._is_part_priced:
            one = self._at(COMBINED)
            limits.append(
                f"Money counts {plural(one.priced, 'series')} of {one.series}: no price is known of the others."
            )
        if not self._has_money:
            limits.append("No price is known, so the replay counts units: forecast.sales has no unit_price.")
        else:
            limits.append(
                f"A unit costs {self._params.cost_share:.0%} of its last price, holding it "
                f"{self._params.holding_rate:.0%} of that a year; a unit short what its sale would have left over."
            )
        if "(r, Q)" in self._policies:
            limits.append("When within a period something was sold is not known: units are drawn at random moments.")
        if left_out:
            limits.append(
                f"{plural(left_out, 'series')} of the day could not be replayed: no forecast of an origin is there."
            )
        return limits
