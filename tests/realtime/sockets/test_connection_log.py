"""Log lines at `info` about connections: connects, disconnects with their reasons, refusals."""

import aiohttp
import pytest
import socketio

from hubbub.ratelimit.bounded_log import BoundedLog
from hubbub.realtime.engine import handshake
from hubbub.realtime.socketio import connect
from hubbub.realtime.sockets import connection_log
from tests.support import waiting
from tests.support.live_instance import LiveInstance


def lines(caplog, message):
    return [record for record in caplog.records if record.message == message]


async def until(caplog, message):
    """Wait until a line is there."""
    return await waiting.until(lambda: lines(caplog, message))


@pytest.fixture(autouse=True)
def _full_buckets(monkeypatch):
    """Lines that other tests left to be written are not these tests'."""
    for module, name in (
        (connection_log, "_bounded_log"),
        (connect, "_refusal_log"),
        (handshake, "_refusal_log"),
    ):
        monkeypatch.setattr(module, name, BoundedLog(getattr(module, name)._log))


@pytest.fixture
def database_kind():
    return "sqlite"


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_a_user_connects_and_disconnects(instance, caplog, transport):
    caplog.set_level("INFO", "hubbub")
    ada = await instance.register("ada")

    client = await ada.connect_client(transports=[transport])
    (came,) = await until(caplog, "socket connected")
    await client.close()
    (went,) = await until(caplog, "socket disconnected")

    for line in (came, went):
        assert (line.levelname, line.user, line.user_id) == ("INFO", "ada", ada.id)
    assert went.reason == "client"
    assert went.seconds >= 0
    assert ada.token not in caplog.text


async def test_the_close_reason_of_the_server_is_logged(instance, caplog):
    caplog.set_level("INFO", "hubbub")
    ada = await instance.register("ada")
    await ada.connect_client()

    await ada.rest("POST", "/auth/logout")
    (went,) = await until(caplog, "socket disconnected")

    assert went.reason == "session_revoked"


async def test_a_refused_connect_is_logged_without_its_token(instance, caplog):
    caplog.set_level("INFO", "hubbub")
    client = socketio.AsyncClient(reconnection=False)

    with pytest.raises(socketio.exceptions.ConnectionError):
        await client.connect(instance.url, namespaces=["/chat"], auth={"token": "a-wrong-token"})
    (line,) = await until(caplog, "connect refused")

    assert (line.reason, line.ip) == ("unauthenticated", "127.0.0.1")
    assert "a-wrong-token" not in caplog.text


async def test_a_refused_handshake_is_logged(settings, caplog):
    caplog.set_level("INFO", "hubbub")
    async with LiveInstance(settings.model_copy(update={"sockets_per_address": 1})) as instance:
        url = f"{instance.url}/socket.io/?EIO=4&transport=polling"
        async with aiohttp.ClientSession() as http:
            statuses = []
            for _ in range(2):
                async with http.get(url) as response:
                    statuses.append(response.status)

    (line,) = lines(caplog, "handshake refused")
    assert statuses == [200, 503]
    assert (line.reason, line.ip) == ("address", "127.0.0.1")
