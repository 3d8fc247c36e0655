"""Calls of the operations of uploads, rooms, messages and notifications."""

from uuid import UUID, uuid4

from hubbub.services.chat import room_limits
from hubbub.services.notifications.unsubscribe import Subscription, create_token
from tests.http.openapi.responses.operation_caller import BURST, OperationCaller
from tests.support.live_instance import ApiUser
from tests.support.pictures import form, picture


async def call_uploads(asker: OperationCaller, ada: ApiUser) -> None:
    ask = asker.ask
    found = (await ask(ada, "GET", "/uploads", 200))["data"]
    data = form(("me.png", picture(300, 300)))
    avatar = (await ask(ada, "POST", "/users/profile/avatar", 201, data=data))["data"]["id"]
    for upload in found:
        await ask(ada, "GET", "/uploads/{upload_id}", 200, upload_id=upload["id"])
    await ask(ada, "DELETE", "/uploads/{upload_id}", 409, upload_id=avatar)
    await ask(ada, "DELETE", "/users/profile/avatar", 204)
    await ask(ada, "DELETE", "/uploads/{upload_id}", 204, upload_id=avatar)


async def call_rooms(asker: OperationCaller, ada: ApiUser) -> None:
    bob, ask = await asker.instance.register("bob"), asker.ask
    room = (await ask(ada, "POST", "/rooms", 201, json={"kind": "public", "name": "Garden"}))["data"]["id"]
    other = (await ask(ada, "POST", "/rooms", 201, json={"kind": "public", "name": "Shed"}))["data"]["id"]
    hidden = (await ask(ada, "POST", "/rooms", 201, json={"kind": "private"}))["data"]["id"]
    await ask(ada, "POST", "/rooms", 409, json={"kind": "public", "name": "garden"})
    await ask(ada, "POST", "/rooms", 404, json={"kind": "direct", "member_ids": [str(uuid4())]})
    await ask(ada, "GET", "/rooms", 200)
    await ask(ada, "GET", "/rooms/public", 200)
    at = {"room_id": room}
    await ask(ada, "GET", "/rooms/{room_id}", 200, **at)
    await ask(ada, "PATCH", "/rooms/{room_id}", 200, json={"topic": "of trees"}, **at)
    await ask(ada, "PATCH", "/rooms/{room_id}", 409, json={"name": "garden"}, room_id=other)
    await ask(bob, "POST", "/rooms/{room_id}/join", 200, **at)
    await ask(ada, "GET", "/rooms/{room_id}/members", 200, **at)
    await ask(bob, "POST", "/rooms/{room_id}/read", 200, json={"seq": 1}, **at)
    await ask(bob, "POST", "/rooms/{room_id}/leave", 204, **at)
    await ask(ada, "POST", "/rooms/{room_id}/members", 204, json={"user_id": bob.id}, **at)
    member = {**at, "user_id": bob.id}
    await ask(ada, "PATCH", "/rooms/{room_id}/members/{user_id}", 200, json={"role": "moderator"}, **member)
    await ask(ada, "DELETE", "/rooms/{room_id}/members/{user_id}", 204, **member)
    await ask(bob, "GET", "/messages/search", 404, params={"q": "leaf", "room_id": hidden})
    await _messages(asker, ada, room, other)


async def _messages(asker: OperationCaller, ada: ApiUser, room: str, other: str) -> None:
    ask = asker.ask
    uploads = (await ask(ada, "GET", "/uploads", 200, params={"kind": "image"}))["data"]
    said = {"client_id": str(uuid4()), "body": "a green leaf", "attachments": [uploads[0]["id"]]}
    path = "/rooms/{room_id}/messages"
    sent = (await ask(ada, "POST", path, 201, room_id=room, json=said))["data"]["id"]
    await ask(ada, "POST", path, 409, room_id=other, json=said)
    await ask(ada, "GET", path, 200, room_id=room)
    await ask(ada, "GET", "/messages/search", 200, params={"q": "leaf"})
    at = {"message_id": sent}
    await ask(ada, "GET", "/messages/{message_id}", 200, **at)
    await ask(ada, "PATCH", "/messages/{message_id}", 200, json={"body": "a red leaf"}, **at)
    reaction = "/messages/{message_id}/reactions/{emoji}"
    first, *others, last = list("🍏🍎🍐🍊🍋🍌🍉🍇🍓🍈🍒")
    for emoji in (first, *others):
        await ask(ada, "PUT", reaction, 200, emoji=emoji, **at)
    await ask(ada, "PUT", reaction, 409, emoji=last, **at)
    await ask(ada, "DELETE", reaction, 200, emoji=first, **at)
    await ask(ada, "DELETE", "/messages/{message_id}", 200, **at)
    await ada.connect_client()  # messages are counted for users with a socket. The rest is the limit of REST
    for _ in range(BURST):
        await ask(ada, "POST", path, 201, room_id=room, json={"client_id": str(uuid4()), "body": "more"})
    await ask(ada, "POST", path, 429, room_id=room, json={"client_id": str(uuid4()), "body": "more"})
    for of, rate in (("rooms", room_limits.ROOM_RATE), ("invitations", room_limits.INVITATION_RATE)):
        while not (await asker.instance.app.container.rate_limiter.acquire(of, ada.id, rate)).wait_ms:
            pass
    await ask(ada, "POST", "/rooms", 429, json={"kind": "private", "name": "one more"})
    await ask(ada, "POST", "/rooms/{room_id}/members", 429, room_id=room, json={"user_id": str(uuid4())})


async def call_notifications(asker: OperationCaller, ada: ApiUser, root: ApiUser) -> str:
    """Return the token of an unsubscribe link."""
    ask = asker.ask
    announcement = {"title": "Maintenance", "body": "On Sunday from 2 to 3.", "url": "https://example.com"}
    await ask(root, "POST", "/admin/announcements", 201, json=announcement)
    listed = (await ask(ada, "GET", "/notifications", 200))["data"]
    at = {"notification_id": listed[0]["id"]}
    await ask(ada, "GET", "/notifications/unread", 200)
    await ask(ada, "GET", "/notifications/{notification_id}", 200, **at)
    await ask(ada, "POST", "/notifications/read", 404, json={"id": str(uuid4())})
    await ask(ada, "POST", "/notifications/read", 200, json={"up_to_seq": listed[0]["seq"]})
    await ask(root, "GET", "/admin/notifications/{notification_id}/decisions", 200, **at)
    for path in ("/notifications/preferences", "/email/preferences"):
        await ask(ada, "GET", path, 200)
    changes = {"kinds": {"message.direct": {"push": False}}, "quiet": {"from": "22:00", "until": "07:00"}}
    await ask(ada, "PATCH", "/notifications/preferences", 200, json=changes)
    await ask(ada, "PATCH", "/email/preferences", 200, json={"digest": "weekly"})
    secret_key = asker.instance.settings.secret_key
    token = create_token(secret_key, Subscription(UUID(ada.id), "digest"))
    for params, status in (({"token": token}, 200), ({"token": "x"}, 400)):
        for method in ("GET", "POST"):
            await ask(None, method, "/email/unsubscribe", status, params=params)
    return token
