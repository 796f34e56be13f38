"""docs/sources.md lists the canonical columns that the code declares, and knows every preset."""

from __future__ import annotations

import pytest

from common.sources.mapping.model import presets
from deploy.feeds.columns import PAGE, with_columns

pytestmark = pytest.mark.unit


def test_the_page_lists_the_columns_that_the_ingests_declare() -> None:
    page = PAGE.read_text("utf-8")
    assert with_columns(page) == page, "run python -m deploy.feeds.columns"


def test_every_preset_is_on_the_page() -> None:
    page = PAGE.read_text("utf-8")
    own = {"fraud_simulated", "fraud_simulated_labels"}
    assert [name for name in presets() if f"`{name}`" not in page and name not in own] == []
