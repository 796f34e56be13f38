"""A published calculation, under the rates that it states and under list prices: why the second is a ninth."""

from __future__ import annotations

from dataclasses import dataclass

from deploy.cost.estimate import instances_cost
from deploy.cost.prices import Prices


@dataclass(frozen=True)
class Sample:
    """So many instances for so many hours, at USD per instance and hour; ``fee`` is EMR's."""

    instance_type: str
    instances: int
    hours: float
    ec2: float
    fee: float

    def cost(self, *, saved: float = 0.0) -> float:
        """USD; ``saved``: the share of EC2's price that spot saves."""
        return instances_cost(self.instances, self.hours, self.ec2, self.fee, saved=saved)


# "10 m5.xlarge for 2 hours: 43.40 dollars, about 15 with spot."
PUBLISHED = Sample("m5.xlarge", 10, 2, 1.92, 0.25)
_PUBLISHED_ON_SPOT = 15


def sample_text(prices: Prices) -> str:
    """Both sums with their reason, ready to print."""
    one = PUBLISHED
    ec2, fee = prices.ec2.rate(one.instance_type), prices.emr_fee.rate(one.instance_type)
    listed = Sample(one.instance_type, one.instances, one.hours, ec2, fee)
    # 20 hours x (1.92 x (1 - saved) + 0.25) = 15
    saved = 1 - (_PUBLISHED_ON_SPOT / (one.instances * one.hours) - one.fee) / one.ec2
    work, count = f"{one.instances} {one.instance_type} for {one.hours} hours", f"{one.instances} x {one.hours} h"
    return (
        f"{work} at the published rates: {one.cost():.2f} USD\n"
        f"  {count} x ({one.ec2:g} EC2 + {one.fee:g} EMR); 'about {_PUBLISHED_ON_SPOT} with spot' means that "
        f"spot saves {saved:.0%} of EC2's part\n"
        f"{work} at the rates of the price file ({prices.region}, {prices.oldest}): {listed.cost():.2f} USD\n"
        f"  {count} x ({ec2:g} EC2 + {fee:g} EMR)\n"
        f"Why: {one.ec2:g} is what ten instances cost in an hour, and it is multiplied by ten once more.\n"
        f"EMR's fee is about a quarter of EC2's price; {one.fee:g} looks like that share, taken for dollars.\n"
    )
