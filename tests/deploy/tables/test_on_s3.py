"""Looking at a lake on S3, with the endpoint and the credentials that the jobs use."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from s3_server import S3Server

from common.lake.storage.open import object_store
from deploy.tables.contracts import contracts
from deploy.tables.lakes import LookedAt, storage_options
from deploy.tables.listing import listed
from deploy.tables.show import selected
from deploy.unload.lake_files import lake_files
from deploy.unload.rows import Outgoing

pytestmark = pytest.mark.engine


def test_tables_on_s3_are_listed_and_read_and_their_files_are_named(
    s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3.environment().items():
        monkeypatch.setenv(name, value)
    settings = s3.settings("looked-at")
    rows = pa.table({"item_id": ["A1", "A2"], "quantity": [1.0, 2.0]})
    write_deltalake(f"{settings.root}/silver/forecast/sales", rows, storage_options=storage_options(settings))
    lake = LookedAt(settings, object_store(settings.root, settings))
    assert [(one.name, one.rows, one.writer) for one in listed(lake, contracts())] == [
        ("forecast.sales", 2, "forecast.ingest")
    ]
    found = selected(lake.open("forecast.sales"), ["item_id"], "quantity > 1", 5, "forecast.sales")
    assert json.dumps(list(found)) == '[{"item_id": "A2"}]'
    table = lake.open("forecast.sales")
    own = lake_files(Outgoing(table, "forecast.sales", ["item_id", "quantity"]))
    assert own.reason == ""
    ((url, size),) = own.files
    stored = lake.objects.get(url.removeprefix(f"{settings.root}/"))
    assert stored is not None
    assert len(stored.body) == size
