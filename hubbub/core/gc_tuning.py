"""The garbage collector of a server: little to find, much to look through.

What connections and rooms are made of lives long and is freed by its reference counts; a collection walks
through all of it to find nothing. What a start made is therefore left out, and the rest is looked at seldom:
docs/performance.md has what that gains.
"""

import gc

GEN0_THRESHOLD, GEN1_THRESHOLD, GEN2_THRESHOLD = 50_000, 20, 50


def freeze_and_tune() -> None:
    """Call once, when a server has started."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GEN0_THRESHOLD, GEN1_THRESHOLD, GEN2_THRESHOLD)
