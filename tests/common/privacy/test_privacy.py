"""Pseudonyms."""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pyspark.sql import SparkSession

from common.config.lake_settings import LakeSettings
from common.errors import UsageError
from common.privacy.pseudonyms import PseudonymKey, pseudonymise
from common.run.pseudonym_key import pseudonym_key

pytestmark = pytest.mark.unit

REPOSITORY = Path(__file__).resolve().parents[3]
SECRET = b"canary-key-3f9a1c77d2e84b60"


@pytest.fixture
def key() -> PseudonymKey:
    return PseudonymKey("k7", SECRET)


def test_a_pseudonym_is_the_first_128_bits_of_the_standard_hmac(spark: SparkSession, key: PseudonymKey) -> None:
    values = ["ann@example.org", "", "Zoë 🙂", None, "ann@example.org"]
    rows = spark.createDataFrame([(n, value) for n, value in enumerate(values)], "n int, email string")
    hidden = {row["n"]: row for row in pseudonymise(rows, ["email"], key).collect()}
    for n, value in enumerate(values):
        expected = None if value is None else hmac.new(SECRET, value.encode(), hashlib.sha256).hexdigest()[:32]
        assert hidden[n]["email"] == expected
        assert hidden[n]["pseudonym_key_id"] == "k7"


def test_a_pseudonym_agrees_with_a_published_test_vector(key: PseudonymKey) -> None:
    # RFC 4231, test case 1, whose key of 20 bytes 0x0b is long enough here.
    vector = PseudonymKey("rfc", b"\x0b" * 20)
    assert vector.pseudonym("Hi There") == "b0344c61d8db38535ca8afceaf0bf12b"


def test_numbers_and_text_of_the_same_digits_get_one_pseudonym(spark: SparkSession, key: PseudonymKey) -> None:
    rows = spark.sql("SELECT 42 AS number, '42' AS text")
    hidden = pseudonymise(rows, ["number", "text"], key, key_id_column=None).first()
    assert hidden is not None
    assert hidden["number"] == hidden["text"] == key.pseudonym("42")


def run_in(env: str, **settings: object) -> Any:
    return SimpleNamespace(env=env, settings=LakeSettings.model_validate(settings), log=logging.getLogger("run"))


@pytest.mark.parametrize("root", ["lake", "/data/lake", "file:///data/lake"])
def test_a_run_on_a_local_folder_without_a_key_takes_a_public_one_and_says_so(
    root: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert pseudonym_key(run_in("local", root=root)).key_id == "public"
    assert [record.levelname for record in caplog.records] == ["WARNING"]


@pytest.mark.parametrize(
    ("env", "lake"),
    [
        ("dev", {"root": "/data/lake"}),
        ("prod", {"root": "/data/lake"}),
        ("prod", {"root": "s3://shop/lake"}),
        # Nobody has to give --env: the default alone opens nothing.
        ("local", {"root": "s3://shop/lake"}),
        ("local", {"root": "s3a://shop/lake"}),
        ("local", {"root": "/mnt/lake", "shared_folder": True}),
    ],
)
def test_no_other_run_goes_without_a_key(env: str, lake: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="PRV-001"):
        pseudonym_key(run_in(env, **lake))


@pytest.mark.parametrize("env", ["local", "prod"])
def test_the_key_of_the_settings_is_taken_wherever_there_is_one(env: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THE_KEY", SECRET.decode())
    found = pseudonym_key(run_in(env, pseudonym_key="secret://env/THE_KEY", pseudonym_key_id="k9"))
    assert (found.key_id, found.secret) == ("k9", SECRET)


def test_another_key_gives_other_pseudonyms(key: PseudonymKey) -> None:
    assert PseudonymKey("k8", b"another-key-of-enough-bytes").pseudonym("ann") != key.pseudonym("ann")


def test_neither_the_key_nor_its_pads_are_in_the_plan(
    spark: SparkSession, key: PseudonymKey, capsys: pytest.CaptureFixture[str]
) -> None:
    hidden = pseudonymise(spark.sql("SELECT 'ann' AS who"), ["who"], key)
    hidden.explain("extended")
    plan = capsys.readouterr().out
    assert "pseudonyms(" in plan
    assert traces_of_key(plan) == []
    assert traces_of_key(repr(key)) == []


def traces_of_key(text: str) -> list[str]:
    """The forms of the key and of HMAC's two pads that ``text`` holds."""
    padded = SECRET.ljust(64, b"\0")
    pads = [bytes(byte ^ mask for byte in padded) for mask in (0x36, 0x5C)]
    forms = [SECRET.decode(), SECRET.hex(), *(pad.hex() for pad in pads), *(pad[:20].decode("latin-1") for pad in pads)]
    return [form for form in forms if form.lower() in text.lower()]


def test_a_trace_of_the_key_would_be_seen() -> None:
    assert traces_of_key(f"sha2({SECRET.hex().upper()})") == [SECRET.hex()]


def test_a_key_that_could_be_guessed_is_refused() -> None:
    with pytest.raises(UsageError, match="PRV-002") as refused:
        PseudonymKey("k1", b"short-secret")
    assert "short-secret" not in str(refused.value)


def test_the_event_log_holds_no_trace_of_the_key(tmp_path: Path) -> None:
    """An application of its own, for the event log is set when a session starts."""
    script = tmp_path / "app.py"
    script.write_text(
        "import sys\n"
        "from common.config.lake_settings import LakeSettings\n"
        "from common.privacy.pseudonyms import PseudonymKey, pseudonymise\n"
        "from common.spark.session import open_session\n"
        "log = {'spark.master': 'local[1]', 'spark.eventLog.enabled': 'true', 'spark.eventLog.dir': sys.argv[1],\n"
        "       'spark.eventLog.compress': 'false'}\n"
        "spark = open_session(LakeSettings(), 'leak test', log)\n"
        f"key = PseudonymKey('k7', {SECRET!r})\n"
        "rows = spark.range(3).selectExpr('CAST(id AS STRING) AS who')\n"
        "print(sorted(row.who for row in pseudonymise(rows, ['who'], key).collect()))\n"
        "spark.stop()\n"
    )
    logs = tmp_path / "events"
    logs.mkdir()
    done = subprocess.run(
        [sys.executable, str(script), logs.as_uri()],
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    text = "".join(path.read_text(encoding="utf-8", errors="replace") for path in logs.rglob("*") if path.is_file())
    assert "pseudonyms(" in text
    assert traces_of_key(text + done.stderr) == []
