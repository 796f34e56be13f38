"""Whatever a file holds, a suggestion is a source that loads, or an error with a code; a check of it ends."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.config.lake_settings import LakeSettings
from common.errors import LakejobsError
from common.sources.mapping.model import Source
from deploy.feeds.check import checked
from deploy.feeds.targets import JOBS, target_of
from deploy.suggestions.suggest import suggested

pytestmark = pytest.mark.unit

WORDS = (b"item", b"day", b"qty", b"id", b"when", b"user", b"2024-05-06 10:00:00", b"06.05.2024", b"1,234.50", b"12,5-")
MARKS = (
    b"\n",
    b"\n",
    b"\r\n",
    b"\r",
    b",",
    b";",
    b"\t",
    b"|",
    b'"',
    b"'",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b"`",
    b"#",
)
BYTES = (b"\xe4", b"\xff\xfe", b"\xef\xbb\xbf", b"\x00", b"PAR1", b"\x1f\x8b", b"sep=;\n", b'{"id":1}\n')
PIECES = st.sampled_from((*WORDS, *MARKS, *BYTES))


@settings(max_examples=120, deadline=None)
@given(st.lists(PIECES, max_size=40), st.sampled_from([".csv", ".json", ".parquet", ".csv.gz"]), st.sampled_from(JOBS))
def test_no_file_ends_in_a_traceback(pieces: list[bytes], suffix: str, job: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / f"f{suffix}").write_bytes(b"".join(pieces))
        # Any other exception is a failure.
        with suppress(LakejobsError):
            made = suggested(folder, target_of(job), LakeSettings())
            found = checked(Source.parse(made.text, name="s"), target_of(job), folder, LakeSettings())
            assert found.exit_code in {0, 2, 3}
