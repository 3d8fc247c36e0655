"""The users of a run: registered, logged in and out over REST."""

from dataclasses import dataclass
from typing import Any

import aiohttp

from hubbub.prove.journal import Json

PASSWORD = "correct horse battery"  # noqa: S105 - of generated users in a temporary database
REQUEST_TIMEOUT = aiohttp.ClientTimeout(total=20)


class UnexpectedResult(Exception):
    """An instance gave a result with which the run can't continue."""


@dataclass
class User:
    """A user with one session."""

    id: str
    username: str
    token: str


async def request(
    http: aiohttp.ClientSession, method: str, url: str, token: str | None = None, body: Json | None = None
) -> Any:  # noqa: ANN401 - JSON
    """Return the `data` of a response, None if it has none. Raises UnexpectedResult, aiohttp's errors."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with http.request(method, url, json=body, headers=headers, timeout=REQUEST_TIMEOUT) as response:
        if not response.ok:
            raise UnexpectedResult(f"{method} {url}: {response.status} {(await response.text())[:500]}")
        return (await response.json())["data"] if response.content_type == "application/json" else None


async def register(http: aiohttp.ClientSession, url: str, username: str) -> User:
    """Register an account."""
    fields = {
        "name": username.title(),
        "username": username,
        "email": f"{username}@example.com",
        "password": PASSWORD,
    }
    data = await request(http, "POST", f"{url}/api/v1/auth/register", body=fields)
    return User(data["user"]["id"], username, data["access_token"])


async def log_in(http: aiohttp.ClientSession, url: str, user: User) -> User:
    """Return the same user with another session."""
    fields = {"email": f"{user.username}@example.com", "password": PASSWORD}
    data = await request(http, "POST", f"{url}/api/v1/auth/login", body=fields)
    return User(user.id, user.username, data["access_token"])


async def log_out(http: aiohttp.ClientSession, url: str, user: User) -> None:
    """Revoke the session."""
    await request(http, "POST", f"{url}/api/v1/auth/logout", token=user.token, body={})


async def create_room(
    http: aiohttp.ClientSession, url: str, owner: User, name: str, members: list[str]
) -> str:
    """Create a private room; return its id."""
    fields = {"kind": "private", "name": name, "member_ids": members}
    data = await request(http, "POST", f"{url}/api/v1/rooms", token=owner.token, body=fields)
    return str(data["id"])


async def add_member(http: aiohttp.ClientSession, url: str, owner: User, room_id: str, user_id: str) -> None:
    """Add a member."""
    await request(
        http, "POST", f"{url}/api/v1/rooms/{room_id}/members", token=owner.token, body={"user_id": user_id}
    )


async def set_role(
    http: aiohttp.ClientSession, url: str, owner: User, room_id: str, user_id: str, role: str
) -> None:
    """Change the role of a member."""
    path = f"{url}/api/v1/rooms/{room_id}/members/{user_id}"
    await request(http, "PATCH", path, token=owner.token, body={"role": role})


async def remove_member(
    http: aiohttp.ClientSession, url: str, owner: User, room_id: str, user_id: str
) -> None:
    """Remove a member."""
    await request(http, "DELETE", f"{url}/api/v1/rooms/{room_id}/members/{user_id}", token=owner.token)
