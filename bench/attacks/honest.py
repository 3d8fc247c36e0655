"""The process of the honest clients: chats, REST requests and new connections, measured.

python -m bench.attacks.honest: the input is a line of configuration, then the time to begin.
"""

import asyncio
import json
import os
import sys
import time
from functools import partial
from typing import Any

from bench.attacks import clients
from bench.attacks.clients import Samples

SENDS_PER_S = 5.0  # of a client; a user may send 10
GETS_PER_S = 5.0
CONNECTS_PER_S = 2.5
LATE = 50  # after which a loop behind its schedule gives up what it missed


async def measure(given: dict[str, Any]) -> dict[str, Any]:
    """Connect, report `ready`, measure from the time that is read next, and give back all samples."""
    samples, port = Samples(), given["port"]
    users = given["users"]
    chats = await asyncio.gather(
        *(clients.chat(port, user["source"], user["token"], samples) for user in users)
    )
    for client, user in zip(chats, users, strict=True):
        client.members = sum(user["room_id"] == other["room_id"] for other in users)
    print("ready", flush=True)
    begin = float(await asyncio.to_thread(sys.stdin.readline))
    end = begin + given["seconds"] + given["tail"]
    async with asyncio.TaskGroup() as group:
        for number, (client, user) in enumerate(zip(chats, users, strict=True)):
            start = begin + number / len(users) / SENDS_PER_S
            send = partial(_send, client, user["room_id"])
            group.create_task(clients.on_schedule(start, end, 1 / SENDS_PER_S, send))
            rest = clients.Rest(port, user["source"], user["token"], samples)
            group.create_task(clients.on_schedule(start, end, 1 / GETS_PER_S, rest.get))
        for number, user in enumerate(given["comers"]):
            start = begin + number / len(given["comers"]) / CONNECTS_PER_S
            come = partial(clients.connect, port, user["source"], user["token"], samples)
            group.create_task(clients.on_schedule(start, end, 1 / CONNECTS_PER_S, come))
    await _drained(chats, samples)
    return _report(samples, chats)


def _send(client: clients.Chat, room_id: str, _: float) -> None:
    client.send(room_id)


async def _drained(chats: list[clients.Chat], samples: Samples) -> None:
    """Wait until everything that is under way has come."""
    deadline = time.monotonic() + clients.WAIT_S
    while time.monotonic() < deadline:
        if not any(client.pending for client in chats) and len(samples.of["delivery"]) >= samples.expected:
            return
        await asyncio.sleep(0.05)


def _report(samples: Samples, chats: list[clients.Chat]) -> dict[str, Any]:
    now = time.monotonic()
    for client in chats:
        for wanted in client.pending.values():
            samples.of["ack"].append((wanted, now - wanted))
            samples.wrong["no ack"] += 1
        client.leave()
    if (missing := samples.expected - len(samples.of["delivery"])) > 0:
        samples.wrong["not delivered"] += missing
    return {"samples": samples.of, "wrong": dict(samples.wrong)}


def main() -> None:
    """Run the honest clients of the configuration."""
    given = json.loads(sys.stdin.readline())
    if given["core"] is not None:
        os.sched_setaffinity(0, {given["core"]})
    try:
        print(json.dumps(asyncio.run(measure(given))), flush=True)
    except (OSError, TimeoutError):
        sys.exit("Honest clients do not get in.")


if __name__ == "__main__":
    main()
