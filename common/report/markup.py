"""HTML from Python values: every text is escaped, every tag is closed."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

_VOID = frozenset({"br", "hr", "meta", "img"})
# Characters that neither HTML nor XML allows in a text.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
# Characters that turn the direction of what follows: a value must not be able to disguise its neighbours.
_DIRECTION = re.compile("[\u202a-\u202e\u2066-\u2069]")


class Html(str):
    """Text that is already markup and is not escaped again."""

    __slots__ = ()


def clean(value: object) -> str:
    """The value as text that is allowed in a page; forbidden characters become U+FFFD."""
    return _DIRECTION.sub("\ufffd", _FORBIDDEN.sub("\ufffd", str(value)))


def escape(value: object) -> Html:
    """The value as markup: Html as it is, everything else escaped."""
    return value if isinstance(value, Html) else Html(html.escape(clean(value), quote=True))


def join(parts: Iterable[object], between: str = "") -> Html:
    """All parts one after the other; what is not markup is escaped."""
    return Html(between.join(escape(part) for part in parts))


def element(name: str, /, *children: object, **attributes: object) -> Html:
    """One element. ``class_`` stands for class, ``aria_label`` for aria-label.

    An attribute that is None or False is left out; one that is True has no value.
    """
    written = []
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        label = key.rstrip("_").replace("_", "-")
        written.append(f" {label}" if value is True else f' {label}="{escape(value)}"')
    opening = f"<{name}{''.join(written)}>"
    return Html(opening) if name in _VOID else Html(f"{opening}{join(children)}</{name}>")
