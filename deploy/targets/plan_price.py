"""What the run of a plan costs at most in an hour, by the shipped prices."""

from __future__ import annotations

from common.errors import UsageError
from deploy.cost.estimate import Work, estimates
from deploy.cost.prices import read_prices
from deploy.targets.sizes import ServerlessSize
from deploy.targets.target import INSTANCE_TYPES, ClusterTarget, EmrTarget, Target


def price_text(target: Target) -> str:
    """``at most 12.34 USD an hour, with 20 executors (prices of us-east-1)``; why not where none can be given."""
    if not isinstance(target, EmrTarget):
        return ""
    is_cluster = isinstance(target, ClusterTarget)
    declared = target.node_types[1] if isinstance(target, ClusterTarget) else getattr(target, "instance_type", None)
    work = Work(
        size=ServerlessSize.model_validate(target.size.model_dump()),
        hours=1.0,
        executors=target.size.max_executors,
        instance_type=declared or INSTANCE_TYPES[target.architecture],
        # A target is a cluster that is there already.
        startup_minutes=0.0,
    )
    try:
        prices = read_prices()
        (found,) = estimates(work, prices, only="emr-step" if is_cluster else target.kind)
    except UsageError as error:
        return f"not known: {error.message}"
    if found.refusal:
        return "not known: `lakejobs cost` compares places and sizes"
    return (
        f"at most {found.total:,.2f} USD an hour, with {target.size.max_executors} executors: {found.basis} "
        f"(list prices of {prices.region}; see `lakejobs cost`)"
    )
