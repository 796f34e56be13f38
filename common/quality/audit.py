"""The audit of staged rows: a suite of table expectations, evaluated before anything is published."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common.causes import traceback_cause
from common.errors import ContractError, UsageError
from common.quality.counting import check_arguments, counted, is_countable
from common.quality.expectations import Expectation, Suite

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from common.lake.table import Table

# Counts without sample values: one Spark job less for each expectation, and no personal data in the result.
_COUNTS_ONLY = {"result_format": "BASIC", "partial_unexpected_count": 0}
_OBSERVED_CHARACTERS = 200
# Expectations whose observed value is a count or a share, or computed from many rows; others show a row's own value.
_OF_MANY_ROWS = re.compile(r"^expect_table_|_(mean|stdev|sum|value_count|proportion_of_\w+|unique_value_count)_to_be_")
_ISO_DAY = re.compile(r"\d{4}-\d\d-\d\d([ T][\d:.]+)?")
_COLUMN_ARGUMENTS = ("column", "column_A", "column_B", "column_list", "column_set")


@dataclass(frozen=True)
class AuditResult:
    """What the expectations of ``table`` found.

    ``results`` holds a mapping for each, in the order of the suite: ``expectation, column, severity, success, observed,
    detail, kwargs, why``. ``observed`` and ``detail`` name counts, never values of
    rows, but for days of columns that are not personal.
    """

    table: str
    results: list[dict[str, Any]]

    @property
    def passed(self) -> bool:
        """Whether no expectation of severity ``error`` failed."""
        return not self.failed

    @property
    def failed(self) -> list[dict[str, Any]]:
        """The failed expectations of severity ``error``."""
        return [row for row in self.results if not row["success"] and row["severity"] == "error"]

    @property
    def warnings(self) -> list[dict[str, Any]]:
        """The failed expectations of severity ``warn``."""
        return [row for row in self.results if not row["success"] and row["severity"] == "warn"]

    def raise_if_failed(self, *, kept: str | None = None) -> None:
        """Raises ContractError QLT-001, which lists what failed; ``kept`` is where the staged rows can be looked at."""
        if self.failed:
            raise ContractError(
                "QLT-001",
                f"{self.table}: {len(self.failed)} of {len(self.results)} expectations failed; nothing was published.",
                cause="; ".join(_sentence(row) for row in self.failed),
                remedy=f"Look at the {f'staged rows in {kept}' if kept else 'staged rows'} and at the report; "
                "correct the input, or the suite if it asks too much.",
            )


def audit(rows: DataFrame, table: Table, *, suite: Suite | None = None, data_docs: Path | None = None) -> AuditResult:
    """Hold ``rows``, which should be staged, against the suite of ``table`` (or ``suite``).

    Plain conditions are counted in one pass (common.quality.counting), and Great Expectations is loaded only for the
    others. A table without a suite passes. With ``data_docs``, a folder, Great Expectations does it all and writes its
    own pages there; they load scripts from the network. Raises UsageError QLT-002 (no such suite), QLT-003 (an
    expectation is not known or its arguments are wrong).
    """
    if suite is None:
        if table.suite is None:
            return AuditResult(table.name, [])
        suite = Suite.load(table.suite)
    outcomes = _outcomes(rows, suite.expectations, table.name, data_docs)
    personal = set(table.personal_columns)
    return AuditResult(
        table.name,
        [
            _row(item, outcome, personal, rows.columns)
            for item, outcome in zip(suite.expectations, outcomes, strict=True)
        ],
    )


def _outcomes(rows: DataFrame, expectations: Sequence[Expectation], name: str, data_docs: Path | None) -> list[Any]:
    """One result for each expectation, in the order given."""
    for item in expectations:
        check_arguments(item, name)
    own = [item for item in expectations if data_docs is None and is_countable(item, rows.schema)]
    others = [item for item in expectations if item not in own]
    # First, because it refuses suites that are not valid.
    found = [*zip(others, _run(rows, others, name, data_docs) if others else [], strict=True)]
    found += zip(own, counted(rows, own) if own else [], strict=True)
    return [next(outcome for one, outcome in found if one is item) for item in expectations]


def _run(rows: DataFrame, expectations: Sequence[Expectation], name: str, data_docs: Path | None) -> list[Any]:
    """One result of Great Expectations for each expectation, in the order given."""
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    # The import takes seconds: only a run that audits pays for it.
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    # The rows are staged already; a second cache would hold them twice.
    asset = context.data_sources.add_spark("staged", persist=False).add_dataframe_asset(name)
    batch = asset.add_batch_definition_whole_dataframe("staged rows")
    declared = gx.ExpectationSuite(name=name, expectations=[_declared(name, *pair) for pair in enumerate(expectations)])
    definition = context.validation_definitions.add(
        gx.ValidationDefinition(name=name, data=batch, suite=context.suites.add(declared))
    )
    parameters = {"dataframe": rows}
    if data_docs is None:
        result = definition.run(batch_parameters=parameters, result_format=_COUNTS_ONLY)
    else:
        result = _run_with_docs(context, definition, parameters, data_docs)
    return sorted(result.results, key=lambda outcome: int(outcome.expectation_config.meta["position"]))


def _run_with_docs(context: Any, definition: Any, parameters: Mapping[str, Any], folder: Path) -> Any:
    import great_expectations as gx
    from great_expectations.checkpoint.actions import UpdateDataDocsAction

    backend = {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder.absolute())}
    site = {
        "class_name": "SiteBuilder",
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
        "store_backend": backend,
    }
    context.add_data_docs_site(site_name="folder", site_config=site)
    checkpoint = gx.Checkpoint(
        name=definition.name,
        validation_definitions=[definition],
        actions=[UpdateDataDocsAction(name="write pages", site_names=["folder"])],
        result_format=_COUNTS_ONLY,
    )
    done = context.checkpoints.add(checkpoint).run(batch_parameters=dict(parameters))
    return next(iter(done.run_results.values()))


def _declared(name: str, position: int, item: Expectation) -> Any:
    from great_expectations.exceptions.exceptions import ExpectationNotFoundError
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    try:
        return ExpectationConfiguration(
            type=item.expectation, kwargs=dict(item.kwargs), meta={"position": position}
        ).to_domain_obj()
    # Great Expectations validates with pydantic 1, whose errors are ValueErrors.
    except (ExpectationNotFoundError, ValueError, TypeError) as error:
        raise UsageError(
            "QLT-003",
            f"The expectation suite '{name}' is not valid.",
            cause=f"{item.expectation}: {' '.join(str(error).split())}",
            remedy="Use the names and arguments that Great Expectations 1.x documents.",
        ) from error


def _row(item: Expectation, outcome: Any, personal: set[str], there: Sequence[str]) -> dict[str, Any]:
    columns = _columns(item.kwargs)
    trouble = _trouble(outcome.exception_info)
    absent = ", ".join(column for column in columns if column not in there)
    if trouble and absent:
        trouble = f"There is no column {absent}."
    return {
        "expectation": item.expectation,
        "column": ", ".join(columns) or None,
        "severity": item.severity,
        "success": bool(outcome.success),
        "observed": _observed(item.expectation, outcome.result or {}, hide=bool(personal & set(columns))),
        "detail": trouble or item.why or None,
        "kwargs": dict(item.kwargs),
        "why": item.why,
    }


def _columns(kwargs: Mapping[str, Any]) -> list[str]:
    named: list[str] = []
    for argument in _COLUMN_ARGUMENTS:
        value = kwargs.get(argument)
        named += [value] if isinstance(value, str) else list(value or [])
    return named


def _observed(expectation: str, result: Mapping[str, Any], *, hide: bool) -> str | None:
    if result.get("unexpected_count") is not None and result.get("element_count") is not None:
        share = float(result.get("unexpected_percent") or 0)
        return f"{result['unexpected_count']} of {result['element_count']} rows ({share:.3g} %)"
    if result.get("observed_value") is None:
        return None
    if hide:
        return "hidden: personal"
    value = result["observed_value"]
    if _OF_MANY_ROWS.search(expectation) or isinstance(value, date) or _ISO_DAY.fullmatch(str(value)):
        return str(value)[:_OBSERVED_CHARACTERS]
    return "hidden: a value of a row"


def _trouble(info: Any) -> str | None:
    """The class of the exception that kept an expectation from being evaluated; its message may quote rows."""
    if not isinstance(info, Mapping):
        return None
    if "raised_exception" in info:
        return traceback_cause(str(info.get("exception_traceback"))) if info["raised_exception"] else None
    return next((found for found in map(_trouble, info.values()) if found), None)


def _sentence(row: Mapping[str, Any]) -> str:
    found = row["observed"] or row["detail"]
    return " ".join(filter(None, [row["expectation"], row["column"] and f"({row['column']})", found and f"- {found}"]))
