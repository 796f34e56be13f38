"""``make bench``: runs every measurement and rewrites docs/benchmarks.md."""

from __future__ import annotations

import sys

from benchmarks.page import main

if __name__ == "__main__":
    sys.exit(main())
