"""Which kind of access log a file is, by its first lines."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice

BALANCER = "load balancer"
"""The kind of logs of load balancers: Application and Classic Load Balancers of AWS."""

FIELDS = "#Fields:"
"""How the line begins that names the fields of a log in the W3C extended format (CloudFront, IIS): it is its kind."""

_LOOKED_AT = 50
_OF_BALANCER = re.compile(
    r"(?:[a-z][a-z0-9]{1,5} )?\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z \S+ \S+:\d+ \S+ "
    r"(?:-?[\d.]+ ){3}[\d-]+ [\d-]+ "
)


def kind_of(lines: Iterable[str]) -> str:
    """BALANCER, the line of FIELDS, or nothing: the formats of Apache httpd and their kin."""
    for line in islice((line for line in lines if line.strip()), _LOOKED_AT):
        if line.startswith(FIELDS):
            return line.strip()
        if _OF_BALANCER.match(line):
            return BALANCER
    return ""


def fields_of(kind: str) -> list[str]:
    """The names in a line of FIELDS, in lower case."""
    return kind.removeprefix(FIELDS).lower().split()
