"""The garbage collector of a server."""

import subprocess
import sys

LOOK = """
import gc
from hubbub.core import gc_tuning
gc_tuning.freeze_and_tune()
made = gc.get_freeze_count()
class Knot: pass
for _ in range(gc_tuning.GEN0_THRESHOLD * (gc_tuning.GEN1_THRESHOLD + 2)):
    knot = Knot()
    knot.self = knot
del knot
kept = sum(type(each).__name__ == "Knot" for each in gc.get_objects())
print(made > 1000, kept <= gc_tuning.GEN0_THRESHOLD * 2)
"""


def test_startup_objects_are_frozen_and_cycles_still_collected():
    said = subprocess.run(
        [sys.executable, "-c", LOOK], capture_output=True, text=True, check=True, timeout=60
    )
    assert said.stdout.split() == ["True", "True"]
