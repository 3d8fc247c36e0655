"""A rate: how many at once, and how many a second."""

from typing import NamedTuple


class Rate(NamedTuple):
    """`burst` at once, refilled by `per_s` a second; written `30/10` in the settings.

    `leaky`: as many may wait, one after the other goes on, `per_s` a second; written `30/10 leaky`.
    """

    burst: int
    per_s: float
    leaky: bool = False
