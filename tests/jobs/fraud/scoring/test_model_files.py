from __future__ import annotations

import json
import math
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession

from common.errors import ContractError
from common.lake.model_store import ModelStore
from common.lake.storage.folder import FolderStore
from jobs.fraud.scoring.booster_files import BrokenBoosterError, check_booster
from jobs.fraud.scoring.registry import load_payload
from jobs.fraud.training.classifiers import TrainedModel, fit
from jobs.fraud.training.params import TrainParams

pytestmark = pytest.mark.unit

NAMES = ("tx_amount", "tx_during_night", "tx_during_weekend")


class Lake:
    """A lake with this register, or without one."""

    def __init__(self, register: DataFrame | None) -> None:
        self._register = register

    def exists(self, table: object) -> bool:
        return self._register is not None

    def read(self, table: object) -> DataFrame | None:
        return self._register


class Context:
    """What load_payload needs of a run."""

    def __init__(self, root: Path, register: DataFrame | None = None) -> None:
        self.objects = FolderStore(root)
        self.lake = Lake(register)


def trained(algorithm: str) -> TrainedModel:
    dice = np.random.default_rng(5)
    values = dice.normal(0, 1, (200, 3))
    return fit(algorithm, values, (values[:, 0] > 0.3).astype(float), NAMES, TrainParams(trees=4))


BOOSTED, LINEAR = trained("xgboost"), trained("logistic_regression")


def saved(root: Path, model: TrainedModel, **card: object) -> str:
    """The version of a model saved with every hash right, whatever its content."""
    version = f"{model.algorithm}-20260301-{model.sha256[:12]}"
    facts = {"algorithm": model.algorithm, "sha256": model.sha256, "features": list(model.features)}
    ModelStore(FolderStore(root), "fraud").save(version, model.files, facts | card)
    return version


def with_file(model: TrainedModel, name: str, body: bytes) -> TrainedModel:
    return TrainedModel(model.algorithm, model.features, {**model.files, name: body})


def edited(model: TrainedModel, name: str, change: Callable[[dict[str, object]], object]) -> TrainedModel:
    """``model`` with a JSON file changed in place."""
    values = json.loads(model.files[name])
    change(values)
    return with_file(model, name, json.dumps(values).encode())


def refusal(root: Path, version: str, register: DataFrame | None = None) -> ContractError:
    with pytest.raises(ContractError) as raised:
        load_payload(Context(root, register), version)  # type: ignore[arg-type]
    return raised.value


@pytest.mark.parametrize("model", [BOOSTED, LINEAR], ids=lambda model: model.algorithm)
def test_a_model_as_it_was_trained_is_loaded(tmp_path: Path, model: TrainedModel) -> None:
    payload = load_payload(Context(tmp_path), saved(tmp_path, model))  # type: ignore[arg-type]
    assert (payload.algorithm, payload.features, payload.sha256) == (model.algorithm, NAMES, model.sha256)


@pytest.mark.parametrize(
    "features",
    [
        ["tx_during_night", "tx_amount", "tx_during_weekend"],
        ["tx_amount", "tx_during_night"],
        ["tx_amount", "tx_during_night", "tx_during_weekend", "terminal_id_risk_1day_window"],
    ],
)
def test_a_card_whose_features_are_not_those_of_its_hash_is_refused(tmp_path: Path, features: list[str]) -> None:
    error = refusal(tmp_path, saved(tmp_path, BOOSTED, features=features))
    assert (error.code, error.exit_code) == ("MOD-003", 3)
    assert "card.json" in error.cause


def test_a_card_of_another_algorithm_or_with_another_hash_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "a", saved(tmp_path / "a", BOOSTED, algorithm="logistic_regression")).code == "MOD-003"
    assert refusal(tmp_path / "b", saved(tmp_path / "b", BOOSTED, sha256="0" * 64)).code == "MOD-003"


def test_a_hash_mended_in_the_card_is_not_that_in_the_name_of_the_version(tmp_path: Path) -> None:
    swapped = TrainedModel("xgboost", (NAMES[1], NAMES[0], NAMES[2]), BOOSTED.files)
    error = refusal(tmp_path, saved(tmp_path, BOOSTED, features=list(swapped.features), sha256=swapped.sha256))
    assert error.code == "MOD-003"
    assert "name of the version" in error.cause


def test_a_model_under_a_mended_name_is_refused_when_the_register_knows_it_otherwise(
    tmp_path: Path, spark: SparkSession
) -> None:
    version = saved(tmp_path, BOOSTED)
    rows = [("another", "xgboost", "0" * 64), (version, "xgboost", BOOSTED.sha256[:12] + "0" * 52)]
    register = spark.createDataFrame(rows, "model_version string, algorithm string, sha256 string")
    error = refusal(tmp_path, version, register)
    assert error.code == "MOD-003"
    assert "fraud.models" in error.cause
    assert load_payload(Context(tmp_path, register.limit(1)), version).version == version  # type: ignore[arg-type]


