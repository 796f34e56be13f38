"""Reads ``targets.yaml``: name -> target. What is wrong with it is said in its own words, with file and line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from common.causes import cause_of
from common.config.annotations import alternatives, is_model
from common.config.entries import Entry, mapping, nested, overlay, parse_yaml
from common.errors import UsageError
from common.words import did_you_mean
from deploy.targets.plan_flags import TARGET_FLAGS
from deploy.targets.target import KINDS, Target

DEFAULT_FILE = Path("targets.yaml")
IDENTIFIERS = tuple(kind.identifier_key for kind in KINDS.values() if kind.identifier_key)

_LISTS = {"delta_jars"}
# What pydantic says of these is of Python, not of YAML.
_EXPECTED = {
    "model_type": "should be a mapping",
    "dict_type": "should be a mapping",
    "tuple_type": "should be a list",
    "string_type": "should be one text",
    "int_parsing": "should be a whole number",
    "int_type": "should be a whole number",
    "bool_parsing": "should be true or false",
}


def read_targets(path: Path | None) -> dict[str, Entry]:
    """Name -> what a file says of the target; without a path ./targets.yaml, which need not be there.

    Raises UsageError TGT-001 for a file that is not there, CFG-001 for YAML that settings do not allow.
    """
    file = path or DEFAULT_FILE
    if path is None and not file.exists():
        return {}
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            "TGT-001",
            f"The file of targets {file} could not be read.",
            cause=cause_of(error),
            remedy="Copy targets.example.yaml to targets.yaml and fill it in, or name the file with --targets.",
        ) from error
    tree = parse_yaml(text, str(file))
    return _mapping_of(tree, str(file))


def target_of(name: str, path: Path | None = None, flags: Mapping[str, tuple[str, str]] | None = None) -> Target:
    """The target of that name; a kind stands for a target of that kind of which flags say the rest.

    ``flags`` maps a dotted key to the flag and its value, which stands above the file's. Raises UsageError TGT-001 for
    an unknown name, TGT-002 for an unknown key, TGT-003 for a value that cannot be, PKG-013 for what is missing.
    """
    targets = read_targets(path)
    if name in targets:
        tree = targets[name]
    elif name in KINDS:
        tree = mapping(where="--target", origin="--target")
        tree = overlay(tree, nested(["kind"], Entry(name, "--target", "--target")))
    else:
        file = path or DEFAULT_FILE
        known = [*targets, *(kind for kind in KINDS if kind not in targets)]
        missing = "" if targets or file.exists() else f" There is no {file}: copy targets.example.yaml and fill it in."
        raise UsageError(
            "TGT-001",
            f"There is no target '{name}'.{did_you_mean(name, known)}{missing}",
            remedy=f"Targets of {file}: {', '.join(targets) or 'none'}; or a kind with flags: {', '.join(KINDS)}.",
        )
    children = _mapping_of(tree, f"the target {name}")
    for key, (flag, value) in (flags or {}).items():
        _refuse_second_identifier(name, key, flag, value, children)
        listed = key in _LISTS
        leaf = Entry([Entry(one, flag, flag) for one in value.split(",")] if listed else value, flag, flag)
        tree = overlay(tree, nested(key.split("."), leaf))
    return _validated(name, tree)


def _mapping_of(tree: Entry, what: str) -> dict[str, Entry]:
    if isinstance(tree.value, dict):
        return tree.value
    raise UsageError(
        "TGT-003", f"{tree.where or what} must hold a mapping.", remedy="Write `key: value` lines below the name."
    )


def _refuse_second_identifier(name: str, key: str, flag: str, value: str, file: Mapping[str, Entry]) -> None:
    if key in IDENTIFIERS and key in file and file[key].value != value:
        raise UsageError(
            "TGT-003",
            f"The target {name} says its {key} already ({file[key].where}).",
            cause=f"{flag} names another one.",
            remedy="A run goes to one place: leave one of them out.",
        )


def _validated(name: str, tree: Entry) -> Target:
    kind = tree.at("kind")
    word = kind.value if kind else None
    if kind is None or not isinstance(word, str) or word not in KINDS:
        said = f"has the kind '{word}' ({kind.where})" if kind and isinstance(word, str) else "has no kind"
        raise UsageError(
            "TGT-003",
            f"The target {name} {said}.{did_you_mean(str(word), KINDS) if word else ''}",
            remedy=f"Kinds: {', '.join(KINDS)}.",
        )
    model = KINDS[word]
    try:
        return model.model_validate(tree.plain())
    except ValidationError as error:
        raise _refusal(name, model, tree, error.errors(include_url=False, include_context=False)) from error


def _refusal(name: str, model: type[Target], tree: Entry, found: Sequence[Any]) -> UsageError:
    """What pydantic found, as one error in the words of the file: unknown keys first, then what is missing."""
    unknown = [one for one in found if one["type"] == "extra_forbidden"]
    missing = [one for one in found if one["type"] == "missing"]
    if unknown:
        where = unknown[0]["loc"]
        known = _keys_at(model, where[:-1])
        below = f" below {'.'.join(map(str, where[:-1]))}" if len(where) > 1 else ""
        return UsageError(
            "TGT-002",
            f"'{where[-1]}'{_place(tree, where)} is not a key of a target of kind "
            f"{tree.plain()['kind']}{below}.{_meant(str(where[-1]), known)}",  # type: ignore[index]
            remedy=f"Known keys{below}: {', '.join(known)}.",
        )
    if missing:
        keys = [".".join(map(str, one["loc"])) for one in missing]
        flags = " ".join(f"{flag} VALUE" for flag, key in TARGET_FLAGS.items() if key in keys)
        return UsageError(
            "PKG-013",
            f"The target {name} needs {' and '.join(keys)}.",
            remedy=f"Write {'them' if len(keys) > 1 else 'it'} in targets.yaml{f', or add {flags}' if flags else ''}.",
        )
    sentences = [_sentence(one, model, tree) for one in found]
    return UsageError(
        "TGT-003",
        f"The target {name}: {sentences[0]}",
        cause=" ".join(sentences[1:]),
        remedy="Correct the value; targets.example.yaml shows each key.",
    )


def _sentence(found: Any, model: type[Target], tree: Entry) -> str:
    where = found["loc"]
    dotted = ".".join(map(str, where))
    given = found["input"]
    shown = "" if isinstance(given, dict) else f" is {given!r}," if len(repr(given)) <= 80 else " is too long to show,"
    expected = _EXPECTED.get(found["type"]) or str(found["msg"]).removeprefix("Input ").removeprefix("String ")
    meaning = _meaning(model, where)
    return f"{dotted}{_place(tree, where)}{shown} but {expected}{f' ({meaning})' if meaning else ''}."


def _meaning(model: type[BaseModel], where: Sequence[str | int]) -> str:
    here: type[BaseModel] | None = model
    text = ""
    for step in where:
        field = here.model_fields.get(str(step)) if here else None
        if field is None:
            break
        text = field.description or ""
        here = next((kind for kind in alternatives(field.annotation) if is_model(kind)), None)
    return text.rstrip(".")


def _place(tree: Entry, where: Sequence[str | int]) -> str:
    for end in range(len(where), 0, -1):
        entry = tree.at(*where[:end])
        if entry is not None:
            return f" ({entry.where})"
    return ""


def _keys_at(model: type[BaseModel], where: Sequence[str | int]) -> list[str]:
    here = model
    for step in where:
        field = here.model_fields.get(str(step))
        inner = [kind for kind in alternatives(field.annotation) if is_model(kind)] if field else []
        here = inner[0] if inner else here
    return list(here.model_fields)


def _meant(key: str, known: Sequence[str]) -> str:
    """``Did you mean``, or of which kinds the key is one."""
    kinds = [kind for kind, model in KINDS.items() if key in model.model_fields]
    return f" It is one of {', '.join(kinds)}." if kinds else did_you_mean(key, known)
