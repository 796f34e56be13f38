"""Raw files on a real S3 server, poisonous ones among them, within the memory of a small driver."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import cast

import boto3
import pytest
from botocore.config import Config
from s3_server import BUCKET, S3Server
from small_session import interpreted_process

from common.errors import InputMissingError
from common.sources.files.locations import FileOpener, find_files
from common.sources.files.scanning import scan
from common.sources.mapping.model import Source

JSON = "format: json\nraw_schema: id string\non_bad_file: skip\nmax_bad_share: 0.5\ncolumns: {event_id: id}\n"
GOOD = b'{"id": "1"}\n{"id": "2"}\n'
REPOSITORY = Path(__file__).resolve().parents[3]
LONG_LINE_BYTES = 100_000_000


class EndlessLine:
    """A stream of one line of the given length, made as it is read."""

    def __init__(self, length_bytes: int) -> None:
        self._left = length_bytes

    def read(self, size: int) -> bytes:
        given = min(size, self._left)
        self._left -= given
        return b"x" * given


@pytest.mark.unit
def test_a_line_of_100_mb_is_measured_within_16_mb() -> None:
    source = Source.parse(JSON, name="tested")
    tracemalloc.start()
    try:
        found = scan(cast("object", EndlessLine(LONG_LINE_BYTES)), "day.json", LONG_LINE_BYTES, source)  # type: ignore[arg-type] # reads like a file
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (found.longest_line_bytes, found.lines, found.reason) == (LONG_LINE_BYTES, 1, None)
    assert peak_bytes < 16_000_000


def put(s3: S3Server, objects: dict[str, bytes]) -> None:
    client = boto3.client(
        "s3", endpoint_url=s3.endpoint, region_name="us-east-1", config=Config(s3={"addressing_style": "path"})
    )
    for key, body in objects.items():
        client.put_object(Bucket=BUCKET, Key=key, Body=body)


@pytest.mark.unit
def test_objects_are_listed_by_prefix_key_and_pattern_and_opened_from_an_offset(s3: S3Server) -> None:
    put(s3, {f"listing/{name}": GOOD for name in ("a.json", "b b+.json", "_SUCCESS", "deep/c.json")})
    settings = s3.settings()

    def names(location: str) -> list[str]:
        return [file.full_path(settings) for file in find_files(f"s3://{BUCKET}/{location}", settings)]

    root = f"s3a://{BUCKET}/listing"
    assert names("listing") == [f"{root}/a.json", f"{root}/b b+.json", f"{root}/deep/c.json"]
    assert names("listing/a.json") == [f"{root}/a.json"]
    assert names("listing/*.json")[:2] == [f"{root}/a.json", f"{root}/b b+.json"]
    with pytest.raises(InputMissingError, match="SRC-007"):
        names("nothing")
    (file,) = find_files(f"s3://{BUCKET}/listing/a.json", settings)
    with FileOpener(settings).open(file, offset=12) as stream:
        assert stream.read() == GOOD[12:]


APP = """
import json, sys
from common.config.lake_settings import LakeSettings
from common.spark.session import open_session
from common.sources.mapping.model import Source
from common.sources.mapping.canonical import canonical
from common.sources.files.inspection import inspect
from common.sources.rows.reading import read_raw

settings = LakeSettings.model_validate_json(sys.argv[1])
source = Source.parse(sys.argv[2], name="tested")
spark = open_session(settings, "poison", {"spark.master": "local[2]", "spark.driver.memory": "1g"})
found = inspect(spark, sys.argv[3], source, settings)
found.enforce(source)
rows = canonical(read_raw(spark, found, source, settings), source)
print(json.dumps({
    "bad": {file.path.rpartition("/")[2]: file.reason for file in found.bad},
    "rows": [[row._file.rpartition("/")[2], row.event_id, row._reason, len(row._raw)] for row in rows.collect()],
}, default=str))
spark.stop()
"""


@pytest.mark.engine
def test_poisonous_files_on_s3_are_set_aside_within_a_gigabyte(s3: S3Server, tmp_path: Path) -> None:
    long_line = b'{"id": "' + b"x" * LONG_LINE_BYTES + b'"}\n'
    deep_line = b'{"id": "9", "x": ' + b"[" * 5_000 + b"]" * 5_000 + b"}\n"
    put(
        s3,
        {
            "poison/good name.json": GOOD,
            "poison/long.json": GOOD + long_line + GOOD,
            "poison/long.json.gz": gzip.compress(long_line + GOOD, 1),
            "poison/deep.json": deep_line + GOOD,
            "poison/cut.json.gz": gzip.compress(GOOD * 1000)[:-9],
            "poison/empty.json": b"",
        },
    )
    script = tmp_path / "app.py"
    script.write_text(APP)
    environment = {**os.environ, **interpreted_process(), **s3.environment(), "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, str(script), s3.settings().model_dump_json(), JSON, f"s3://{BUCKET}/poison"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=800, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    printed = json.loads(done.stdout.splitlines()[-1])
    assert {name: reason[:7] for name, reason in printed["bad"].items()} == {
        "cut.json.gz": "SRC-102",
        "empty.json": "SRC-101",
    }
    read = [(name, event_id) for name, event_id, reason, _ in printed["rows"] if reason is None]
    assert sorted(read) == sorted(
        (name, event_id)
        for name, copies in {"good name.json": 1, "long.json": 2, "long.json.gz": 1, "deep.json": 1}.items()
        for event_id in ("1", "2") * copies
    )
    aside = {name: (reason, length) for name, _, reason, length in printed["rows"] if reason}
    sha256 = hashlib.sha256(long_line[:-1]).hexdigest()
    # A first line over the limit might be an array: such a file is read object by object.
    for name, what in (("long.json", "a line"), ("long.json.gz", "an object")):
        assert aside[name] == (f"SRC-221 {what} of 100000010 bytes, over the limit of 1048576; sha256 {sha256}", 1024)
    assert aside["deep.json"][0].startswith("SRC-223 nested deeper than 100")
    assert len(aside) == 3
