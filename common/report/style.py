"""The style sheet of the reports, written into every page."""

from __future__ import annotations

from functools import cache
from importlib import resources


@cache
def style_sheet() -> str:
    """The rules of report.css: light and dark, screen and paper, from 320 px upwards."""
    return resources.files("common.report").joinpath("report.css").read_text(encoding="utf-8")
