"""/notifications: the inbox over REST, the same as over sockets."""

from uuid import uuid4

import pytest

from hubbub import models
from tests.support.inboxes import counted_unread, notify


@pytest.fixture
def database_kind():
    return "sqlite"


async def test_the_inbox_over_rest_is_the_one_of_the_sockets(instance):
    ada, eve = await instance.register("ada"), await instance.register("eve")
    for _ in range(3):
        await notify(instance.app.container, ada.id)
    inbox = await ada.connect_inbox()

    status, page = await ada.rest("GET", "/notifications", params={"limit": "2"})
    _, rest = await ada.rest("GET", "/notifications", params={"before_seq": "2"})
    listed = await inbox.call("notification:list", limit=2)
    oldest = rest["data"][0]["id"]

    assert status == 200
    assert page == {"data": listed["notifications"], "meta": {"has_more": True, "unread": 3}}
    assert [each["seq"] for each in rest["data"]] == [1]
    assert await ada.rest("POST", "/notifications/read", json={"id": oldest}) == (
        200,
        {"data": {"unread": 2}},
    )
    assert (await inbox.next_event("notification:read"))["ids"] == [oldest]
    assert await ada.rest("GET", "/notifications/unread") == (200, {"data": {"unread": 2}})
    _, unread = await ada.rest("GET", "/notifications", params={"unread_only": "true"})
    _, every = await ada.rest("GET", "/notifications", params={"unread_only": "false"})
    assert ([each["seq"] for each in unread["data"]], len(every["data"])) == ([3, 2], 3)
    assert (await ada.rest("GET", f"/notifications/{oldest}"))[1]["data"]["read_at"]
    assert (await eve.rest("GET", f"/notifications/{oldest}"))[0] == 404
    assert (await eve.rest("POST", "/notifications/read", json={"id": oldest}))[0] == 404
    await ada.rest("POST", "/notifications/read", json={"up_to_seq": 99})
    assert await counted_unread(ada.id) == (0, 0)


@pytest.mark.parametrize(
    "params",
    [{"limit": "101"}, {"limit": "0"}, {"before_seq": "-1"}, {"before_seq": "x"}, {"unread_only": "1"}],
)
async def test_invalid_parameters_are_rejected(instance, params):
    ada = await instance.register("ada")

    status, answer = await ada.rest("GET", "/notifications", params=params)

    assert status == 422
    assert [error["field"] for error in answer["errors"]] == list(params)


@pytest.mark.parametrize(
    "body",
    [{}, {"id": str(uuid4()), "up_to_seq": 1}, {"up_to_seq": -1}, {"id": "x"}, {"up_to_seq": 1, "x": 1}],
)
async def test_an_invalid_body_marks_nothing(instance, body):
    ada = await instance.register("ada")
    await notify(instance.app.container, ada.id)

    assert (await ada.rest("POST", "/notifications/read", json=body))[0] == 422
    assert await counted_unread(ada.id) == (1, 1)


async def test_an_announcement_has_limits(instance):
    root = await instance.register("chief")
    await models.User.filter(id=root.id).update(role="admin")

    for wrong in (
        {"title": "", "body": "x"},
        {"title": "x" * 121, "body": "x"},
        {"title": "two\nlines", "body": "x"},
        {"title": " \u200b", "body": "x"},
        {"title": "x", "body": " \n\u200b"},
        {"title": "x", "body": ""},
        {"title": "x", "body": "x" * 4001},
        {"title": "x", "body": "x", "url": "javascript:alert(1)"},
    ):
        assert (await root.rest("POST", "/admin/announcements", json=wrong))[0] == 422
    assert not await models.Announcement.exists()
