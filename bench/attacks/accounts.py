"""The accounts of a template: honest users in rooms of their own, an attacker with one ordinary account.

Sessions are stored with the template. Access tokens are signed anew for each measurement: none expires.
"""

import http.client
import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from bench.attacks.script import Target
from hubbub.core.auth_tokens import TokenIssuer

ADMIN = "admin@example.com"
TTL_S = 900
ROOM_SIZE = 4  # honest users in one room
ATTACKERS = "127.0.0.66"


@dataclass(frozen=True, slots=True)
class Size:
    """How much a template holds."""

    users: int = 150
    rooms: int = 12
    messages: int = 6000
    honest: int = 12  # users who chat
    comers: int = 20  # users who connect again and again


SMALL = Size(110, 3, 100, 4, 8)


@dataclass(slots=True)
class Account:
    """A user with one session."""

    email: str
    source: str
    user_id: str
    session_id: str
    refresh_token: str
    room_id: str = ""


class Accounts:
    """Everybody who takes part."""

    def __init__(self, secret: str, size: Size) -> None:
        self.size = size
        self.password = "an attack is only a test"
        self.tokens = TokenIssuer(secret, TTL_S, TTL_S)
        self.expired = TokenIssuer(secret, -TTL_S, TTL_S)
        self.foreign = TokenIssuer("f" * 64, TTL_S, TTL_S)
        self.honest: list[Account] = []
        self.comers: list[Account] = []

    def prepare(self, port: int, password: str) -> None:
        """Log in, make rooms, suspend one. Each account comes from an IP address of its own."""
        from hubbub.services.seed import sample

        emails = iter(f"{sample.person(number)[0]}@sample.example" for number in range(self.size.users))
        people = [
            self._log_in(port, next(emails), password, f"127.0.0.{2 + number}")
            for number in range(self.size.honest + self.size.comers)
        ]
        self.honest, self.comers = people[: self.size.honest], people[self.size.honest :]
        for start in range(0, self.size.honest, ROOM_SIZE):
            some = self.honest[start : start + ROOM_SIZE]
            body = {
                "kind": "private",
                "name": f"honest {start}",
                "member_ids": [it.user_id for it in some[1:]],
            }
            room = self._as(port, some[0], "POST", "/rooms", body)
            for account in some:
                account.room_id = str(room["id"])
        self.attacker = self._log_in(port, next(emails), password, ATTACKERS)
        self._equip(port)
        self.suspended = self._log_in(port, next(emails), password, "127.0.0.67")
        self.ended = self._log_in(port, next(emails), password, "127.0.0.68")
        admin = self._log_in(port, ADMIN, self.password, "127.0.0.69")
        self._as(
            port,
            admin,
            "PATCH",
            f"/admin/users/{self.suspended.user_id}",
            {"suspended": {"reason": "a test"}},
        )
        self._as(port, self.ended, "POST", "/auth/logout")

    def _equip(self, port: int) -> None:
        """What the attacker has: rooms, messages, others to invite."""
        rooms = self._as(port, self.attacker, "GET", "/rooms?limit=200")
        busy = max(rooms, key=lambda room: int(room["member_count"]))
        self.room_ids = [str(room["id"]) for room in rooms]
        self.busy = str(busy["id"])
        messages = self._as(port, self.attacker, "GET", f"/rooms/{self.busy}/messages?limit=100")
        self.message_ids = [str(message["id"]) for message in messages]
        members = self._as(port, self.attacker, "GET", f"/rooms/{self.busy}/members?limit=200")
        spared = {self.attacker.user_id}
        self.user_ids = [it for member in members if (it := str(member["user"]["id"])) not in spared]
        own = self._as(port, self.attacker, "POST", "/rooms", {"kind": "private", "name": "alone"})
        self.own_room = str(own["id"])

    def target(self, port: int, source: str, seed: int) -> Target:
        """What the attacker is given."""
        return Target(
            port=port,
            source=source,
            token=self.token(self.attacker),
            refresh_token=self.attacker.refresh_token,
            user_id=self.attacker.user_id,
            room_id=self.busy,
            own_room_id=self.own_room,
            message_ids=self.message_ids,
            user_ids=self.user_ids,
            room_ids=self.room_ids,
            expired=self.token(self.attacker, self.expired),
            foreign=self.token(self.attacker, self.foreign),
            suspended=self.token(self.suspended),
            ended=self.token(self.ended),
            email=self.honest[0].email,
            seed=seed,
        )

    def users(self, accounts: list[Account]) -> list[dict[str, str]]:
        """What the honest clients are given."""
        return [{"source": it.source, "token": self.token(it), "room_id": it.room_id} for it in accounts]

    def token(self, account: Account, tokens: TokenIssuer | None = None) -> str:
        """A fresh access token of the account's session."""
        made, _ = (tokens or self.tokens).access(UUID(account.user_id), UUID(account.session_id))
        return made

    def _log_in(self, port: int, email: str, password: str, source: str) -> Account:
        found = _call(port, source, "POST", "/auth/login", {"email": email, "password": password})
        claims = self.tokens.verify_access(found["access_token"])
        return Account(email, source, str(claims.user_id), str(claims.session_id), found["refresh_token"])

    def _as(self, port: int, account: Account, method: str, path: str, body: Any = None) -> Any:
        return _call(port, account.source, method, path, body, self.token(account))


def _call(port: int, source: str, method: str, path: str, body: Any = None, token: str = "") -> Any:
    """A request to the REST API from an IP address; the `data` of the response."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30, source_address=(source, 0))
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    try:
        connection.request(method, f"/api/v1{path}", None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        text = response.read()
    finally:
        connection.close()
    if response.status >= 300:
        raise SystemExit(f"{method} {path}: {response.status} {text[:300]!r}")
    return json.loads(text)["data"] if text else None
