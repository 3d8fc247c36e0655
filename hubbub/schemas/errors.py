"""How a refusal is shown to the one who asked."""

from typing import Any

from hubbub.core.errors import HubbubError


def to_view(error: HubbubError) -> dict[str, Any]:
    """`{ code, message, fields?, retry_after_ms? }`."""
    view: dict[str, Any] = {"code": error.code, "message": error.message}
    if error.fields:
        view["fields"] = [{"field": field, "message": message} for field, message in error.fields]
    if error.retry_after_ms is not None:
        view["retry_after_ms"] = error.retry_after_ms
    return view
