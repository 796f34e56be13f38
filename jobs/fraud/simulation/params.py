"""Parameters of fraud.simulate."""

from __future__ import annotations

from datetime import date

from pydantic import Field

from common.config.params import Params


class SimulateParams(Params):
    """The world of ``fraud.simulate``."""

    seed: int = Field(0, ge=0, le=2**31 - 1, description="The same seed gives the same rows.")
    customers: int = Field(5_000, ge=1, le=10**9, description="Number of customers (cards).")
    terminals: int = Field(10_000, ge=1, le=10**9, description="Number of terminals.")
    first_day: date = Field(date(2018, 4, 1), description="The day on which the simulated world begins.")
    radius: float = Field(5.0, gt=0, le=150, description="Reach of a customer, on a square with sides of 100.")
    terminals_a_day: float = Field(2, ge=0, le=10**6, description="Terminals newly compromised per day, on average.")
    customers_a_day: float = Field(3, ge=0, le=10**6, description="Customers whose card data leak per day, on average.")
    report_within_days: float = Field(7.0, ge=0, le=365, description="Days within which a fraud is reported.")
