"""Layers, their order, and where each value comes from."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from pydantic import Field

from common.config.lake_settings import LakeSettings
from common.config.params import Params, SecretRef
from common.config.resolve import Resolved, resolve, without_secrets
from common.errors import UsageError

pytestmark = pytest.mark.unit


class Window(Params):
    """A nested group."""

    days: int = Field(7, ge=1, le=90, description="Length in days.")
    unit: Literal["day", "week"] = Field("day", description="Grain.")


class VisitParams(Params):
    """Parameters of a made-up job."""

    gap_minutes: int = Field(30, ge=1, le=1440, description="Longest pause in minutes.")
    label: str = Field("web", min_length=1, description="A word.")
    channels: tuple[str, ...] = Field(("paid", "organic"), description="Channels in order.")
    weights: dict[str, float] = Field(default_factory=dict, description="Weight by channel.")
    strict: bool = Field(False, description="Refuse more.")
    cap: float | None = Field(None, gt=0, description="Upper limit; null: none.")
    window: Window = Field(Window(), description="Look-back.")
    key: SecretRef | None = Field(None, description="A secret.")


class Suite:
    """A family of two jobs."""

    def families(self) -> list[str]:
        return ["shop"]

    def job_names(self, family: str) -> list[str]:
        return ["visits", "baskets"]

    def params_of(self, family: str, name: str) -> type[Params]:
        return VisitParams


class NeedsName(Params):
    """A parameter without a default."""

    name: str = Field(min_length=1, description="Required.")


def conf(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
    return folder


def resolved(folder: Path, env: str = "local", **more: object) -> Resolved:
    return resolve("shop", "visits", VisitParams, env=env, conf=folder, suite=Suite(), **more)


def params(result: Resolved) -> VisitParams:
    assert isinstance(result.params, VisitParams)
    return result.params


def refused(folder: Path, **more: object) -> UsageError:
    with pytest.raises(UsageError) as caught:
        resolved(folder, **more)
    assert caught.value.exit_code == 2
    return caught.value


SHOP = """
default:
  visits: {gap_minutes: 20, label: shop}
  baskets: {anything: 1}
prod:
  visits:
    gap_minutes: 15