@pytest.mark.parametrize("features", [[], None, "tx_amount", ["tx_amount", "tx_amount", "tx_during_night"], [1, 2, 3]])
def test_a_card_without_features_or_with_one_twice_is_refused(tmp_path: Path, features: object) -> None:
    error = refusal(tmp_path, saved(tmp_path, BOOSTED, features=features))
    assert error.code == "MOD-004"
    assert "card.json" in error.cause


UBJ = BOOSTED.files["model.ubj"]


@pytest.mark.parametrize(
    "model",
    [
        with_file(BOOSTED, "model.ubj", UBJ[: len(UBJ) // 2]),
        with_file(BOOSTED, "model.ubj", UBJ[:-1]),
        with_file(BOOSTED, "model.ubj", UBJ + b"}"),
        with_file(BOOSTED, "model.ubj", b""),
        with_file(BOOSTED, "model.ubj", b"{L"),
        with_file(BOOSTED, "model.ubj", b"{}"),
        with_file(BOOSTED, "model.ubj", pickle.dumps({"trees": 4})),
        with_file(BOOSTED, "model.ubj", b"{" + pickle.dumps({"trees": 4})),
        TrainedModel("xgboost", NAMES[:2], BOOSTED.files),
        TrainedModel("xgboost", NAMES, {"scaler.json": BOOSTED.files["scaler.json"]}),
    ],
)
def test_a_damaged_booster_with_mended_hashes_is_refused_by_its_name(tmp_path: Path, model: TrainedModel) -> None:
    error = refusal(tmp_path, saved(tmp_path, model))
    assert error.code == "MOD-004"
    # A scaler of three features comes before a booster of three.
    assert ("scaler.json" if len(model.features) == 2 else "model.ubj") in error.cause


@pytest.mark.parametrize(
    ("file", "model"),
    [
        ("scaler.json", edited(LINEAR, "scaler.json", lambda held: held["means"].append(0.0))),  # type: ignore[attr-defined]
        ("scaler.json", edited(LINEAR, "scaler.json", lambda held: held.pop("deviations"))),
        ("scaler.json", edited(LINEAR, "scaler.json", lambda held: held.update(means=[math.nan, 0.0, 0.0]))),
        ("scaler.json", edited(LINEAR, "scaler.json", lambda held: held.update(deviations=[1.0, 0.0, 1.0]))),
        ("scaler.json", edited(LINEAR, "scaler.json", lambda held: held.update(means=["0", True, None]))),
        ("scaler.json", with_file(LINEAR, "scaler.json", b"means: 0")),
        ("scaler.json", with_file(LINEAR, "scaler.json", b"[" * 100_000)),
        ("coefficients.json", edited(LINEAR, "coefficients.json", lambda held: held.update(coefficients=[1.0]))),
        ("coefficients.json", edited(LINEAR, "coefficients.json", lambda held: held.update(intercept=math.inf))),
        ("coefficients.json", edited(LINEAR, "coefficients.json", lambda held: held.pop("intercept"))),
        ("coefficients.json", with_file(LINEAR, "coefficients.json", b"[1, 2, 3]")),
        ("coefficients.json", with_file(LINEAR, "coefficients.json", pickle.dumps([1.0, 2.0, 3.0]))),
    ],
)
def test_damaged_numbers_with_mended_hashes_are_refused_by_the_name_of_their_file(
    tmp_path: Path, file: str, model: TrainedModel
) -> None:
    error = refusal(tmp_path, saved(tmp_path, model))
    assert error.code == "MOD-004"
    assert f"/{file}: " in error.cause


def test_a_feature_of_another_release_is_refused_as_such(tmp_path: Path) -> None:
    model = TrainedModel("xgboost", (*NAMES[:2], "tx_of_the_future"), BOOSTED.files)
    assert refusal(tmp_path, saved(tmp_path, model)).code == "FRD-024"


def test_a_booster_cut_anywhere_is_refused_before_xgboost_sees_it() -> None:
    check_booster(UBJ, 3)
    for end in range(0, len(UBJ), 7):
        with pytest.raises(BrokenBoosterError):
            check_booster(UBJ[:end], 3)


def _patched(name: str, value: int) -> bytes:
    """The booster with the first number of an array of whole numbers of its first tree changed."""
    start = UBJ.index(f"L\0\0\0\0\0\0\0{chr(len(name))}{name}[$l#L".encode()) + 9 + len(name) + 5 + 8
    return UBJ[:start] + value.to_bytes(4, "big", signed=True) + UBJ[start + 4 :]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("left_children", 0, "a cycle"),
        ("left_children", 10_000, "a node that does not exist"),
        ("right_children", -7, "a node that does not exist"),
        ("split_indices", 3, "a feature that does not exist"),
    ],
)
def test_a_tree_that_points_out_of_itself_is_refused(name: str, value: int, words: str) -> None:
    with pytest.raises(BrokenBoosterError, match=words):
        check_booster(_patched(name, value), 3)
