"""/email/unsubscribe: one click of a mail program, and a page with one button."""

import re
from uuid import UUID

import pytest

from hubbub.services.notifications.unsubscribe import Subscription, create_token


@pytest.fixture
def database_kind():
    return "sqlite"


async def _url(instance, user, kind="announcements"):
    token = create_token(instance.settings.secret_key, Subscription(UUID(user.id), "system.announcement"))
    return f"{instance.url}/api/v1/email/unsubscribe?token={token}"


async def _wants(user) -> bool:
    _, answer = await user.rest("GET", "/email/preferences")
    wanted: bool = answer["data"]["announcements"]
    return wanted


@pytest.mark.parametrize(
    "body",
    [
        {"data": "List-Unsubscribe=One-Click"},
        {"data": {"List-Unsubscribe": "One-Click"}},
        {"json": {"x": 1}},
        {"data": b"\x00\xff", "headers": {"Content-Type": "application/octet-stream"}},
        {},
    ],
)
async def test_one_click_switches_the_kind_off_with_any_body_and_no_login(instance, body):
    ada = await instance.register("ada")

    async with instance.http.post(await _url(instance, ada), **body) as response:
        assert response.status == 200

    assert not await _wants(ada)


async def test_opening_the_link_changes_nothing_and_its_button_does(instance):
    ada = await instance.register("ada")
    url = await _url(instance, ada)

    async with instance.http.get(url) as response:
        page = await response.text()
        policy = response.headers["Content-Security-Policy"]
    still_wanted = await _wants(ada)
    async with instance.http.post(url, data={}) as response:
        done = await response.text()

    assert still_wanted
    assert len(re.findall("<button", page)) == 1
    assert re.search(r'<form method="post">', page)
    assert "script" not in page
    assert "default-src 'none'" in policy
    assert "no more e-mails" in done
    assert not await _wants(ada)


@pytest.mark.parametrize("token", ["x", "<script>", "a.b.c"])
async def test_a_wrong_token_is_refused_and_not_repeated(instance, token):
    for method in ("GET", "POST"):
        async with instance.http.request(
            method, f"{instance.url}/api/v1/email/unsubscribe", params={"token": token}
        ) as response:
            assert response.status == 400
            assert (await response.json())["code"] == "invalid_token"
