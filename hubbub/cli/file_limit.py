"""The limit of open files: each connection is one."""

import contextlib
import resource


def raise_limit() -> int:
    """Raise the soft limit to the hard one, where the system permits it, and return the effective limit.

    Shells and service managers often start with 1024, which as many idle connections exhaust.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        # A hard limit may exceed what the kernel accepts, as on macOS.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
