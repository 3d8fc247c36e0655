"""Keeps packages out of the memory of a process that libraries import if they are installed.

python-socketio imports the clients of HTTP, of Valkey and of Redis for features that hubbub does not use:
15 MB. PyJWT imports cryptography for signatures of other servers, which only OAuth logins need: 9 MB.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from hubbub.config import Settings, oauth_providers

# The first three are no dependencies of hubbub. Redis is imported by `hubbub.app` if it is configured.
PACKAGES = ("requests", "valkey", "websocket", "redis")
SIGNATURES_PACKAGE = "cryptography"  # `core/sealing.py` imports it when it is needed


@contextmanager
def hidden(settings: Settings) -> Iterator[None]:
    """Let imports of packages fail in this context as if they were not installed.

    A package that is imported already stays available. cryptography is hidden unless an OAuth provider is
    configured.
    """
    optional = () if oauth_providers.configured(settings) else (SIGNATURES_PACKAGE,)
    names = [name for name in (*PACKAGES, *optional) if name not in sys.modules]
    # Documented: None in `sys.modules` makes an import raise ModuleNotFoundError.
    sys.modules.update(dict.fromkeys(names))
    try:
        yield
    finally:
        for name in names:
            del sys.modules[name]
