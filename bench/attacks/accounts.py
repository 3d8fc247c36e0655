"""The accounts of a template: honest users in rooms of their own, an attacker with one ordinary account.

Sessions are stored with the template. Access tokens are signed for each measurement, so that none expires.
"""

import http.client
import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from bench.attacks.script import Target
from hubbub.core.auth_tokens import TokenIssuer

ADMIN_EMAIL = "admin@example.com"
TOKEN_TTL_S = 900
ROOM_SIZE = 4  # honest users in one room
ATTACKER_IP = "127.0.0.66"


@dataclass(frozen=True, slots=True)
class TemplateSize:
    """The size of a template."""

    users: int = 150
    rooms: int = 12
    messages: int = 6000
    honest: int = 12  # users who chat
    reconnecting: int = 20  # users who connect repeatedly
    pictures: bool = True  # whether users have avatars and portfolios, and messages show pictures


SMALL_TEMPLATE = TemplateSize(110, 3, 100, 4, 8, pictures=False)


@dataclass(slots=True)
class Account:
    """A user with one session."""

    email: str
    source_ip: str
    user_id: str
    session_id: str
    refresh_token: str
    room_id: str = ""


class Accounts:
    """All accounts of a measurement."""

    def __init__(self, secret: str, size: TemplateSize) -> None:
        self.size = size
        self.password = "an attack is only a test"
        self.token_issuer = TokenIssuer(secret, TOKEN_TTL_S, TOKEN_TTL_S)
        self.expired_issuer = TokenIssuer(secret, -TOKEN_TTL_S, TOKEN_TTL_S)
        self.foreign_issuer = TokenIssuer("f" * 64, TOKEN_TTL_S, TOKEN_TTL_S)
        self.honest: list[Account] = []
        self.reconnecting: list[Account] = []

    def prepare(self, port: int, password: str) -> None:
        """Log in, create rooms, suspend one account. Each account has its own IP address."""
        from hubbub.services.seed import sample

        emails = iter(f"{sample.user_names(number)[0]}@sample.example" for number in range(self.size.users))
        accounts = [
            self._log_in(port, next(emails), password, f"127.0.0.{2 + number}")
            for number in range(self.size.honest + self.size.reconnecting)
        ]
        self.honest, self.reconnecting = accounts[: self.size.honest], accounts[self.size.honest :]
        for start in range(0, self.size.honest, ROOM_SIZE):
            room_accounts = self.honest[start : start + ROOM_SIZE]
            body = {
                "kind": "private",
                "name": f"honest {start}",
                "member_ids": [it.user_id for it in room_accounts[1:]],
            }
            room = self._request_as(port, room_accounts[0], "POST", "/rooms", body)
            for account in room_accounts:
                account.room_id = str(room["id"])
        self.attacker = self._log_in(port, next(emails), password, ATTACKER_IP)
        self._load_attacker_data(port)
        self.suspended_account = self._log_in(port, next(emails), password, "127.0.0.67")
        self.logged_out_account = self._log_in(port, next(emails), password, "127.0.0.68")
        admin = self._log_in(port, ADMIN_EMAIL, self.password, "127.0.0.69")
        self._request_as(
            port,
            admin,
            "PATCH",
            f"/admin/users/{self.suspended_account.user_id}",
            {"suspended": {"reason": "a test"}},
        )
        self._request_as(port, self.logged_out_account, "POST", "/auth/logout")

    def _load_attacker_data(self, port: int) -> None:
        """Load the ids of the attacker's rooms and messages, and of users to invite."""
        rooms = self._request_as(port, self.attacker, "GET", "/rooms?limit=200")
        busy_room = max(rooms, key=lambda room: int(room["member_count"]))
        self.room_ids = [str(room["id"]) for room in rooms]
        self.busy_room_id = str(busy_room["id"])
        messages = self._request_as(
            port, self.attacker, "GET", f"/rooms/{self.busy_room_id}/messages?limit=100"
        )
        self.message_ids = [str(message["id"]) for message in messages]
        members = self._request_as(
            port, self.attacker, "GET", f"/rooms/{self.busy_room_id}/members?limit=200"
        )
        excluded = {self.attacker.user_id}
        self.user_ids = [it for member in members if (it := str(member["user"]["id"])) not in excluded]
        own = self._request_as(port, self.attacker, "POST", "/rooms", {"kind": "private", "name": "alone"})
        self.own_room_id = str(own["id"])

    def target(self, port: int, source_ip: str, seed: int) -> Target:
        """Return the target for the attacker."""
        return Target(
            port=port,
            source_ip=source_ip,
            token=self.access_token(self.attacker),
            refresh_token=self.attacker.refresh_token,
            user_id=self.attacker.user_id,
            room_id=self.busy_room_id,
            own_room_id=self.own_room_id,
            message_ids=self.message_ids,
            user_ids=self.user_ids,
            room_ids=self.room_ids,
            expired_token=self.access_token(self.attacker, self.expired_issuer),
            foreign_token=self.access_token(self.attacker, self.foreign_issuer),
            suspended_token=self.access_token(self.suspended_account),
            ended_token=self.access_token(self.logged_out_account),
            email=self.honest[0].email,
            seed=seed,
        )

    def client_configs(self, accounts: list[Account]) -> list[dict[str, str]]:
        """Return the configuration of the honest clients."""
        return [
            {"source": it.source_ip, "token": self.access_token(it), "room_id": it.room_id} for it in accounts
        ]

    def access_token(self, account: Account, issuer: TokenIssuer | None = None) -> str:
        """Issue an access token of the account's session."""
        token, _ = (issuer or self.token_issuer).issue_access(UUID(account.user_id), UUID(account.session_id))
        return token

    def _log_in(self, port: int, email: str, password: str, source_ip: str) -> Account:
        response = _request(port, source_ip, "POST", "/auth/login", {"email": email, "password": password})
        claims = self.token_issuer.verify_access(response["access_token"])
        return Account(
            email, source_ip, str(claims.user_id), str(claims.session_id), response["refresh_token"]
        )

    def _request_as(self, port: int, account: Account, method: str, path: str, body: Any = None) -> Any:
        return _request(port, account.source_ip, method, path, body, self.access_token(account))


def _request(port: int, source_ip: str, method: str, path: str, body: Any = None, token: str = "") -> Any:
    """Send a request to the REST API from an IP address. Returns the `data` of the response."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30, source_address=(source_ip, 0))
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
