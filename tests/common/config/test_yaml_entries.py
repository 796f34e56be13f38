"""What settings files may hold, and how their mistakes are named."""

from __future__ import annotations

import pytest

from common.config.entries import overlay, parse_yaml
from common.errors import UsageError

pytestmark = pytest.mark.unit


def refusal(text: str) -> str:
    with pytest.raises(UsageError) as caught:
        parse_yaml(text, "conf/x.yaml")
    assert (caught.value.code, caught.value.exit_code) == ("CFG-001", 2)
    return caught.value.message


def test_scalars_stay_text_so_that_the_model_decides_their_type() -> None:
    entry = parse_yaml("a: no\nb: 012\nc: 12:30\nd: 1e3\ne: null\nf: ~\ng:\nh: 'null'\n", "x")
    assert entry.plain() == {
        "a": "no", "b": "012", "c": "12:30", "d": "1e3", "e": None, "f": None, "g": None, "h": "null",
    }  # fmt: skip


def test_an_empty_file_is_an_empty_mapping() -> None:
    assert parse_yaml("# nothing\n", "x").plain() == {}


def test_a_key_given_twice_is_refused_with_both_lines() -> None:
    assert refusal("a: 1\nb: 2\na: 3\n") == "conf/x.yaml:3 has the key 'a' again, first given in line 1."


def test_a_key_given_twice_is_found_in_depth() -> None:
    assert "conf/x.yaml:4" in refusal("default:\n  job:\n    a: 1\n    a: 2\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: !!python/object/apply:os.system ['id']\n", "tag"),
        ("a: !secret x\n", "tag"),
        ("a: &x 1\nb: *x\n", "alias"),
        ("a: &x {k: 1}\nb:\n  <<: *x\n", "plain text"),
        ("? [1, 2]\n: x\n", "plain text"),
        ("a: [1\n", "not valid YAML"),
        ("a: 1\n---\nb: 2\n", "not valid YAML"),
        ("a: \x00\n", "not valid YAML"),
    ],
)
def test_what_settings_have_no_need_of_is_refused(text: str, said: str) -> None:
    assert said in refusal(text)


def test_an_alias_bomb_is_refused_without_being_unfolded() -> None:
    levels = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60)]
    assert "alias" in refusal("\n".join(levels))


def test_a_file_of_absurd_depth_is_refused() -> None:
    assert "nested too deeply" in refusal("a: " + "[" * 3000 + "]" * 3000)


def test_a_broken_line_is_named() -> None:
    assert refusal("a: 1\nb: [1, 2\nc: 3\n").startswith("conf/x.yaml:3 ")


def test_a_layer_above_replaces_values_and_lists_and_merges_mappings() -> None:
    below = parse_yaml("job: {a: 1, list: [1, 2], map: {x: 1, y: 2}}", "below")
    above = parse_yaml("job: {list: [3], map: {y: 9}}", "above")
    merged = overlay(below, above)
    assert merged.plain() == {"job": {"a": "1", "list": ["3"], "map": {"x": "1", "y": "9"}}}
    origins = {key: entry.origin for key in ("a", "list") if (entry := merged.at("job", key)) is not None}
    assert origins == {"a": "below", "list": "above"}
