"""Reads the price file: strict, each section with its unit, day and source."""

from __future__ import annotations

import math
from datetime import date
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from common.errors import UsageError
from common.yaml import YamlError, read_yaml

SHIPPED = Path(__file__).resolve().parent / "prices.yaml"


class Section(BaseModel):
    """Prices of one kind, by name, in ``unit``; ``source`` says where they are from, ``as_of`` of which day.

    ``unverified`` are the names of those that only one source or a rule of thumb gives.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    unit: str = Field(min_length=1)
    as_of: date
    source: str = Field(min_length=1)
    unverified: tuple[str, ...] = ()
    rates: dict[str, float]

    def rate(self, name: str) -> float:
        """A price. Raises UsageError CST-002 when the file has none."""
        if name not in self.rates:
            raise UsageError(
                "CST-002",
                f"The price file has no price of {name} ({self.unit}).",
                cause=f"It has {', '.join(self.rates) or 'none'}.",
                remedy="Add it to a copy of deploy/cost/prices.yaml, and give --prices FILE.",
            )
        return self.rates[name]


class Prices(BaseModel):
    """The whole file, for one Region, in US dollars."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    region: str = Field(min_length=1)
    ec2: Section
    emr_fee: Section
    disk: Section
    serverless: Section
    eks_fee: Section
    spot: Section

    @property
    def oldest(self) -> date:
        """The day of the oldest section."""
        found = (self.ec2, self.emr_fee, self.disk, self.serverless, self.eks_fee, self.spot)
        return min(section.as_of for section in found)


def read_prices(path: Path = SHIPPED) -> Prices:
    """The prices of a file. Raises UsageError CST-001 when it cannot be read or holds something else."""
    try:
        found = Prices.model_validate(read_yaml(path.read_text(encoding="utf-8"), path.name))
    except (OSError, UnicodeDecodeError) as error:
        raise _refused(path, type(error).__name__) from error
    except YamlError as error:
        raise _refused(path, str(error)) from error
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, one['loc'])) or 'the file'}: {one['msg']}" for one in error.errors()]
        raise _refused(path, "; ".join(problems)) from error
    for name, section in ((name, getattr(found, name)) for name in Prices.model_fields if name != "region"):
        wrong = [rate for rate, price in section.rates.items() if not (math.isfinite(price) and price >= 0)]
        if wrong:
            raise _refused(path, f"{name}.rates.{wrong[0]} is not a price")
    if found.spot.rates.get("discount", 2) > 1:
        raise _refused(path, "spot.rates.discount is not a share from 0 to 1")
    return found


def _refused(path: Path, cause: str) -> UsageError:
    return UsageError(
        "CST-001",
        f"The price file {path} cannot be used.",
        cause=cause,
        remedy="Copy deploy/cost/prices.yaml and change its numbers: the keys stay.",
    )
