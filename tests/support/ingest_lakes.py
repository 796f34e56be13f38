"""Raw event files and lakes to ingest them into, for tests of clickstream.ingest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from common.clock import utc_now
from common.config.lake_settings import LakeSettings
from common.lake.lake import Lake
from common.lake.set_aside import quarantine_table
from common.run.context import Services
from common.run.launch import run_job
from jobs.clickstream.events.tables import EVENTS
from jobs.clickstream.ingest import JOB

SOURCE = """
format: json
raw_schema: >-
  id string, t string, made string, sent string, who string, ip string, ua string, url string, ref string, status string
columns:
  event_id: id
  collector_tstamp: t
  dvce_created_tstamp: made
  dvce_sent_tstamp: sent
  domain_userid: who
  user_ipaddress: ip
  useragent: ua
  page_url: url
  page_referrer: ref
  http_status: status
"""
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36"
STAMPS = ("_batch_id", "ingested_at")


def hit(**fields: str | None) -> str:
    """One line: a request by visitor v1 with the fields that differ."""
    return json.dumps({"who": "v1", "ua": CHROME, "status": "200", "url": "/", **fields})


def write_lines(folder: Path, name: str, lines: list[str]) -> Path:
    """A raw file of these lines."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text("\n".join(lines) + "\n")
    return path


def write_source(folder: Path) -> Path:
    """The source that maps the lines of ``hit``."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "hits.yaml"
    path.write_text(SOURCE)
    return path


class Intake:
    """A lake in a folder, and clickstream.ingest run on it within this process."""

    def __init__(self, spark: SparkSession, root: Path, source: Path) -> None:
        self.spark = spark
        self.root = root
        self.source = source

    @property
    def lake(self) -> Lake:
        """The lake, to look into."""
        settings = LakeSettings(root=str(self.root))
        return Lake(self.spark, settings, run_id="look", job="tests", code_version="test", started_at=utc_now())

    def ingest(self, files: Path | None, *flags: str) -> dict[str, Any]:
        """Run the job; the record of the run. Fails when the exit code is not the record's."""
        arguments = ["--lake", str(self.root), "--source", str(self.source)]
        arguments += ["--input", str(files)] if files else []
        services = Services(session=lambda settings, name: self.spark)
        code = run_job(JOB, [*arguments, *flags], services=services)
        record = self.record()
        assert record["exit_code"] == code
        return record

    def record(self) -> dict[str, Any]:
        """The record of the last run."""
        found = [json.loads(path.read_text()) for path in (self.root / "runs/clickstream/ingest").glob("*.json")]
        return max(found, key=lambda record: record["started_at"])

    def silver(self) -> list[tuple[Any, ...]]:
        """The rows of silver without the stamps that tell one run from another, sorted."""
        return rows_of_silver(self.lake)

    def versions(self) -> dict[str, int]:
        """The version of each table of the family."""
        paths = {str(log.parent.relative_to(self.root)): log for log in self.root.glob("*/clickstream/*/_delta_log")}
        return {name: len(list(log.glob("*.json"))) for name, log in sorted(paths.items())}

    def quarantined(self) -> list[tuple[str | None, list[str]]]:
        """Key and reasons of the rejected rows, sorted by reason."""
        table = quarantine_table("clickstream", "clickstream.ingest")
        rows = [(row["row_key"], row["reasons"]) for row in self.lake.read(table).collect()]
        return sorted(rows, key=lambda row: row[1])


def rows_of_silver(lake: Lake) -> list[tuple[Any, ...]]:
    """Every row of silver as text but for STAMPS, sorted."""
    kept = [name for name in EVENTS.schema.names if name not in STAMPS]
    return sorted(tuple(str(value) for value in row) for row in lake.read(EVENTS).select(*kept).collect())
