"""Refusals over REST: they leave nothing of the request behind, and cost what a success costs."""

import gc
import json
from pathlib import Path
from typing import Any

import pytest

from hubbub.ratelimit.rate import Rate
from tests.support.live_instance import LiveInstance

LARGE = "y" * 120_000
# A refusal with about the largest body that is read for it: method, path, body.
REFUSALS: dict[str, tuple[str, str, bytes]] = {
    "too_large": ("PATCH", "/users/profile", json.dumps({"display_name": LARGE * 2}).encode()),
    "invalid_json": ("PATCH", "/users/profile", b'{"display_name":"' + LARGE.encode()),
    "invalid_payload": ("PATCH", "/users/profile", json.dumps({"display_name": LARGE}).encode()),
    "an unknown field": ("POST", "/rooms", json.dumps({"kind": "private", LARGE: 1}).encode()),
    "half a pair": ("PATCH", "/users/profile", b'{"display_name":"' + LARGE.encode() + b'\\ud800"}'),
    "not_found": ("GET", "/rooms/0192f3a0-0000-7000-8000-000000000000", b""),
    "conflict": ("POST", "/rooms", b'{"kind":"public","name":"taken"}'),
    "method_not_allowed": ("DELETE", "/rooms", LARGE.encode()),
    "method_not_allowed of a path that a pattern matches": ("PUT", "/users/profile", LARGE.encode()),
    "unsupported_media_type": ("PATCH", "/users/profile", LARGE.encode()),
    "no route": ("POST", "/nothing/like/it", LARGE.encode()),
}


def resident_bytes() -> float:
    """Memory of this process, in MB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize("kind", REFUSALS)
async def test_refused_requests_leave_nothing_in_memory_and_are_limited(settings: Any, kind: str) -> None:
    """Without any collection of cycles."""
    method, path, body = REFUSALS[kind]
    async with LiveInstance(settings.model_copy(update={"limit_http": Rate(160, 0.01)})) as instance:
        ada = await instance.register("ada")
        await ada.rest("POST", "/rooms", json={"kind": "public", "name": "taken"})
        of_body = "text/plain" if kind == "unsupported_media_type" else "application/json"
        headers = {"Authorization": f"Bearer {ada.token}", "Content-Type": of_body}

        async def ask(times: int) -> list[int]:
            found = []
            for _ in range(times):
                url = f"{instance.url}/api/v1{path}"
                async with instance.http.request(method, url, data=body, headers=headers) as answer:
                    await answer.read()
                    found.append(answer.status)
            return found

        await ask(10)
        gc.collect()
        gc.disable()
        try:
            before = resident_bytes()
            statuses = await ask(140)  # up to 33 MB
            grown = resident_bytes() - before
        finally:
            gc.enable()
        limited = await ask(20)

    assert grown < 12, f"{grown} MB"
    assert all(400 <= status < 500 for status in statuses)
    assert limited[-1] == 429
