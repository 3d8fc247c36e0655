"""Calls of operations by their described paths."""

from typing import Any
from uuid import uuid4

from tests.support.live_instance import ApiUser, LiveInstance

BURST = 5  # messages
MAX_FILE_BYTES = 100_000
KNOWN = {"If-None-Match": "*"}  # any version
Operations = list[tuple[str, str, dict[str, Any]]]
SPENT: list[str] = [""]  # the refresh token of the last refresh


class OperationCaller:
    """Calls operations by their described paths."""

    def __init__(self, instance: LiveInstance) -> None:
        self.instance = instance

    async def ask(
        self, by: ApiUser | None, method: str, path: str, wanted: int, **given: Any
    ) -> dict[str, Any]:
        """Call an operation and assert its status. `given` fills the path. Other options are aiohttp's."""
        options = {name: given.pop(name) for name in ("json", "params", "data", "headers") if name in given}
        for name, value in given.items():
            path = path.replace(f"{{{name}}}", str(value))
        ask = by.rest if by is not None else self.instance.rest
        status, answer = await ask(method, path.removeprefix("/api/v1"), **options)
        assert status == wanted, (method, path, answer)
        return answer or {}


def any_ids(operation: dict[str, Any], path: str) -> dict[str, Any]:
    """A path and body that pass validation, to reach the checks behind the token."""
    ids = {part["name"]: "%F0%9F%91%8D" for part in operation["parameters"] if part["in"] == "path"}
    ids |= {name: str(uuid4()) for name in ids if name.endswith("_id")}
    return ids
