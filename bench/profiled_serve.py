"""A command of hubbub whose CPU time is profiled, from the signal SIGUSR2 to the end of the process.

python -m bench.profiled_serve FILE serve
"""

import atexit
import cProfile
import signal
import sys
import time

from hubbub.cli import main


def run() -> None:
    """Run the command. The profile is written when the process ends."""
    path = sys.argv.pop(1)
    profile = cProfile.Profile(time.thread_time)  # without the time in which the event loop waits
    signal.signal(signal.SIGUSR2, lambda *_: profile.enable())

    def write() -> None:
        profile.disable()
        profile.dump_stats(path)

    atexit.register(write)
    main()


if __name__ == "__main__":
    run()
