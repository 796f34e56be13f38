"""Names of columns and of files that are one to one tool and two to another."""

from __future__ import annotations

from pathlib import Path

import pytest

from common.config.lake_settings import LakeSettings
from common.sources.files.csv_dialect import Dialect, column_names, fault_of_names
from common.sources.files.locations import find_files

pytestmark = pytest.mark.unit


def test_names_are_the_same_where_they_are_to_spark() -> None:
    assert column_names("\u0130tem,ITEM,\u0131tem,Stra\u00dfe,STRASSE", Dialect()) == [
        "\u0130tem",
        "ITEM_2",
        "\u0131tem_3",
        "Stra\u00dfe",
        "STRASSE",
    ]
    assert fault_of_names(["\u0130tem", "ITEM"], frozenset({"item"})) is not None


def test_a_file_or_folder_named_like_a_pattern_is_found_by_its_name(inbox: Path) -> None:
    for name in ("a[1].csv", "a1.csv", "days [x]/b*.csv", "days x/c.csv"):
        (inbox / name).parent.mkdir(exist_ok=True)
        (inbox / name).write_text("id\n")

    def found(location: str) -> list[str]:
        return [file.name for file in find_files(f"{inbox}/{location}", LakeSettings())]

    assert found("a[1].csv") == ["a[1].csv"]
    assert found("a[12].csv") == ["a1.csv"]
    assert found("days [x]") == ["b*.csv"]
    assert found("days [x]/b*.csv") == ["b*.csv"]
    assert found("days [xy]/*") == ["c.csv"]
