"""The declarations of all jobs, held against one another: who writes what, and what comes from outside."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from common.config.params import Params
from common.job.catalogue import families, job_names, load_job
from common.job.declaration import Input, Job
from common.job.references import attribute

pytestmark = pytest.mark.unit


def jobs() -> list[Job]:
    return [load_job(family, name) for family in families() for name in job_names(family)]


def writers() -> Counter[str]:
    """How many jobs write each table, by name."""
    return Counter(attribute(reference).name for job in jobs() for reference in job.writes)


def test_one_table_has_one_writer_which_owns_it() -> None:
    assert writers()["fraud.labels"] == 1
    assert [name for name, number in writers().items() if number != 1] == []
    assert [reference for job in jobs() for reference in job.writes if not attribute(reference).is_owned] == []


def test_an_input_is_external_when_no_job_writes_it_and_only_then() -> None:
    written = writers()
    wrong = [
        f"{job.name} reads {one.table}"
        for job in jobs()
        for one in job.inputs
        if one.external == (attribute(one.table).name in written)
    ]
    assert wrong == []


def test_an_external_table_is_never_owned() -> None:
    external = [attribute(one.table) for job in jobs() for one in job.inputs if one.external]
    # The planners' own tool may write forecast.overrides, but so may an ingest.
    assert [table.name for table in external] == []
    assert [table.name for table in external if table.is_owned] == []


def test_a_job_names_each_of_its_tables_once() -> None:
    for job in jobs():
        for references in ([one.table for one in job.inputs], list(job.writes)):
            assert len({attribute(reference).name for reference in references}) == len(references), job.name


def test_what_a_job_reads_of_its_own_tables_is_optional() -> None:
    """On a new lake the first run finds none of them."""
    required = [
        f"{job.name} reads {one.table}"
        for job in jobs()
        for one in job.inputs
        if one.table in job.writes and not one.optional
    ]
    assert required == []


def test_every_job_declares_tables_or_says_why_not() -> None:
    silent = [job.name for job in jobs() if not (job.reads or job.writes or job.maintains_all or job.examines)]
    # It makes raw files, no table.
    assert silent == ["fraud.simulate"]


@pytest.mark.parametrize("tables", [{"reads": ("toy:IN",)}, {"reads": (Input("toy:IN"),)}, {"writes": ("toy:OUT",)}])
def test_a_job_that_maintains_all_tables_declares_none(tables: dict[str, Any]) -> None:
    assert Job("toy.keep", "Keeps.", Params, "toy:run", maintains_all=True).inputs == ()
    with pytest.raises(ValueError, match="declares none"):
        Job("toy.keep", "Keeps.", Params, "toy:run", maintains_all=True, **tables)


def test_an_input_that_is_given_as_text_is_required_and_written_by_the_suite() -> None:
    job = Job("toy.read", "Reads.", Params, "toy:run", reads=("toy:IN", Input("toy:MORE", optional=True)))
    assert job.inputs == (Input("toy:IN", optional=False, external=False), Input("toy:MORE", optional=True))
    with pytest.raises(ValueError, match="'toy' is not module:attribute"):
        Job("toy.read", "Reads.", Params, "toy:run", reads=(Input("toy"),))


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ({}, "either a body or a step"),
        ({"body": "toy:run", "step": "toy:step", "reads": ("toy:IN",), "writes": ("toy:OUT",)}, "either a body"),
        ({"step": "toy:step", "writes": ("toy:OUT",)}, "at least one table"),
        ({"body": "toy:run", "report": "toy:report"}, "go with a step"),
        ({"step": "step", "reads": ("toy:IN",), "writes": ("toy:OUT",)}, "'step' is not module:attribute"),
        (
            {"step": "toy:step", "reads": (Input("toy:IN", lookback_days="weeks"),), "writes": ("toy:OUT",)},
            "lookback_days names 'weeks', which is no parameter",
        ),
    ],
)
def test_a_declaration_that_no_run_could_follow_is_refused(declared: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Job("toy.run", "Runs.", Params, **declared)
