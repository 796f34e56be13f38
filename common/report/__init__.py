"""Self-contained HTML reports: one page a run, and an index over all runs of a lake."""

from common.report.builder import ReportBuilder
from common.report.index import render_index

__all__ = ["ReportBuilder", "render_index"]
