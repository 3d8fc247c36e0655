"""A rate: tokens at once, and tokens per second."""

from typing import NamedTuple


class Rate(NamedTuple):
    """`burst` at once, refilled by `per_s` a second; written `30/10` in the settings.

    `leaky`: `burst` calls may wait, and `per_s` a second continue, one by one; written `30/10 leaky`.
    """

    burst: int
    per_s: float
    leaky: bool = False
