"""Where a request came from, as far as it is written down."""

from typing import NamedTuple


class RequestInfo(NamedTuple):
    """Address and user agent of whoever asks; `request_id` finds the request in the log."""

    ip: str
    user_agent: str
    request_id: str = ""


SYSTEM = RequestInfo("", "")  # the server itself
