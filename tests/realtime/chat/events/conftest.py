"""Helpers for the events of /chat."""

from typing import Any


async def code_of(client: Any, event: str, **payload: Any) -> str:
    """The code of the refusal."""
    answer = await client.call_for_ack(event, **payload)
    assert not answer["ok"], answer
    assert set(answer["error"]) <= {"code", "message", "fields", "retry_after_ms"}
    return str(answer["error"]["code"])