"""


def test_later_layers_win_and_each_value_says_where_it_comes_from(tmp_path: Path) -> None:
    folder = conf(tmp_path, shop=SHOP, lake="default: {lease_seconds: 90}\nprod: {root: s3://prod/lake}\n")
    extra = tmp_path / "extra.txt"
    extra.write_text("shop: {visits: {label: file, channels: [a]}}\nlake: {lease_seconds: 100}\n")
    found = resolved(folder, "prod", conf_files=[str(extra)], sets=["channels=[b, c]", "lake.heartbeat_seconds=5"])
    assert params(found).gap_minutes == 15
    assert params(found).label == "file"
    assert params(found).channels == ("b", "c")
    assert (found.lake.root, found.lake.lease_seconds, found.lake.heartbeat_seconds) == ("s3://prod/lake", 100, 5.0)
    wanted = {
        "visits.gap_minutes": "conf/shop.yaml [prod]",
        "visits.label": str(extra),
        "visits.channels": "--set",
        "visits.strict": "default",
        "visits.window.days": "default",
        "lake.root": "conf/lake.yaml [prod]",
        "lake.lease_seconds": str(extra),
        "lake.heartbeat_seconds": "--set",
        "lake.timezone": "default",
    }
    assert {name: found.origins[name] for name in wanted} == wanted


def test_another_environment_does_not_see_the_section_of_prod(tmp_path: Path) -> None:
    found = resolved(conf(tmp_path, shop=SHOP, lake="prod: {}\n"))
    assert params(found).gap_minutes == 20
    assert found.origins["visits.gap_minutes"] == "conf/shop.yaml [default]"


def test_the_lake_flag_beats_every_layer(tmp_path: Path) -> None:
    found = resolved(conf(tmp_path, lake="local: {root: a}\n"), sets=["lake.root=b"], flags={"--lake": "s3://c/d"})
    assert (found.lake.root, found.origins["lake.root"]) == ("s3://c/d", "--lake")


@pytest.mark.parametrize(
    ("assignment", "field", "value"),
    [
        ("gap_minutes=45", "gap_minutes", 45),
        ("visits.gap_minutes=45", "gap_minutes", 45),
        ("shop.visits.gap_minutes=45", "gap_minutes", 45),
        ("label=012", "label", "012"),
        ("label=no", "label", "no"),
        ("label=a=b", "label", "a=b"),
        ("strict=yes", "strict", True),
        ("cap=2.5", "cap", 2.5),
        ("cap=null", "cap", None),
        ("channels=[a, 'b c']", "channels", ("a", "b c")),
        ("weights={paid: 0.5, organic: 2}", "weights", {"paid": 0.5, "organic": 2.0}),
        ("weights.paid=0.5", "weights", {"paid": 0.5}),
        ("window.unit=week", "window", Window(days=7, unit="week")),
    ],
)
def test_values_of_set_get_the_type_of_their_parameter(
    tmp_path: Path, assignment: str, field: str, value: object
) -> None:
    assert getattr(params(resolved(tmp_path, sets=[assignment])), field) == value


def test_spark_settings_keep_the_dots_of_their_names(tmp_path: Path) -> None:
    found = resolved(tmp_path, sets=["lake.spark_conf.spark.sql.shuffle.partitions=4"])
    assert found.lake.spark_conf == {"spark.sql.shuffle.partitions": "4"}
    assert found.origins["lake.spark_conf.spark.sql.shuffle.partitions"] == "--set"


@pytest.mark.parametrize(
    ("assignment", "code", "said"),
    [
        ("gap_minute=3", "CFG-002", "Did you mean 'gap_minutes'?"),
        ("window.day=3", "CFG-002", "Did you mean 'days'?"),
        ("lake.lease_second=3", "CFG-002", "Did you mean 'lease_seconds'?"),
        ("label.x=3", "CFG-002", "has no parts"),
        ("gap_minutes", "CFG-006", "has no value"),
        ("=3", "CFG-006", "has no value"),
        ("gap_minutes=0", "CFG-003", "visits.gap_minutes (--set): input should be greater than or equal to 1, not '0'"),
        ("gap_minutes=many", "CFG-003", "valid integer"),
        ("window.unit=year", "CFG-003", "'day' or 'week'"),
        ("cap=nan", "CFG-003", "finite"),
        ("channels=[a", "CFG-001", "not valid YAML"),
    ],
)
def test_a_wrong_assignment_is_refused_in_words(tmp_path: Path, assignment: str, code: str, said: str) -> None:
    error = refused(tmp_path, sets=[assignment])
    assert error.code == code
    assert said in error.message


def test_a_wrong_value_in_a_file_is_named_with_its_line(tmp_path: Path) -> None:
    error = refused(conf(tmp_path, shop="default:\n  visits:\n    label: x\n    gap_minutes: 0\n"))
    assert error.code == "CFG-003"
    assert "(conf/shop.yaml:4)" in error.message


def test_an_unknown_parameter_in_a_file_is_named_with_its_line_and_a_near_one(tmp_path: Path) -> None:
    error = refused(conf(tmp_path, shop="default:\n  visits:\n    gap_minuts: 3\n"))
    assert error.code == "CFG-002"
    assert error.message == (
        "The parameter 'visits.gap_minuts' (conf/shop.yaml:3) is not known. Did you mean 'gap_minutes'?"
    )


def test_every_finding_of_a_file_is_reported_at_once(tmp_path: Path) -> None:
    error = refused(conf(tmp_path, shop="default:\n  visits: {gap_minutes: 0, label: ''}\n"))
    assert "gap_minutes" in str(error)
    assert "label" in str(error)


def test_an_unknown_job_in_a_family_file_is_refused(tmp_path: Path) -> None:
    error = refused(conf(tmp_path, shop="default:\n  visit: {gap_minutes: 3}\n"))
    assert error.message == "'visit' (conf/shop.yaml:2) is not a job of shop. Did you mean 'visits'?"


def test_an_unknown_environment_is_refused_with_a_near_one(tmp_path: Path) -> None:
    error = refused(conf(tmp_path, lake="prod: {}\ndev: {}\n"), env="prd")
    assert error.code == "CFG-004"
    assert "Did you mean 'prod'?" in error.message


def test_an_unknown_family_in_a_conf_file_is_refused(tmp_path: Path) -> None:
    extra = conf(tmp_path, extra="shopp: {visits: {gap_minutes: 3}}\n") / "extra.yaml"
    (tmp_path / "packaged").mkdir()
    error = refused(tmp_path / "packaged", conf_files=[str(extra)])
    assert "Did you mean 'shop'?" in error.message


def test_a_conf_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path, conf_files=[str(tmp_path / "none.yaml")]).code == "CFG-005"


def test_a_conf_file_on_s3_is_fetched_with_the_settings_known_so_far(tmp_path: Path) -> None:
    asked: list[tuple[str, str | None]] = []

    def fetch(address: str, so_far: LakeSettings) -> str:
        asked.append((address, so_far.s3_endpoint_url))
        return "shop: {visits: {gap_minutes: 9}}"

    folder = conf(tmp_path, lake="default: {s3_endpoint_url: 'http://127.0.0.1:1'}\n")
    found = resolved(folder, conf_files=["s3://bucket/x.yaml"], fetch=fetch)
    assert params(found).gap_minutes == 9
    assert asked == [("s3://bucket/x.yaml", "http://127.0.0.1:1")]


def test_a_parameter_without_default_must_be_given(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        resolve("shop", "named", NeedsName, conf=tmp_path)
    assert "add --set name=VALUE" in caught.value.message


def test_a_secret_given_in_clear_is_refused_and_never_repeated(tmp_path: Path) -> None:
    for folder, sets in (
        (conf(tmp_path), ["key=hunter2"]),
        (conf(tmp_path, shop="default: {visits: {key: hunter2}}"), []),
    ):
        error = refused(folder, sets=sets)
        assert error.code == "CFG-003"
        assert "hunter2" not in str(error)


def test_what_is_shown_masks_values_whose_name_speaks_of_a_secret(tmp_path: Path) -> None:
    secret = "lake.spark_conf.fs.s3a.secret.key"
    shown = resolved(tmp_path, sets=[f"{secret}=hunter2", "key=secret://env/KEY"]).shown()
    assert shown[secret] == {"value": "***", "origin": "--set"}
    assert shown["visits.key"] == {"value": "secret://env/KEY", "origin": "--set"}


def test_a_printed_command_masks_them_too() -> None:
    given = ["--set", "lake.spark_conf.fs.s3a.secret.key=a=b", "--set=x.password=c", "--set", "gap_minutes=3"]
    assert without_secrets(given) == [
        "--set", "lake.spark_conf.fs.s3a.secret.key=***", "--set=x.password=***", "--set", "gap_minutes=3",
    ]  # fmt: skip


def test_parameters_are_frozen(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="frozen"):
        params(resolved(tmp_path)).gap_minutes = 3
