"""Why an address can't be listened on, and when it is."""

import errno
import os
import socket

import pytest

from hubbub.http import listening
from hubbub.http.listening import CannotListen


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (
            OSError(errno.EADDRINUSE, "x"),
            "h:1 is in use: stop the process that listens there, or set HUBBUB_PORT.",
        ),
        (OSError(errno.EADDRNOTAVAIL, "x"), "h:1 is no address of this machine: set HUBBUB_HOST."),
        (OSError(errno.EACCES, "x"), "h:1 may not be used by this user: set HUBBUB_PORT to one above 1023."),
        (OSError(errno.EMFILE, "x"), f"h:1 {os.strerror(errno.EMFILE)}."),
        (OSError(-2, "x"), "h is no address of this machine: set HUBBUB_HOST."),
        (OSError("odd"), "h:1: odd."),
    ],
)
def test_the_reason_is_one_line(error, text):
    assert listening.error_text(error, "h", 1) == text


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_a_reserved_address_refuses_clients_and_instances(host):
    with listening.reserve(host, 0) as reserved:
        place = reserved.getsockname()[:2]
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(place, timeout=5)
        reserved.listen()

        with pytest.raises(CannotListen, match="is in use: stop the process that listens there"):
            listening.reserve(*place)
