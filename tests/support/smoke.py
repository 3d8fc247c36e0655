"""Checks a deployment: a page, an account, an e-mail, a message. Uses stock clients only.

    python -m tests.support.smoke http://localhost:8080 http://localhost:8025

The second URL is that of a Mailpit, which receives the e-mails. Exits with 1 at the first step that fails.
"""

import asyncio
import re
import secrets
import sys
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import aiohttp
import socketio

WAIT_S = 30.0
STATUS = {"created": 201, "ok": 200, "no_content": 204}
_TOKEN = re.compile(r"#verify_email:([\w-]{20,})")

ReadMail = Callable[[str], Awaitable[str]]


class StepFailed(Exception):
    """A step that did not work."""


async def check(url: str, read_mail: ReadMail, report: Callable[[str], None] = print) -> None:
    """Run every step. `read_mail` returns the text of the first e-mail to an address. Raises StepFailed."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(WAIT_S)) as http:
        await _check_page(http, url)
        report(f"{url}/ shows a page")
        ada, bob = [await _register(http, url) for _ in range(2)]
        report("two users registered")
        token_match = _TOKEN.search(await read_mail(ada["email"]))
        if token_match is None:
            raise StepFailed("The e-mail holds no link that confirms the address.")
        await post_json(http, f"{url}/api/v1/auth/verify-email", 204, token=token_match[1])
        report("an e-mail arrived and confirmed the address")
        tokens = [await login(http, url, each["email"], each["password"]) for each in (ada, bob)]
        report("both logged in")
        for transports in (["websocket"], ["polling"], ["polling", "websocket"]):
            await _exchange_message(url, tokens, transports)
            report(f"a message was sent and received over {' and '.join(transports)}")


async def _check_page(http: aiohttp.ClientSession, url: str) -> None:
    async with http.get(f"{url}/") as response:
        text = await response.text()
        if response.status != STATUS["ok"] or "<title>hubbub" not in text:
            raise StepFailed(f"{url}/ is no page of hubbub: {response.status} {text[:200]}")


async def post_json(http: aiohttp.ClientSession, url: str, status: int, **body: str) -> Any:
    """The `data` of the response. Raises Failure for another status."""
    async with http.post(url, json=body) as response:
        text = await response.text()
        if response.status != status:
            raise StepFailed(f"POST {url}: {response.status} {text[:500]}")
        return (await response.json())["data"] if text else None


async def _register(http: aiohttp.ClientSession, url: str) -> dict[str, str]:
    name = f"smoke{secrets.token_hex(6)}"
    account = {"name": name, "username": name, "email": f"{name}@hubbub.example"}
    account["password"] = secrets.token_urlsafe(16)
    await post_json(http, f"{url}/api/v1/auth/register", STATUS["created"], **account)
    return account


async def login(http: aiohttp.ClientSession, url: str, email: str, password: str) -> str:
    """An access token."""
    data = await post_json(http, f"{url}/api/v1/auth/login", STATUS["ok"], email=email, password=password)
    return str(data["access_token"])


async def _exchange_message(url: str, tokens: list[str], transports: list[str]) -> None:
    """The first one sends to a room that all are members of, the second one receives it."""
    body, received = f"smoke {uuid4()}", asyncio.Event()
    sender, receiver = (socketio.AsyncClient(reconnection=False) for _ in tokens)
    ready: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    sender.on("ready", ready.set_result, namespace="/chat")

    async def on_message(entry: dict[str, Any]) -> None:
        if entry["message"]["body"] == body:
            received.set()

    receiver.on("message:new", on_message, namespace="/chat")
    try:
        async with asyncio.timeout(WAIT_S):
            for client, token in ((receiver, tokens[1]), (sender, tokens[0])):
                await client.connect(
                    url,
                    namespaces=["/chat"],
                    auth={"token": token},
                    transports=transports,
                    wait_timeout=WAIT_S,
                )
            room = (await ready)["rooms"][0]["id"]
            message = {"room_id": room, "client_id": str(uuid4()), "body": body}
            ack = await sender.call("message:send", message, namespace="/chat", timeout=WAIT_S)
            if not ack["ok"]:
                raise StepFailed(f"message:send: {ack['error']}")
            await received.wait()
    except (TimeoutError, socketio.exceptions.SocketIOError) as error:
        raise StepFailed(f"Over {transports}: {error or 'no message arrived'}") from None
    finally:
        for client in (sender, receiver):
            await client.disconnect()


def mailpit_reader(url: str) -> ReadMail:
    """Reads from the API of a Mailpit."""

    async def read_mail(address: str) -> str:
        query = {"query": f'to:"{address}"'}
        async with aiohttp.ClientSession() as http, asyncio.timeout(WAIT_S):
            while True:
                async with http.get(f"{url}/api/v1/search", params=query) as response:
                    messages = (await response.json())["messages"]
                if messages:
                    async with http.get(f"{url}/api/v1/message/{messages[-1]['ID']}") as response:
                        return str((await response.json())["Text"])
                await asyncio.sleep(0.5)

    return read_mail


def main() -> int:
    """Check the deployment that the command line names."""
    if len(sys.argv) != 3:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    base, mail = (each.rstrip("/") for each in sys.argv[1:])
    try:
        asyncio.run(check(base, mailpit_reader(mail)))
    except (StepFailed, aiohttp.ClientError, TimeoutError) as error:
        sys.stderr.write(f"failed: {type(error).__name__}: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
