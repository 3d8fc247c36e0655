"""The number of files that the process may have open: each connection is one."""

import contextlib
import resource


def raise_limit() -> int:
    """Raise the soft limit to the hard one, where the system permits it. Return the limit in force.

    A shell and a service manager often start with 1024, which so many idle connections use up.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        # A hard limit may be above what the kernel takes, as on macOS.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
