"""Numbers within an array of structs, each field by the steps of its own.

Steps are as in ``times``. Between the first and the last an element holds, under the names of ``wanted``, the values
after a step, and under those names with ``_given`` behind them the values sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pyspark.sql.types import ArrayType, DataType, StructField, StructType

_GIVEN = "_given"


def element_steps(
    found: DataType, wanted: DataType, field_steps: Callable[[DataType, StructField], list[str]]
) -> list[str] | None:
    """Steps from ``found`` to ``wanted``, arrays of structs whose fields are matched by their places.

    ``field_steps`` gives the steps of one field. An array in which a field that has some cannot be read becomes null as
    a whole, so that the row has a reason. None where the types are others, or do not match.
    """
    if not (isinstance(found, ArrayType) and isinstance(wanted, ArrayType)):
        return None
    before, after = found.elementType, wanted.elementType
    if not (isinstance(before, StructType) and isinstance(after, StructType)) or len(before) != len(after):
        return None
    if len({name.lower() for name in before.names}) < len(before) or any("`" in name for name in before.names):
        return None
    steps = {goal.name: field_steps(one.dataType, goal) for one, goal in zip(before.fields, after.fields, strict=True)}
    sent = {goal: f"item.`{one}`" for one, goal in zip(before.names, after.names, strict=True)}
    first = {**sent, **{f"{name}{_GIVEN}": sent[name] for name in after.names}}
    lost = " OR ".join(
        f"(item.`{name}{_GIVEN}` IS NOT NULL AND item.`{name}` IS NULL)" for name in after.names if steps[name]
    )
    found_steps = [_each(first)]
    for number in range(max(map(len, steps.values()), default=0)):
        found_steps.append(_each({name: _value(name, number, steps.get(name, [])) for name in first}))
    last = _each({name: f"item.`{name}`" for name in after.names})
    if lost:
        last = f"CASE WHEN NOT exists({{v}}, item -> {lost}) THEN {last} END"
    return [*found_steps, last, f"try_cast({{v}} AS {wanted.simpleString()})"]


def _value(name: str, number: int, steps: list[str]) -> str:
    if number >= len(steps):
        return f"item.`{name}`"
    return steps[number].replace("{v}", f"item.`{name}`").replace("{g}", f"item.`{name}{_GIVEN}`")


def _each(fields: Mapping[str, str]) -> str:
    inside = ", ".join(f"'{name}', {value}" for name, value in fields.items())
    return f"transform({{v}}, item -> CASE WHEN item IS NOT NULL THEN named_struct({inside}) END)"
