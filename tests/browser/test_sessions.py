"""The playground when its login runs out, is revoked, or the server goes away."""

from typing import Any

import pytest

from hubbub.app import App
from tests.browser.conftest import Town

SHORT_S = 20  # less than a minute: the server says `auth:expiring` at once


@pytest.fixture
def settings(settings: Any) -> Any:
    return settings.model_copy(update={"access_token_ttl_s": SHORT_S, "drain_s": 1})


async def test_a_login_is_renewed_while_the_socket_stays(town: Town) -> None:
    ada = await town.come("Ada")
    await ada.page.click(".wire summary")
    await ada.page.until(
        "[...document.querySelectorAll('.frame[data-way=ack] b')].some((b) => b.innerText === 'auth:refresh')"
    )
    frames = await ada.page.texts(".frame b")
    assert frames.index("auth:expiring") < frames.index("auth:refresh")
    assert "disconnect" not in frames
    assert await ada.page.texts(".frame[data-bad]") == []
    assert town.problems() == []


async def test_a_revoked_session_ends_at_the_first_page(town: Town) -> None:
    ada = await town.come("Ada")
    token = await ada.page.run("JSON.parse(sessionStorage['hubbub:session']).access_token")
    status, _ = await town.world.rest("POST", "/auth/logout", headers={"Authorization": f"Bearer {token}"})
    assert status == 204
    await ada.page.until("document.querySelector('.sign-in')")
    assert await ada.page.texts(".toast") != []
    assert await ada.page.run("sessionStorage['hubbub:session']") is None


async def test_a_restart_of_the_server_is_waited_out(town: Town) -> None:
    ada, bob = await town.come("Ada"), await town.come("Bob")
    await ada.say("before")
    await bob.sees("before")
    world = town.world
    settings = world.settings.model_copy(update={"port": world.app.port})
    await world.app.drain()
    await world.app.stop()
    await ada.page.until("document.querySelector('.strip').dataset.status === 'offline'")
    await ada.say("while it was away")
    await ada.page.shows("1 message queued", ".strip")
    world.app = await App(settings).start()
    for tab in (ada, bob):
        await tab.sees("before", "while it was away")
        await tab.page.until("document.querySelector('.strip').dataset.status === 'online'")
