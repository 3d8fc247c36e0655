"""Attacks over REST by a user with one ordinary account."""

from collections.abc import Callable

from bench.attacks.script import Attack, Script, Target, flood, storm, stream
from bench.attacks.wire import api_request, repeat_to_size, request

BuildRequest = Callable[[Target], bytes]
UNKNOWN_ID = "01890000-0000-7000-8000-000000000001"

# One request, repeated: name, description, request.
REPEATED_REQUESTS: list[tuple[str, str, BuildRequest]] = [
    ("me", "`GET /auth/me`", lambda it: api_request("GET", "/auth/me", it.token)),
    ("rooms", "the list of rooms", lambda it: api_request("GET", "/rooms?limit=200", it.token)),
    ("public-rooms", "the list of public rooms", lambda it: api_request("GET", "/rooms/public?limit=200", it.token)),
    ("members", "members of a room of many", lambda it: api_request("GET", f"/rooms/{it.room_id}/members?limit=200", it.token)),
    ("messages", "100 messages", lambda it: api_request("GET", f"/rooms/{it.room_id}/messages?limit=100", it.token)),
    ("search", "searches", lambda it: api_request("GET", "/messages/search?query=the&limit=100", it.token)),
    ("message", "one message", lambda it: api_request("GET", f"/messages/{it.message_ids[0]}", it.token)),
    ("sessions", "the list of sessions", lambda it: api_request("GET", "/sessions", it.token)),
    ("export", "exports", lambda it: api_request("GET", "/users/account/export", it.token)),
    ("export-csv", "exports as CSV", lambda it: api_request("GET", "/users/account/export?format=csv", it.token)),
    ("profile", "new profiles", lambda it: api_request("PATCH", "/users/profile", it.token, {"display_name": "Attacker"})),
    ("preferences", "new preferences", lambda it: api_request("PATCH", "/settings/preferences", it.token, {"theme": "dark"})),
    ("not-found", "an unknown room", lambda it: api_request("GET", f"/rooms/{UNKNOWN_ID}", it.token)),
    ("unknown-user", "an unknown user", lambda it: api_request("GET", "/users/nobody-of-that-name", it.token)),
    ("forbidden", "a route for administrators", lambda it: api_request("GET", "/admin/users", it.token)),
    ("invalid", "bodies that are invalid", lambda it: api_request("POST", f"/rooms/{it.room_id}/messages", it.token, {})),
    ("too-large", "bodies of 1 MB", lambda it: api_request("POST", f"/rooms/{it.room_id}/messages", it.token, {"body": "x" * 990_000})),
    ("lists", "bodies of 100 kB of lists", lambda it: api_request("POST", f"/rooms/{it.room_id}/messages", it.token, {"body": [[]] * 25_000})),
    ("reaction", "one reaction, repeated", lambda it: api_request("PUT", f"/messages/{it.message_ids[0]}/reactions/%F0%9F%91%8D", it.token)),
    ("read", "read marks", lambda it: api_request("POST", f"/rooms/{it.room_id}/read", it.token, {"seq": 1})),
    ("join", "repeated joins", lambda it: api_request("POST", f"/rooms/{it.room_id}/join", it.token, {})),
    ("password", "changes of the password with a wrong one", lambda it: api_request("POST", "/auth/change-password", it.token, {"current_password": "x", "new_password": "a long enough passphrase 7"})),
    ("confirm", "confirmations with a wrong password", lambda it: api_request("POST", "/auth/confirm", it.token, {"password": "x"})),
    ("deletion", "requests for the deletion of the account", lambda it: api_request("POST", "/users/account/request-deletion", it.token, {})),
    ("verification", "e-mails to verify the e-mail address", lambda it: api_request("POST", "/auth/resend-verification", it.token, {})),
    ("mfa", "setups of a second factor", lambda it: api_request("POST", "/auth/2fa/setup", it.token, {})),
    ("api-key-list", "the list of API keys", lambda it: api_request("GET", "/api-keys", it.token)),
    ("api-keys", "new API keys", lambda it: api_request("POST", "/api-keys", it.token, {"name": "a", "scopes": ["read"]})),
    ("identities", "the list of identities", lambda it: api_request("GET", "/auth/identities", it.token)),
    ("refresh", "refreshes with the same token", lambda it: api_request("POST", "/auth/refresh", body={"refresh_token": it.refresh_token})),
    ("crowds", "new rooms with 100 members", lambda it: api_request("POST", "/rooms", it.token, {"kind": "private", "name": "crowd", "member_ids": it.user_ids[:100]})),
    ("page-10000", "pages far beyond the end", lambda it: api_request("GET", "/rooms/public?page=10000&limit=200", it.token)),
]  # fmt: skip
NUMBERED_REQUESTS: list[tuple[str, str, Callable[[Target, int], bytes]]] = [
    ("send", "messages", lambda it, n: api_request("POST", f"/rooms/{it.own_room_id}/messages", it.token, {"client_id": f"01890000-0000-7000-8001-{n:012x}", "body": "a"})),
    ("invites", "invitations", lambda it, n: api_request("POST", f"/rooms/{it.own_room_id}/members", it.token, {"user_id": it.user_ids[n % len(it.user_ids)]})),
    ("new-rooms", "new rooms", lambda it, n: api_request("POST", "/rooms", it.token, {"kind": "private", "name": f"room {n}"})),
    ("idempotency", "requests with other idempotency keys", lambda it, n: request("POST", f"/api/v1/rooms/{it.room_id}/join", f"Authorization: Bearer {it.token}", "Content-Type: application/json", f"Idempotency-Key: k{n}", body=b"{}")),
    ("users", "other unknown users", lambda it, n: api_request("GET", f"/users/u{n}", it.token)),
]  # fmt: skip


def _numbered_requests(
    build: Callable[[Target, int], bytes], batch_size: int = 50
) -> Callable[[Target], Script]:
    def script(target: Target) -> Script:
        start = target.seed * 1_000_000
        return stream(
            b"",
            lambda chunk: b"".join(build(target, start + chunk * batch_size + n) for n in range(batch_size)),
        )

    return script


ATTACKS: list[Attack] = [
    *(Attack(f"rest-{name}", description, lambda it, build=build: flood(b"", repeat_to_size(build(it))), needs_account=True, quick=name == "export") for name, description, build in REPEATED_REQUESTS),  # type: ignore[misc]
    *(Attack(f"rest-{name}", description, _numbered_requests(build), needs_account=True) for name, description, build in NUMBERED_REQUESTS),
    Attack("rest-unread", "100 messages, reading nothing", lambda it: flood(b"", repeat_to_size(api_request("GET", f"/rooms/{it.room_id}/messages?limit=100", it.token)), reads=False), needs_account=True),
    Attack("rest-unread-export", "exports, reading nothing", lambda it: flood(b"", repeat_to_size(api_request("GET", "/users/account/export", it.token)), reads=False), needs_account=True),
    Attack("rest-new", "a connection for each request", lambda it: storm(api_request("GET", "/auth/me", it.token), connections=100), needs_account=True),
    Attack("rest-dropped", "exports whose response is not waited for", lambda it: storm(api_request("GET", "/users/account/export", it.token), wait_for_response=False, connections=100), needs_account=True),
]  # fmt: skip
