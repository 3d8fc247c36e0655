"""Records the examples of the API document: `python -m tests.support.api_examples`, or `make examples`.

Runs the test that sees every documented response, and keeps one request and response of each operation: the
largest small one. What differs from run to run (ids, times, tokens, IP addresses) is normalized.
"""

import re
import sys
from typing import Any

import msgspec
import pytest

from hubbub.http.openapi import examples
from tests.support.api_contract import api_contract

TEST = "tests/http/openapi/responses/test_described_responses.py::test_each_described_response_is_seen"
MAX_ITEMS = 2  # of a list
MAX_BYTES = 6000  # of a response
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)")
INSTANCE_ID = re.compile(r"[0-9a-f]{8}")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
SIGNATURE = re.compile(r"\?e=\d+&s=[\w-]+")
OWN_URL = re.compile(r"http://127\.0\.0\.1:\d+")
BY_NAME = {
    "access_token": "eyJhbGciOiJIUzI1NiJ9.eyJhdWQiOiJodWJidWI6YWNjZXNzIn0.c2lnbmF0dXJl",
    "refresh_token": "eyJhbGciOiJIUzI1NiJ9.eyJhdWQiOiJodWJidWI6cmVmcmVzaCJ9.c2lnbmF0dXJl",
    "mfa_token": "dGhlLW1mYS1jaGFsbGVuZ2U",
    "token": "dGhlLXRva2VuLW9mLWFuLWUtbWFpbA",
    "key": "hub_2f6c1d9e8b7a4f3096e5d4c3b2a19087",
    "prefix": "hub_2f6c1d9e",
    "signing_secret": "c2lnbmluZy1zZWNyZXQ",
    "secret": "JBSWY3DPEHPK3PXP",
    "otpauth_uri": "otpauth://totp/hubbub:tia@example.com?secret=JBSWY3DPEHPK3PXP&issuer=hubbub",
    "recovery_codes": ["4f7a-92kc-q8zd", "m3xw-71pv-b6te"],
    "next_cursor": "eyJhZnRlciI6MX0",
    "code": "123456",
    "state": "c3RhdGUtb2YtdGhlLWxvZ2lu",
    "iss": "https://login.example.com",
    "ip": "192.0.2.1",
    "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "request_id": "0f8fad5bd9cb469fa165708f3b1c2d4e",
    "issuer": "https://login.example.com",
    "subject": "1001",
    "signed_url": "/uploads/01890a5d-ac96-774b-bcce-0000000000ff/photo.png?e=1768478400&s=c2lnbmF0dXJl",
    "browser": "Firefox 140",
    "os": "Linux",
    "oldest_due_s": 0.25,
    "waiting": 2,
}
NOT_REPLACED = ("waiting", "delayed", "active", "completed", "failed")  # states of jobs


class Normalizer:
    """Replaces what differs from run to run; the same id is replaced by the same one everywhere."""

    def __init__(self) -> None:
        self.ids: dict[str, str] = {}

    def value(self, value: Any, name: str = "") -> Any:
        if value and name in BY_NAME and value not in NOT_REPLACED:
            return BY_NAME[name]
        if isinstance(value, dict):
            return {key: self.value(each, key) for key, each in value.items()}
        if isinstance(value, list):
            return [self.value(each) for each in value[:MAX_ITEMS]]
        return self.text(value) if isinstance(value, str) else value

    def text(self, text: str) -> str:
        if INSTANCE_ID.fullmatch(text):
            return "4f1c09ab"
        text = TIME.sub(lambda found: f"2026-01-15T09:30:00{'.000' if found[1] else ''}{found[2]}", text)
        text = SIGNATURE.sub("?e=1768478400&s=c2lnbmF0dXJl", text)
        return OWN_URL.sub("https://chat.example.com", UUID.sub(self._id, text))

    def _id(self, found: re.Match[str]) -> str:
        return self.ids.setdefault(found[0], f"01890a5d-ac96-774b-bcce-{len(self.ids) + 1:012x}")


def chosen(recorded: list[examples.Example]) -> examples.Example:
    """The largest response that is small enough, without the items that are left out."""
    short = [(len(msgspec.json.encode(Normalizer().value(each.response))), each) for each in recorded]
    small = [pair for pair in short if pair[0] <= MAX_BYTES] or [min(short, key=lambda pair: pair[0])]
    return max(small, key=lambda pair: pair[0])[1]


def main() -> int:
    recording = api_contract().record()
    if status := pytest.main(["-n0", "-q", "-W", "ignore::pytest.PytestAssertRewriteWarning", TEST]):
        return int(status)
    normalizer = Normalizer()
    found = {
        name: normalizer.value(msgspec.to_builtins(chosen(recorded)))
        for name, recorded in sorted(recording.items())
    }
    document = msgspec.json.format(msgspec.json.encode(found), indent=1)
    examples.FILE.write_bytes(document + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
