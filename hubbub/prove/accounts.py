"""The people of a run: registered, logged in and out over REST."""

from dataclasses import dataclass
from typing import Any

import aiohttp

from hubbub.prove.journal import Json

PASSWORD = "correct horse battery"  # noqa: S105 - of made-up people in a database that is thrown away
ANSWER = aiohttp.ClientTimeout(total=20)


class Unwilling(Exception):
    """An instance answered otherwise than it must for the run to go on."""


@dataclass
class Person:
    """Somebody with one session."""

    id: str
    username: str
    token: str


async def rest(
    http: aiohttp.ClientSession, method: str, url: str, token: str | None = None, body: Json | None = None
) -> Any:  # noqa: ANN401 - JSON
    """The `data` of an answer, None if it has none. Raises Unwilling, aiohttp's errors."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with http.request(method, url, json=body, headers=headers, timeout=ANSWER) as answer:
        if not answer.ok:
            raise Unwilling(f"{method} {url}: {answer.status} {(await answer.text())[:500]}")
        return (await answer.json())["data"] if answer.content_type == "application/json" else None


async def register(http: aiohttp.ClientSession, url: str, username: str) -> Person:
    """Make an account."""
    given = {
        "name": username.title(),
        "username": username,
        "email": f"{username}@example.com",
        "password": PASSWORD,
    }
    data = await rest(http, "POST", f"{url}/api/v1/auth/register", body=given)
    return Person(data["user"]["id"], username, data["access_token"])


async def log_in(http: aiohttp.ClientSession, url: str, person: Person) -> Person:
    """The same person with another session."""
    given = {"email": f"{person.username}@example.com", "password": PASSWORD}
    data = await rest(http, "POST", f"{url}/api/v1/auth/login", body=given)
    return Person(person.id, person.username, data["access_token"])


async def log_out(http: aiohttp.ClientSession, url: str, person: Person) -> None:
    """End the session."""
    await rest(http, "POST", f"{url}/api/v1/auth/logout", token=person.token, body={})


async def make_room(
    http: aiohttp.ClientSession, url: str, owner: Person, name: str, members: list[str]
) -> str:
    """Make a private room; returns its id."""
    given = {"kind": "private", "name": name, "member_ids": members}
    data = await rest(http, "POST", f"{url}/api/v1/rooms", token=owner.token, body=given)
    return str(data["id"])


async def invite(http: aiohttp.ClientSession, url: str, owner: Person, room_id: str, user_id: str) -> None:
    """Take somebody in."""
    await rest(
        http, "POST", f"{url}/api/v1/rooms/{room_id}/members", token=owner.token, body={"user_id": user_id}
    )


async def set_role(
    http: aiohttp.ClientSession, url: str, owner: Person, room_id: str, user_id: str, role: str
) -> None:
    """Give a member another role."""
    path = f"{url}/api/v1/rooms/{room_id}/members/{user_id}"
    await rest(http, "PATCH", path, token=owner.token, body={"role": role})


async def remove(http: aiohttp.ClientSession, url: str, owner: Person, room_id: str, user_id: str) -> None:
    """Put somebody out."""
    await rest(http, "DELETE", f"{url}/api/v1/rooms/{room_id}/members/{user_id}", token=owner.token)
