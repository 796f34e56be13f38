"""How like the name of a raw column is to what a canonical column is called in feeds (names.yaml)."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from importlib import resources
from typing import Any, Final

from common.yaml import read_yaml

YEAR_NAMES: Final = "year yr jahr annee ano anno rok jaar vuosi yil år 年 год"
"""What a column of years is called."""
PART_NAMES: Final = (
    "month monat mois mes mese miesiac ay maand month_number month_no day tag jour dia day_of_month week woche kw "
    "semaine semana week_number week_no quarter quartal trimestre qtr 月 日 週 месяц"
)
"""What a column of months of a year, days of a month, or the like is called."""
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NOT_WORD = re.compile(r"[^\w]+|_+")


@cache
def _known() -> Any:
    text = (resources.files("deploy.suggestions") / "names.yaml").read_text(encoding="utf-8")
    return read_yaml(text, "names.yaml")


def known_names() -> dict[str, dict[str, str]]:
    """Ingest -> canonical column -> what it is called, as names.yaml has it."""
    columns: dict[str, dict[str, str]] = _known()["columns"]
    return columns


def names_of(job: str, canonical: str) -> str:
    """What a canonical column of an ingest is called, its own name first, with blanks between."""
    words = known_names()[job].get(canonical, "")
    groups = _known()["groups"]
    return f"{canonical} {re.sub(r'<([a-z_]+)>', lambda found: str(groups[found[1]]), words)}"


def clock_names() -> str:
    """Names of a column with the time of day alone."""
    return str(_known()["clock"])


def normal(name: str) -> str:
    """``UnitPrice``, ``unit price`` and ``Unit_Price`` as ``unit_price``; accents are left out."""
    split = _CAMEL.sub("_", name.strip())
    plain = unicodedata.normalize("NFKD", split.replace("ß", "ss"))
    letters = "".join(sign for sign in plain if not unicodedata.combining(sign))
    composed = unicodedata.normalize("NFC", letters).lower()
    return _NOT_WORD.sub("_", composed).strip("_")


def likeness(name: str, words: str) -> float:
    """How well the name of a raw column fits names in normal form: 1 is one of them, 0 has nothing in common."""
    own = normal(name.rpartition(".")[2])
    known = [normal(word) for word in words.split()]
    if own in known:
        return 1 - known.index(own) / 1000
    squeezed = own.replace("_", "")
    if len(squeezed) > 2 and squeezed in {word.replace("_", "") for word in known}:
        return 0.95
    parts = set(own.split("_"))
    best = 0.0
    for place, word in enumerate(known):
        tokens = word.split("_")
        if set(tokens) <= parts and len(tokens[0]) > 1:
            best = max(best, 0.6 + 0.1 * len(tokens) / len(parts) - place / 10_000)
        elif len(word) >= 5 and word in own:
            best = max(best, 0.5)
    return best
