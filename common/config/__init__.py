"""Layered settings: YAML and command line, validated by pydantic models, each value with its origin."""

from common.config.lake_settings import LakeSettings
from common.config.params import Params, SecretRef
from common.config.resolve import Resolved, resolve

__all__ = ["LakeSettings", "Params", "Resolved", "SecretRef", "resolve"]
