"""The graph of jobs, from what they declare to read and write."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType

import pytest
from pyspark.sql.types import LongType, StructField, StructType

from common.config.params import Params
from common.errors import JobFailedError, UsageError
from common.job.declaration import Input, Job
from common.job.graph import Graph
from common.lake.table import Table
from common.run.flags import parse_flags

pytestmark = pytest.mark.unit

_SCHEMA = StructType([StructField("id", LongType())])


@pytest.fixture(autouse=True)
def tables() -> Iterator[None]:
    """A module ``shop_tables`` that declares the tables of the jobs below."""
    module = ModuleType("shop_tables")
    for name in ("orders", "visits", "stock", "plans"):
        setattr(module, name.upper(), Table(f"shop.{name}", "gold", _SCHEMA, keys=("id",)))
    sys.modules["shop_tables"] = module
    yield
    del sys.modules["shop_tables"]


def job(
    name: str, *, reads: tuple[Input | str, ...] = (), writes: tuple[str, ...] = (), feeds: tuple[str, ...] = ()
) -> Job:
    tables = tuple(f"shop_tables:{one}" for one in writes)
    return Job(name, "A job.", Params, "shop_jobs:run", reads=reads, writes=tables, feeds=feeds)


TAKE_IN = job("shop.take_in", writes=("ORDERS",))
LOOK = job("web.look", reads=("shop_tables:VISITS",), writes=("VISITS",))
PLAN = job(
    "shop.plan",
    reads=(
        "shop_tables:ORDERS",
        Input("shop_tables:VISITS", optional=True),
        Input("shop_tables:STOCK", optional=True, external=True),
    ),
    writes=("PLANS",),
)
SEND = job("shop.send", reads=("shop_tables:PLANS",))
SHOP = (PLAN, SEND, LOOK, TAKE_IN)


def test_jobs_stand_after_those_whose_tables_they_read() -> None:
    order = list(Graph.of(SHOP).nodes)
    assert order.index("shop.take_in") < order.index("shop.plan") < order.index("shop.send")
    assert order.index("web.look") < order.index("shop.plan")


def test_a_table_that_no_job_writes_leads_from_nowhere_and_an_own_table_is_no_input() -> None:
    graph = Graph.of(SHOP)
    assert [(read.table, read.writer, read.external) for read in graph.nodes["shop.plan"].reads] == [
        ("shop.orders", "shop.take_in", False),
        ("shop.visits", "web.look", False),
        ("shop.stock", "", True),
    ]
    assert graph.nodes["web.look"].reads == ()


@pytest.mark.parametrize(
    ("selectors", "jobs"),
    [
        (["shop.plan"], {"shop.plan"}),
        (["+shop.plan"], {"shop.take_in", "web.look", "shop.plan"}),
        (["shop.plan+"], {"shop.plan", "shop.send"}),
        (["+shop.plan+"], {"shop.take_in", "web.look", "shop.plan", "shop.send"}),
        (["web.*", "shop.send"], {"web.look", "shop.send"}),
        (["*"], {"shop.take_in", "web.look", "shop.plan", "shop.send"}),
    ],
)
def test_a_selector_names_jobs_with_what_leads_to_them_or_follows(selectors: list[str], jobs: set[str]) -> None:
    graph = Graph.of(SHOP)
    found = graph.selected(selectors)
    assert set(found) == jobs
    assert found == [name for name in graph.nodes if name in jobs]


@pytest.mark.parametrize("selector", ["shop.plam", "+shop.plam", "shops.*"])
def test_an_unknown_job_is_refused_with_those_that_there_are(selector: str) -> None:
    with pytest.raises(UsageError, match="PKG-001") as refused:
        Graph.of(SHOP).selected([selector])
    assert "shop.plan" in str(refused.value)


def test_an_optional_input_is_no_need() -> None:
    graph = Graph.of(SHOP)
    assert graph.needing("web.look") == set()
    assert graph.needing("shop.take_in") == {"shop.plan", "shop.send"}


def test_files_that_a_job_makes_for_an_ingest_lead_to_it_only_in_a_rehearsal() -> None:
    graph = Graph.of([*SHOP, job("shop.simulate", feeds=("shop.take_in",))])
    assert "shop.simulate" not in graph.selected(["+shop.plan"])
    rehearsed = graph.selected(["+shop.plan"], with_feeders=True)
    assert rehearsed.index("shop.simulate") < rehearsed.index("shop.take_in")


def test_two_writers_of_one_table_are_refused() -> None:
    with pytest.raises(JobFailedError, match="GRF-001"):
        Graph.of([TAKE_IN, job("shop.again", writes=("ORDERS",))])


def test_jobs_that_wait_for_each_other_are_refused() -> None:
    with pytest.raises(JobFailedError, match="GRF-002"):
        Graph.of(
            [
                job("a.a", reads=("shop_tables:ORDERS",), writes=("PLANS",)),
                job("a.b", reads=("shop_tables:PLANS",), writes=("ORDERS",)),
            ]
        )


def test_every_job_of_the_suite_has_a_rehearsal_whose_flags_it_takes() -> None:
    for node in Graph.of_suite().nodes.values():
        assert node.job.rehearsal, node.job.name
        flags = parse_flags(node.job, node.job.rehearsal)
        assert (flags.days is not None) == node.job.by_day


def test_what_maintains_all_tables_comes_last() -> None:
    upkeep = Job("all.upkeep", "A job.", Params, "shop_jobs:run", maintains_all=True)
    assert list(Graph.of([upkeep, *SHOP]).nodes)[-1] == "all.upkeep"


def test_what_examines_the_place_comes_first() -> None:
    look = Job("zoo.look", "A job.", Params, "shop_jobs:run", examines=True)
    assert next(iter(Graph.of([*SHOP, look]).nodes)) == "zoo.look"
