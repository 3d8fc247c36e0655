"""Tuning of the garbage collector for a server.

Objects of connections and rooms live long and are freed by their reference counts. A collection scans all of
them and finds nothing. Therefore the objects of the start are frozen, and collections are rare.
docs/performance.md states the gain.
"""

import gc

GEN0_THRESHOLD, GEN1_THRESHOLD, GEN2_THRESHOLD = 50_000, 20, 50


def freeze_and_tune() -> None:
    """Freeze existing objects and make collections rare. Call it once, after the start."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GEN0_THRESHOLD, GEN1_THRESHOLD, GEN2_THRESHOLD)
