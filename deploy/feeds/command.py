"""``lakejobs source``: suggest a source for new files, and check one against them."""

from __future__ import annotations

from collections.abc import Sequence

from common.errors import UsageError

_USAGE = """lakejobs source: from files of your own to a source, without a lake.

  lakejobs source suggest --input PATH --for JOB > my.yaml
  lakejobs source check my.yaml --input PATH [--for JOB] [--rows N] [--spark]

`--help` after either lists its flags.
"""


def main(arguments: Sequence[str]) -> int:
    """Command line: ``lakejobs source suggest|check ...``; the exit code."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(_USAGE, end="")
        return 0
    if arguments[0] == "suggest":
        from deploy.suggestions.suggest import main as suggest

        return suggest(arguments[1:])
    if arguments[0] == "check":
        from deploy.feeds.check import main as check

        return check(arguments[1:])
    raise UsageError(
        "PKG-010",
        f"`lakejobs source` has no subcommand '{arguments[0]}'.",
        remedy="lakejobs source suggest|check; see --help.",
    )
