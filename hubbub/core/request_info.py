"""The origin of a request, for records."""

from typing import NamedTuple


class RequestInfo(NamedTuple):
    """IP address and user agent of the caller; `request_id` finds the request in the log."""

    ip: str
    user_agent: str
    request_id: str = ""


SYSTEM = RequestInfo("", "")  # the server itself
