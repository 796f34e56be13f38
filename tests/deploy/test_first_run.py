"""The commands of docs/first-run.md are ones that exist, with every parameter that a template asks for."""

from __future__ import annotations

import re

import pytest
import yaml

from deploy.cli import _COMMANDS
from deploy.package.build import REPOSITORY

pytestmark = pytest.mark.unit

_TEXT = (REPOSITORY / "docs" / "first-run.md").read_text(encoding="utf-8")
_CODE = "\n".join(re.findall(r"```\n(.*?)```", _TEXT, re.DOTALL)).replace("\\\n", " ")
_TEMPLATES = REPOSITORY / "deploy" / "templates"


class _Loader(yaml.SafeLoader):
    """Reads the short forms of CloudFormation's functions as what stands in them."""


_Loader.add_multi_constructor("!", lambda loader, _suffix, node: str(node.value))


def parameters_of(template: str) -> dict[str, bool]:
    """The parameters of a template, and whether each must be given."""
    found = yaml.load((_TEMPLATES / template).read_text(encoding="utf-8"), _Loader)
    return {name: "Default" not in declared for name, declared in found.get("Parameters", {}).items()}


def test_each_command_of_the_suite_is_one() -> None:
    words = set(re.findall(r"\blakejobs ([a-z]+)", _CODE))
    assert words
    assert words <= set(_COMMANDS)


@pytest.mark.parametrize("line", re.findall(r"aws cloudformation deploy.*", _CODE), ids=lambda line: line.split()[4])
def test_each_stack_is_given_what_its_template_asks_for_and_nothing_else(line: str) -> None:
    template = re.search(r"--template-file (\S+)", line)
    assert template is not None
    _, _, given = line.partition("--parameter-overrides")
    names = set(re.findall(r"(?:^| )([A-Z][A-Za-z]+)=", given))
    parameters = parameters_of(template[1])
    assert names <= set(parameters)
    assert {name for name, must in parameters.items() if must} <= names


def test_each_output_that_is_asked_for_is_one_of_its_template() -> None:
    asked = re.findall(r"output lakejobs-([a-z]+) ([A-Za-z]+)", _TEXT)
    assert asked
    for stack, name in asked:
        text = (_TEMPLATES / f"{'bucket' if stack == 'lake' else stack}.yaml").read_text(encoding="utf-8")
        assert re.search(rf"^  {name}:$", text.partition("\nOutputs:")[2], re.MULTILINE), (stack, name)
