from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from common.errors import ContractError, InputMissingError
from common.lake.model_store import ModelStore
from common.lake.storage.folder import FolderStore

pytestmark = pytest.mark.unit

FILES = {"model.ubj": b"\x00trees", "scaler.json": b"{}"}


@pytest.fixture
def models(tmp_path: Path) -> ModelStore:
    return ModelStore(FolderStore(tmp_path), "fraud")


def test_a_saved_model_is_loaded_with_its_card_and_the_hash_of_each_file(models: ModelStore) -> None:
    assert models.save("xgboost-1", FILES, {"algorithm": "xgboost"})
    loaded = models.load("xgboost-1")
    assert dict(loaded.files) == FILES
    assert loaded.card["algorithm"] == "xgboost"
    assert loaded.card["files"]["model.ubj"] == {"sha256": hashlib.sha256(b"\x00trees").hexdigest(), "bytes": 6}


def test_saving_a_version_again_leaves_it_as_it_is(models: ModelStore) -> None:
    models.save("xgboost-1", FILES, {"note": "first"})
    assert not models.save("xgboost-1", FILES, {"note": "second"})
    assert models.load("xgboost-1").card["note"] == "first"


@pytest.mark.parametrize("name", ["model.pkl", "model.joblib", "model.so", "card.json"])
def test_a_file_that_could_run_code_or_hide_the_card_is_refused(models: ModelStore, name: str) -> None:
    with pytest.raises(ContractError) as raised:
        models.save("xgboost-1", {name: b""}, {})
    assert raised.value.code == "MOD-001"


@pytest.mark.parametrize("version", ["../secrets", "a/b", "", ".hidden"])
def test_a_version_cannot_name_another_folder(models: ModelStore, version: str) -> None:
    with pytest.raises(ContractError):
        models.save(version, FILES, {})
    with pytest.raises(InputMissingError):
        models.load(version)


def test_an_unknown_version_is_refused_with_the_known_ones(models: ModelStore) -> None:
    models.save("xgboost-1", FILES, {})
    models.save("xgboost-2", FILES, {})
    with pytest.raises(InputMissingError) as raised:
        models.load("xgboost-3")
    assert (raised.value.code, raised.value.exit_code) == ("MOD-002", 4)
    assert "xgboost-1, xgboost-2" in raised.value.cause


def test_a_changed_or_missing_file_is_never_loaded(models: ModelStore, tmp_path: Path) -> None:
    models.save("xgboost-1", FILES, {})
    file = tmp_path / "models" / "fraud" / "xgboost-1" / "model.ubj"
    file.write_bytes(b"\x00treez")
    with pytest.raises(ContractError, match="not match what was saved"):
        models.load("xgboost-1")
    file.unlink()
    with pytest.raises(ContractError) as raised:
        models.load("xgboost-1")
    assert raised.value.code == "MOD-003"
    assert "missing" in raised.value.cause


def test_a_truncated_card_is_a_coded_error(models: ModelStore, tmp_path: Path) -> None:
    models.save("xgboost-1", FILES, {})
    card = tmp_path / "models" / "fraud" / "xgboost-1" / "card.json"
    card.write_bytes(card.read_bytes()[:30])
    with pytest.raises(ContractError) as raised:
        models.load("xgboost-1")
    assert raised.value.code == "MOD-003"


def _with_card(root: Path, **changes: object) -> None:
    card = root / "models" / "fraud" / "xgboost-1" / "card.json"
    card.write_text(json.dumps(json.loads(card.read_text()) | changes))


@pytest.mark.parametrize("name", ["../xgboost-2/model.ubj", "model.pkl", "card.json/..", ""])
def test_a_card_that_lists_a_file_no_model_has_is_refused(models: ModelStore, tmp_path: Path, name: str) -> None:
    models.save("xgboost-1", FILES, {})
    models.save("xgboost-2", FILES, {})
    _with_card(tmp_path, files={name: {"sha256": hashlib.sha256(b"\x00trees").hexdigest(), "bytes": 6}})
    with pytest.raises(ContractError, match="not match what was saved") as raised:
        models.load("xgboost-1")
    assert raised.value.code == "MOD-003"


def test_a_card_moved_to_another_version_is_refused(models: ModelStore, tmp_path: Path) -> None:
    models.save("xgboost-1", FILES, {})
    _with_card(tmp_path, version="xgboost-2")
    with pytest.raises(ContractError) as raised:
        models.load("xgboost-1")
    assert raised.value.code == "MOD-003"


def test_a_version_whose_card_was_never_written_does_not_exist(models: ModelStore, tmp_path: Path) -> None:
    models.save("xgboost-1", FILES, {})
    (tmp_path / "models" / "fraud" / "xgboost-1" / "card.json").unlink()
    assert models.versions() == []
    assert models.save("xgboost-1", FILES, {})
    assert json.loads((tmp_path / "models" / "fraud" / "xgboost-1" / "card.json").read_text())["version"] == "xgboost-1"
