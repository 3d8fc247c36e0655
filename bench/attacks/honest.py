"""The process of the honest clients: chats, REST requests and new connections, measured.

python -m bench.attacks.honest: the input is a line of configuration, then the start time.
"""

import asyncio
import json
import os
import sys
import time
from functools import partial
from typing import Any

from bench.attacks import clients, wire
from bench.attacks.clients import Samples

SENDS_PER_S = 5.0  # per client; the limit of a user is 10
GETS_PER_S = 5.0
PAGES_PER_S = 5.0  # of a client that has a page; the limit of an IP address is 10
CONNECTS_PER_S = 2.5
LATE = 50  # missed periods after which a loop skips them


async def measure(config: dict[str, Any]) -> dict[str, Any]:
    """Connect, report `ready`, measure from the start time that is read next. Returns all samples."""
    samples, port = Samples(), config["port"]
    users = config["users"]
    chats = await asyncio.gather(
        *(clients.connect_chat(port, user["source"], user["token"], samples) for user in users)
    )
    for client, user in zip(chats, users, strict=True):
        client.room_size = sum(user["room_id"] == other["room_id"] for other in users)
    print("ready", flush=True)
    begin = float(await asyncio.to_thread(sys.stdin.readline))
    end = begin + config["seconds"] + config["tail"]
    async with asyncio.TaskGroup() as group:
        for number, (client, user) in enumerate(zip(chats, users, strict=True)):
            start = begin + number / len(users) / SENDS_PER_S
            send = partial(_send, client, user["room_id"])
            group.create_task(clients.run_on_schedule(start, end, 1 / SENDS_PER_S, send))
            get_me = wire.api_request("GET", "/auth/me", user["token"])
            rest = clients.RestClient(port, user["source"], get_me, samples)
            group.create_task(clients.run_on_schedule(start, end, 1 / GETS_PER_S, rest.get))
            if path := user.get("page"):
                page = clients.RestClient(port, user["source"], wire.request("GET", path), samples, "page")
                group.create_task(clients.run_on_schedule(start, end, 1 / PAGES_PER_S, page.get))
        for number, user in enumerate(config["reconnecting"]):
            start = begin + number / len(config["reconnecting"]) / CONNECTS_PER_S
            measure_connect = partial(clients.measure_connect, port, user["source"], user["token"], samples)
            group.create_task(clients.run_on_schedule(start, end, 1 / CONNECTS_PER_S, measure_connect))
    await _wait_for_deliveries(chats, samples)
    return _report(samples, chats)


def _send(client: clients.ChatClient, room_id: str, _: float) -> None:
    client.send(room_id)


async def _wait_for_deliveries(chats: list[clients.ChatClient], samples: Samples) -> None:
    """Wait until all expected deliveries and acks have arrived."""
    deadline = time.monotonic() + clients.RESPONSE_TIMEOUT_S
    while time.monotonic() < deadline:
        if (
            not any(client.pending for client in chats)
            and len(samples.by_kind["delivery"]) >= samples.expected_deliveries
        ):
            return
        await asyncio.sleep(0.05)


def _report(samples: Samples, chats: list[clients.ChatClient]) -> dict[str, Any]:
    now = time.monotonic()
    for client in chats:
        for sent_at in client.pending.values():
            samples.by_kind["ack"].append((sent_at, now - sent_at))
            samples.failures["no ack"] += 1
        client.close()
    if (missing := samples.expected_deliveries - len(samples.by_kind["delivery"])) > 0:
        samples.failures["not delivered"] += missing
    return {"samples": samples.by_kind, "wrong": dict(samples.failures)}


def main() -> None:
    """Run the honest clients of the configuration."""
    config = json.loads(sys.stdin.readline())
    if config["core"] is not None:
        os.sched_setaffinity(0, {config["core"]})
    try:
        print(json.dumps(asyncio.run(measure(config))), flush=True)
    except (OSError, TimeoutError):
        sys.exit("Honest clients cannot connect.")


if __name__ == "__main__":
    main()
