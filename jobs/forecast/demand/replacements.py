"""Items that replace others: whose history belongs to whom, as of any day.

A row of ITEMS says that from its day on a series replaces another one. From then on all of that one's demand, that
before and what is still sold of it, is demand of the new series: ``factor`` units for each. What replaces is itself
replaced one day, so histories go down a chain, at most MOST_STEPS long. The rows of the last day that name a replaced
series hold; a factor of 0 says that nothing is handed over any more. A series hands over to one other at most: of
several the one known last, of these the first by name. Around a circle nothing is handed over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.forecast.demand.censoring import CENSORED
from jobs.forecast.demand.changes import NEVER, days_since_epoch
from jobs.forecast.demand.hierarchy import HANDED_DOWN

if TYPE_CHECKING:
    import pandas as pd

MOST_STEPS: Final = 10
HANDED, CIRCLE, CONTRADICTED = "handed over", "in a circle, or too long a chain", "replaced by several"
UNKNOWN: Final = "of unknown series"
# What was paid for the old one stays what was paid.
_UNITS = ("units_sold", "units_returned")
_SPANS = "old string, first int, end int, new string, factor double, fate string"


class Said(NamedTuple):
    """A row of ITEMS: from ``day`` (days since 1970) on ``new`` replaces ``old``, ``factor`` units for each."""

    new: str
    day: int
    old: str
    factor: float


class Span(NamedTuple):
    """From the day ``first`` to that before ``end`` the demand of ``old`` belongs to ``new``, or why it does not."""

    old: str
    first: int
    end: int
    new: str
    factor: float
    fate: str


def spans_of(said: Iterable[Said]) -> list[Span]:
    """Whose demand belongs to whom and when, chains resolved, ordered by ``old`` and day."""
    edges, found = _edges(said)
    for old in edges:
        found += _resolved(old, old, 0, NEVER, 1.0, edges, (old,))
    return sorted(found)


def _edges(said: Iterable[Said]) -> tuple[dict[str, list[Span]], list[Span]]:
    """For each old series, who replaces it and when, without overlaps; and the claims that gave way."""
    by_new: dict[str, dict[int, dict[str, float]]] = {}
    for row in said:
        of_day = by_new.setdefault(row.new, {}).setdefault(row.day, {})
        of_day[row.old] = min(row.factor, of_day.get(row.old, row.factor))
    claims: dict[str, list[Span]] = {}
    for new, days in by_new.items():
        ordered = sorted(days)
        for first, end in zip(ordered, [*ordered[1:], NEVER], strict=True):
            for old, factor in days[first].items():
                if factor > 0:
                    claims.setdefault(old, []).append(Span(old, first, end, new, factor, HANDED))
    edges: dict[str, list[Span]] = {}
    lost: list[Span] = []
    for old, rivals in claims.items():
        turns = sorted({day for claim in rivals for day in (claim.first, claim.end)})
        for first, end in pairwise(turns):
            there = [claim for claim in rivals if claim.first <= first < claim.end]
            there.sort(key=lambda claim: (-claim.first, claim.new))
            for place, claim in enumerate(there):
                span = claim._replace(first=first, end=end, fate=HANDED if place == 0 else CONTRADICTED)
                (edges.setdefault(old, []) if place == 0 else lost).append(span)
    return edges, lost


def _resolved(
    old: str, here: str, first: int, end: int, factor: float, edges: dict[str, list[Span]], seen: tuple[str, ...]
) -> Iterator[Span]:
    """The last of the chain from ``here``, for each part of the time in which it is another one."""
    place = first
    for edge in edges.get(here, []):
        start, stop = max(place, edge.first), min(end, edge.end)
        if start >= stop:
            continue
        if place < start and here != old:
            yield Span(old, place, start, here, factor, HANDED)
        if edge.new in seen or len(seen) > MOST_STEPS:
            yield Span(old, start, stop, edge.new, factor, CIRCLE)
        else:
            yield from _resolved(old, edge.new, start, stop, factor * edge.factor, edges, (*seen, edge.new))
        place = stop
    if place < end and here != old:
        yield Span(old, place, end, here, factor, HANDED)


@dataclass(frozen=True)
class Replacements:
    """The spans of a lake (columns of Span), and the day as of which series are judged; None where nothing is said."""

    spans: DataFrame | None
    as_of: date

    @classmethod
    def said_by(cls, items: DataFrame | None, as_of: date) -> Replacements:
        """Of all rows of ITEMS, those known later included: counting an earlier day again forgets nothing."""
        if items is None:
            return cls(None, as_of)
        factor = F.coalesce("factor", F.lit(1.0)).alias("factor")
        said = items.where(F.col("replaces").isNotNull()).select(
            F.col("unique_id").alias("new"),
            F.unix_date("known_day").alias("day"),
            F.col("replaces").alias("old"),
            factor,
        )

        def resolve(rows: pd.DataFrame) -> pd.DataFrame:
            import pandas as pd

            found = spans_of(Said(*row) for row in rows[list(Said._fields)].itertuples(index=False))
            return pd.DataFrame(found, columns=list(Span._fields))

        # A list that people keep: it fits into one task.
        return cls(said.groupBy().applyInPandas(resolve, _SPANS).persist(), as_of)

    def handed_over(self, parts: DataFrame) -> DataFrame:
        """``parts`` of demand with ``handed_on``: those of a replaced series void from its day on, and given on.

        What is given counts for the new series from ``handed_on`` on; when it was known stays as it is, for that is
        what a backtest of the new series may know. What has been taken back by the day it never knew before it was
        given: the old series has it again, and it would count twice. Stock-outs of the old series from the day on are
        not given: it is sold off, and says nothing of the new one.
        """
        plain = parts.withColumn("handed_on", F.col("known_on"))
        if self.spans is None:
            return plain
        own = self.spans.where(F.col("fate") == HANDED).groupBy(F.col("old").alias("unique_id"))
        listed = own.agg(F.collect_list(F.struct("first", "end", "new", "factor")).alias("_spans"))
        met = plain.join(listed, "unique_id", "left")
        nothing = F.array().cast("array<array<int>>")
        void = F.coalesce("void", nothing)
        gone = F.transform("_spans", lambda span: F.array(span["first"], span["end"]))
        kept = met.withColumn("void", F.when(F.col("_spans").isNull(), F.col("void")).otherwise(F.concat(void, gone)))
        given = met.where(F.col("_spans").isNotNull()).withColumn("_span", F.explode("_spans"))
        if CENSORED in parts.columns:
            is_sold_off = F.col(CENSORED).isNotNull() & (F.unix_date("known_on") >= F.col("_span.first"))
            given = given.where(~is_sold_off)
        until = F.array(F.array(F.col("_span.end"), F.lit(NEVER)))
        scaled = {name: F.col(name) * F.col("_span.factor") for name in _UNITS}
        is_taken_back = F.col("_span.end") <= days_since_epoch(self.as_of)
        handed_on = F.greatest("known_on", F.date_from_unix_date("_span.first"))
        given = given.withColumns(
            {
                **scaled,
                "unique_id": F.col("_span.new"),
                "void": F.when(F.col("_span.end") < NEVER, F.concat(void, until)).otherwise(F.col("void")),
                "handed_on": handed_on,
                "known_on": F.when(is_taken_back, handed_on).otherwise(F.col("known_on")),
            }
        )
        return kept.drop("_spans").unionByName(given.drop("_spans", "_span"))

    def renamed(self, lines: DataFrame) -> DataFrame:
        """``lines`` with the ``unique_id`` of the series that they belong to as of the day, and HANDED_DOWN: whether
        that is another one than it was.
        """
        if self.spans is None:
            return lines.withColumn(HANDED_DOWN, F.lit(False))
        in_force = self._in_force(self.spans).select(F.col("old").alias("unique_id"), F.col("new").alias("_new"))
        met = lines.join(in_force, "unique_id", "left")
        named = {"unique_id": F.coalesce("_new", "unique_id"), HANDED_DOWN: F.col("_new").isNotNull()}
        return met.withColumns(named).drop("_new")

    def replaced(self, lines: DataFrame) -> DataFrame:
        """``unique_id, replaced_by`` of the series of ``lines`` that are replaced as of the day."""
        names = lines.select("unique_id").distinct()
        if self.spans is None:
            return names.limit(0).withColumn("replaced_by", F.lit(None).cast("string"))
        in_force = self._in_force(self.spans).select(F.col("old").alias("unique_id"), F.col("new").alias("replaced_by"))
        return names.join(in_force, "unique_id", "inner")

    def fates(self, lines: DataFrame) -> DataFrame | None:
        """``fate, series``: what became of the replacements known on the day; of ``lines``, which series there are."""
        if self.spans is None:
            return None
        known = lines.select(F.col("unique_id").alias("old"), F.lit(True).alias("_there")).distinct()
        met = self._known_by_now(self.spans).join(known, "old", "left")
        fate = F.when(F.col("_there").isNull(), UNKNOWN).otherwise(F.col("fate"))
        return met.groupBy(fate.alias("fate")).agg(F.countDistinct("old").alias("series"))

    def forget(self) -> None:
        """Give back what was kept for the run."""
        if self.spans is not None:
            self.spans.unpersist()

    def _known_by_now(self, spans: DataFrame) -> DataFrame:
        today = days_since_epoch(self.as_of)
        return spans.where((F.col("first") <= today) & (F.col("end") > today))

    def _in_force(self, spans: DataFrame) -> DataFrame:
        return self._known_by_now(spans).where(F.col("fate") == HANDED)
