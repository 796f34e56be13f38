"""A strict reading of the pages: balanced tags as a tree."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import pytest

VOID = {"br", "hr", "meta", "img"}


@dataclass
class Node:
    tag: str
    attributes: dict[str, str | None]
    children: list[Node] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def walk(self) -> Iterator[Node]:
        yield self
        for child in self.children:
            yield from child.walk()

    def all(self, tag: str, class_: str | None = None) -> list[Node]:
        return [n for n in self.walk() if n.tag == tag and (class_ is None or class_ in n.classes)]

    @property
    def classes(self) -> list[str]:
        return (self.attributes.get("class") or "").split()

    @property
    def text(self) -> str:
        """All text below, in document order and with single spaces between."""
        return " ".join(" ".join(self.texts).split())

    def section(self, heading: str) -> Node:
        """The one section under the heading."""
        (found,) = [s for s in self.all("section") if s.all("h2")[0].text == heading]
        return found

    def cells(self) -> list[list[str]]:
        """The body of the one table below, as text."""
        (body,) = self.all("tbody")
        return [[cell.text for cell in row.all("td")] for row in body.all("tr")]


class _Strict(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Node("document", {})
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({key for key, _ in attrs}) == len(attrs), f"an attribute twice in <{tag}>"
        node = Node(tag, dict(attrs))
        self.open[-1].children.append(node)
        if tag not in VOID:
            self.open.append(node)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert any(node.tag == "svg" for node in self.open), f"<{tag}/> closes itself outside of SVG"
        self.open[-1].children.append(Node(tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        for node in self.open:
            node.texts.append(data)


def parse_page(page: bytes) -> Node:
    """The page as a tree. AssertionError when tags are not balanced."""
    parser = _Strict()
    parser.feed(page.decode("utf-8"))
    parser.close()
    assert [node.tag for node in parser.open] == ["document"], "tags are left open"
    return parser.root


@pytest.fixture(scope="session")
def parsed() -> Callable[[bytes], Any]:
    """Reads a page strictly into a tree of nodes."""
    return parse_page


@pytest.fixture
def record() -> dict[str, Any]:
    """A run that went well."""
    return {
        "job": "clickstream.sessionise",
        "run_id": "20261121T031500Z-4f2a",
        "attempt": 1,
        "status": "succeeded",
        "exit_code": 0,
        "started_at": "2026-11-21T03:15:00+00:00",
        "seconds": 132.4,
        "days": "2026-11-20",
        "counts": {
            "rows_read": 281205,
            "rows_written": 280900,
            "rows_quarantined": 151,
            "rows_deduplicated": 120,
            "rows_filtered": 34,
        },
        "details": {"late_rows": 7},
        "outputs": [
            {"table": "clickstream.sessions", "version_before": None, "version_after": 0, "rows_written": 48210},
            {"table": "clickstream.event_sessions", "version_before": 11, "version_after": 12, "rows_written": 280900},
        ],
        "inputs": {"clickstream.events": 41},
        "settings": {"sessionise.gap_minutes": 30},
        "origins": {"sessionise.gap_minutes": "conf/clickstream.yaml [prod]"},
        "next_command": "lakejobs run clickstream.funnels --day 2026-11-20",
        "report": "reports/clickstream/sessionise/20261121T031500Z-4f2a.html",
    }
