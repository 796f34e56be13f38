"""What a source makes of files, gathered row by row in bounded memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from deploy.feeds.mapped import MappedRow
from deploy.feeds.verdicts import LEFT_OUT, PUBLISHED, REJECTED, REPEATED, Verdicts
from deploy.tables.masking import MASK, masked_text
from deploy.tables.reasons import about, kind_of

_FIRST_ROWS, _FAULTS, _TEXT = 3, 20, 80


@dataclass
class Findings:
    """``fates`` counts rows, ``reasons`` rejected ones by their first reason with an example of each in ``examples``.

    ``first`` are the first rows that could be read, ``faults`` the first values or lines that could not, as ``file,
    line, column, text, reason``. ``filled`` counts the values of each canonical column.
    """

    verdicts: Verdicts
    personal: frozenset[str] = frozenset()
    fates: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)
    first: list[MappedRow] = field(default_factory=list)
    faults: list[Mapping[str, Any]] = field(default_factory=list)
    filled: Counter[str] = field(default_factory=Counter)

    @property
    def rows(self) -> int:
        """How many rows were looked at."""
        return self.fates.total()

    def add(self, row: MappedRow) -> None:
        """Take in one row."""
        self.filled.update(name for name, value in row.values.items() if value is not None)
        if not row.record.reason and len(self.first) < _FIRST_ROWS:
            self.first.append(row)
        reasons = self.verdicts.reasons(row.values, row.reason)
        if self.verdicts.is_left_out(row.values, row.reason):
            self.fates[LEFT_OUT] += 1
        elif reasons:
            self.fates[REJECTED] += 1
            self._reject(row, reasons)
        else:
            self.fates[REPEATED if self.verdicts.is_repeated(row.values) else PUBLISHED] += 1

    def _reject(self, row: MappedRow, reasons: list[str]) -> None:
        kind = kind_of(reasons[0])
        self.reasons[kind] += 1
        self.examples.setdefault(kind, f"{row.record.file}:{row.record.line}")
        if len(self.faults) < _FAULTS and self.reasons[kind] <= _FAULTS // 4:
            looked_at = row.unread or about(reasons[0])
            columns = tuple(name for name in looked_at if name in self.verdicts.mapped) or looked_at
            self.faults.append(
                {
                    "file": row.record.file,
                    "line": row.record.line,
                    "column": ", ".join(columns) or None,
                    "text": self._text(row, columns),
                    "reason": reasons[0],
                }
            )

    def _text(self, row: MappedRow, columns: tuple[str, ...]) -> str:
        shown = [
            f"{raw}={MASK if name in self.personal else text}"
            for name in columns
            for raw, text in row.given.get(name, ())
        ]
        text = masked_text(", ".join(shown) or row.record.text)
        return text if len(text) <= _TEXT else f"{text[: _TEXT - 1]}…"
