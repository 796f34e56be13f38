"""Any order, any split into files and runs, any repetition gives the tables of one run over everything."""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from ingest_lakes import SOURCE, hit
from pyspark.sql import SparkSession

from common.clock import utc_now
from common.config.lake_settings import LakeSettings
from common.job.declaration import Job
from common.lake.lake import Lake
from common.lake.table import Table
from common.run.context import Services
from common.run.launch import run_job
from jobs.clickstream.events.tables import EVENTS
from jobs.clickstream.ingest import JOB as EVENTS_INGEST
from jobs.forecast.ingest import JOB as SALES_INGEST
from jobs.forecast.sales.tables import SALES
from jobs.fraud.ingest import JOB as PAYMENTS_INGEST
from jobs.fraud.transactions.tables import TRANSACTIONS

pytestmark = [pytest.mark.flow, pytest.mark.usefixtures("no_ops_rows", "unaudited")]

# Of equal rows in two files either may stand for both; the id of a line without a receipt names its file.
PROVENANCE = {"_file", "_file_sha256", "_batch_id", "ingested_at", "line_id"}
SETTINGS = settings(
    max_examples=2, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck), derandomize=True
)


@dataclass(frozen=True)
class Feed:
    """An ingest, the source of its lines, its table, and lines among which are copies and contradictions.

    ``rivals``: the places among the lines of one that gives way, and of the one that it gives way to. ``mistaken`` are
    expressions of a source by which it would not.
    """

    job: Job
    source: str
    table: Table
    header: str
    lines: tuple[str, ...]
    rivals: tuple[int, int]
    mistaken: tuple[tuple[str, str], ...]

    def written(self, *, is_mistaken: bool) -> str:
        """The source, right or mistaken."""
        text = self.source
        for right, wrong in self.mistaken if is_mistaken else ():
            assert right in text
            text = text.replace(right, wrong)
        return text


CSV = "format: csv\ncolumns: {"
FEEDS = (
    Feed(
        EVENTS_INGEST,
        SOURCE,
        EVENTS,
        "",
        (
            hit(id="e1", t="2026-03-10T10:00:00Z"),
            hit(id="e1", t="2026-03-10T10:00:00Z"),
            hit(id="e2", t="2026-03-10T23:59:00Z", url="/a"),
            hit(id="e2", t="2026-03-11T00:01:00Z", url="/b"),
            hit(id="e3", t="2026-03-12T09:00:00Z", url="/robots.txt"),
            hit(id="e4", t="2026-03-12T10:00:00Z"),
            hit(id="e5", t="no time"),
        ),
        (2, 3),
        (("collector_tstamp: t\n", "collector_tstamp: \"'2026-03-14T10:00:00Z'\"\n"), ("url\n", "\"'/robots.txt'\"\n")),
    ),
    Feed(
        PAYMENTS_INGEST,
        f"{CSV}transaction_id: id, tx_datetime: at, customer_id: who, terminal_id: shop, tx_amount: amount}}\n",
        TRANSACTIONS,
        "id,at,who,shop,amount",
        (
            "1,2026-03-02 12:00:00,C1,T1,10",
            "1,2026-03-02 12:00:00,C1,T1,10",
            "1,2026-03-02 12:00:00,C1,T1,11",
            "1,2026-03-03 12:00:00,C1,T1,10",
            "2,2026-03-02 13:00:00,C2,T1,5",
            "2,2026-03-02 12:30:00,C2,T1,6",
            "3,0001-01-01 00:00:00,C3,T1,5",
        ),
        (4, 5),
        (("tx_amount: amount", "tx_amount: amount - 4.5"), ("tx_datetime: at", "tx_datetime: date(at)")),
    ),
    Feed(
        SALES_INGEST,
        f"{CSV}invoice_id: invoice, item_id: item, quantity: units, sold_at: at, "
        "unique_id: series, ds: at, y: value}\n",
        SALES,
        "invoice,item,units,at,series,value",
        (
            "1,MUG,2,2026-03-02 10:00:00,,",
            "1,MUG,2,2026-03-02 10:00:00,,",
            "2,MUG,many,2026-03-03 10:00:00,,",
            ",,,2026-03-02 00:00:00,A,5",
            ",,,2026-03-02 00:00:00,A,4",
            ",,,2026-03-03 00:00:00,A,4",
            ",CUP,1,2026-03-04 10:00:00,,",
        ),
        (3, 4),
        (("y: value", "y: value - 3"), ("quantity: units", 'quantity: "nullif(2, length(units))"')),
    ),
)


# The rows of one run over all lines, by job: no example changes them.
WHOLE: dict[str, Counter[tuple[Any, ...]]] = {}


class Lakes:
    """Lakes of one feed, each in a folder of its own."""

    def __init__(self, spark: SparkSession, feed: Feed, folder: Path) -> None:
        self.spark, self.feed, self.folder = spark, feed, folder
        for is_mistaken in (False, True):
            (folder / f"{is_mistaken}.yaml").write_text(feed.written(is_mistaken=is_mistaken))

    def rows(self, lake: str, runs: list[tuple[list[str], bool]]) -> Counter[tuple[Any, ...]]:
        """The rows of silver after one run for each list of lines, each in a file, by the right source or not."""
        files, root = self.folder / f"{lake}-in", self.folder / lake
        files.mkdir()
        services = Services(session=lambda settings, name: self.spark)
        for number, (lines, is_mistaken) in enumerate(runs):
            text = "\n".join([*filter(None, [self.feed.header]), *lines])
            (files / f"{number}.txt").write_text(text + "\n")
            flags = ["--lake", str(root), "--source", str(self.folder / f"{is_mistaken}.yaml")]
            flags += ["--input", str(files / f"{number}.txt"), "--set", "max_rejected_share=1"]
            # A file may hold nothing but rejected rows, which is no reason to stop here.
            assert run_job(self.feed.job, flags, services=services) in (0, 3)
        looker = Lake(
            self.spark, LakeSettings(root=str(root)), run_id="l", job="tests", code_version="t", started_at=utc_now()
        )
        names = [name for name in self.feed.table.schema.names if name not in PROVENANCE]
        rows = looker.read(self.feed.table).select(*names).collect()
        return Counter(tuple(str(value) for value in row) for row in rows)


@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.job.name)
@SETTINGS
@given(data=st.data())
def test_any_order_split_and_repetition_gives_the_table_of_one_run(
    spark: SparkSession, feed: Feed, data: st.DataObject
) -> None:
    order = data.draw(st.permutations(feed.lines))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(order) - 1), min_size=1, max_size=2)))
    parts = [order[start:end] for start, end in zip([0, *cuts], [*cuts, len(order)], strict=True)]
    # Mistaken is the file of a line that should have given way to one of another file.
    loser, winner = (feed.lines[place] for place in feed.rivals)
    mistaken = data.draw(st.sampled_from([part for part in parts if winner not in part]))
    for part in parts:
        if loser in part:
            part.remove(loser)
    mistaken.append(loser)
    parts = [part for part in parts if part]
    runs = [(part, part is mistaken) for part in parts]
    with tempfile.TemporaryDirectory() as folder:
        lakes = Lakes(spark, feed, Path(folder))
        if feed.job.name not in WHOLE:
            WHOLE[feed.job.name] = lakes.rows("whole", [(list(feed.lines), False)])
        # The same content under another name, and what was mistaken comes back as it should have been.
        assert lakes.rows("split", [*runs, (mistaken, False)]) == WHOLE[feed.job.name]
