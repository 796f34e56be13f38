"""Figures of a replay in the words and columns of its report."""

from __future__ import annotations

from collections.abc import Sequence

from jobs.forecast.replays.sums import Sums

POLICY_WORDS = {
    "(R, S)": "periodic review (R, S)",
    "(R, s, S)": "periodic review with a minimum (R, s, S)",
    "(r, Q)": "continuous review (r, Q)",
}


def compared(cost: float, with_: float) -> str:
    """How much more or less ``cost`` is than ``with_``."""
    if not with_:
        return ""
    share = cost / with_ - 1
    return f"{abs(share):.1%} {'more' if share >= 0 else 'less'}"


def level_words(level: float) -> str:
    """``95 %``."""
    return f"{100 * level:.4g} %"


def percent(value: float | None) -> str:
    """A share as ``91.4%``."""
    return "unknown" if value is None else f"{value:.1%}"


def of_hundred(value: float | None) -> float | None:
    """A share in percent, for a column of numbers."""
    return None if value is None else round(100 * value, 1)


SERVICE = ("served, %", "cycles, %", "stock", "orders", "flips")


def service_cells(sums: Sums) -> tuple[object, ...]:
    """Cells of the columns SERVICE."""
    shares = (of_hundred(sums.fill_rate), of_hundred(sums.cycle_service))
    return (*shares, round(sums.mean_stock), round(sums.orders), round(sums.order_flips))


def cost_parts(of: Sequence[Sums]) -> dict[str, list[int]]:
    """What the costs are made of, without what is nothing everywhere."""
    parts = {
        "holding": [round(sums.holding_money) for sums in of],
        "shortage": [round(sums.shortage_money) for sums in of],
        "ordering": [round(sums.ordering_money) for sums in of],
        "write-offs": [round(sums.write_off_money) for sums in of],
    }
    return {name: values for name, values in parts.items() if any(values)} or {"holding": parts["holding"]}
