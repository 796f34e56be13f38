"""Settings in layers, each value with the layer it came from.

Class defaults < ``default:`` of the packaged file < its ``<env>:`` section < ``--conf-file`` < ``--set`` < ``--lake``.
Packaged files are read through ``importlib.resources`` only, so they work from a zip.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from common.config.assignments import parse_assignment
from common.config.entries import Entry, mapping, nested, overlay
from common.config.explain import settings_error
from common.config.lake_settings import LakeSettings
from common.config.layers import Layers, Suite
from common.config.params import Params

DEFAULT_ORIGIN = "default"
_SECRET_WORDS = ("secret", "password", "token", "access.key", "credential")
_Model = TypeVar("_Model", bound=Params)


@dataclass(frozen=True)
class Resolved:
    """Validated settings of one run.

    ``origins``: dotted name -> layer, e.g. ``sessionise.gap_minutes -> conf/clickstream.yaml [prod]``.
    """

    params: Params
    lake: LakeSettings
    origins: dict[str, str]
    env: str
    job_name: str

    def shown(self) -> dict[str, dict[str, Any]]:
        """Dotted name -> ``{"value", "origin"}``, fit for records and screens: nothing that looks like a secret."""
        values = {**flatten(self.job_name, self.params), **flatten("lake", self.lake)}
        return {
            name: {"value": _masked(name, value), "origin": self.origins.get(name, DEFAULT_ORIGIN)}
            for name, value in values.items()
        }


def resolve(
    job_family: str,
    job_name: str,
    params_type: type[Params],
    *,
    env: str = "local",
    conf_files: Sequence[str] = (),
    sets: Sequence[str] = (),
    flags: Mapping[str, str] | None = None,
    conf: Traversable | None = None,
    suite: Suite | None = None,
    fetch: Callable[[str, LakeSettings], str] | None = None,
) -> Resolved:
    """The settings of one run.

    ``job_name`` is the name without its family. ``flags`` maps ``--lake`` to its value. ``conf`` is the folder of
    packaged files, ``suite`` knows the families, jobs and parameters that files may name, ``fetch`` reads a conf file
    at an address (``s3://...``) with the lake settings known so far. Raises UsageError CFG-001 to CFG-006.
    """
    layers = Layers(conf if conf is not None else resources.files("conf"), job_family, job_name, suite)
    packaged = layers.packaged(env)
    assigned = _assigned(job_family, job_name, params_type, sets, flags or {})
    tree = packaged
    for address in conf_files:
        so_far = _validated(LakeSettings, "lake", overlay(tree, assigned).at("lake"))
        tree = overlay(tree, layers.conf_file(address, so_far, fetch))
    tree = overlay(tree, assigned)

    lake_tree, params_tree = tree.at("lake"), tree.at(job_family, job_name)
    lake = _validated(LakeSettings, "lake", lake_tree)
    params = _validated(params_type, job_name, params_tree)
    origins = {**_origins("lake", lake, lake_tree), **_origins(job_name, params, params_tree)}
    return Resolved(params, lake, origins, env, job_name)


def lake_settings(
    job_family: str,
    job_name: str,
    *,
    env: str,
    sets: Sequence[str] = (),
    flags: Mapping[str, str] | None = None,
    suite: Suite | None = None,
) -> LakeSettings:
    """What all jobs share, without the job's own parameters and conf files; ``sets`` name ``lake.`` only.

    Raises UsageError CFG-001 to CFG-006.
    """
    packaged = Layers(resources.files("conf"), job_family, job_name, suite).packaged(env)
    tree = overlay(packaged, _assigned(job_family, job_name, Params, sets, flags or {}))
    return _validated(LakeSettings, "lake", tree.at("lake"))


def _assigned(family: str, job: str, params_type: type[Params], sets: Sequence[str], flags: Mapping[str, str]) -> Entry:
    """What the command line gives; a dedicated flag beats ``--set``."""
    tree = mapping()
    for text in sets:
        target, path, leaf = parse_assignment(text, family, job, params_type)
        tree = overlay(tree, nested([*(["lake"] if target == "lake" else [family, job]), *path], leaf))
    if "--lake" in flags:
        tree = overlay(tree, nested(["lake", "root"], Entry(flags["--lake"], "--lake", "--lake")))
    return tree


def _validated(model: type[_Model], name: str, tree: Entry | None) -> _Model:
    try:
        return model.model_validate({} if tree is None or tree.value is None else tree.plain())
    except ValidationError as error:
        raise settings_error(error, model, name, tree) from error


def flatten(name: str, model: BaseModel) -> dict[str, Any]:
    """Dotted name -> JSON-ready value of every leaf; mappings are leaves by key, lists are leaves."""
    return dict(_leaves(name, model.model_dump(mode="json")))


def _leaves(name: str, value: Any) -> Iterable[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for key, below in value.items():
            yield from _leaves(f"{name}.{key}", below)
    else:
        yield name, value


def _origins(name: str, model: BaseModel, tree: Entry | None) -> dict[str, str]:
    return {dotted: _origin(dotted.removeprefix(f"{name}."), tree) for dotted in flatten(name, model)}


def _origin(dotted: str, tree: Entry | None) -> str:
    """The layer of the entry at a dotted path, whose keys may hold dots themselves."""
    if tree is None:
        return DEFAULT_ORIGIN
    if not isinstance(tree.value, dict) or not dotted:
        return tree.origin
    for key, below in tree.value.items():
        if dotted == key or dotted.startswith(f"{key}."):
            return _origin(dotted[len(key) + 1 :], below)
    return DEFAULT_ORIGIN


def without_secrets(arguments: Sequence[str]) -> list[str]:
    """Command line arguments with the values of ``KEY=VALUE`` masked where the key speaks of a secret."""
    shown = []
    for argument in arguments:
        _, _, value = argument.removeprefix("--set=").partition("=")
        secret = any(word in argument.lower() for word in _SECRET_WORDS) and not value.startswith("secret://")
        shown.append(argument.removesuffix(value) + "***" if value and secret else argument)
    return shown


def _masked(name: str, value: Any) -> Any:
    if isinstance(value, str) and value.startswith("secret://"):
        return value
    return "***" if value is not None and any(word in name.lower() for word in _SECRET_WORDS) else value
