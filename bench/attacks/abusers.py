"""The process of abusers: requests at a constant rate, regardless of the responses, counted by their outcome.

python -m bench.attacks.abusers: the input is a line of configuration, then the start time.
"""

import asyncio
import json
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

from bench.attacks import wire

TICK_S = 0.01
MAX_UNSENT_BYTES = 65536  # of one connection, in this process; further requests are not sent
CARRIED_BYTES = 64  # of input, in which a response may have begun
RECONNECT_S = 0.2
SLOW = "slow bodies"
STATUS = re.compile(rb"HTTP/1\.1 (\d{3})|43/chat,\d+\[\{\"ok\":(true|false)")


class Abuser(asyncio.Protocol):
    """A connection. Its outcomes are counted by its group."""

    def __init__(self, group: "AbuserGroup") -> None:
        self.group = group
        self.is_open = False
        self._carried = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.is_open = True
        self.transport.write(self.group.opening)
        self.group.opened += 1

    def data_received(self, data: bytes) -> None:
        data = self._carried + data
        end = 0
        for match in STATUS.finditer(data):
            end = match.end()
            self.group.count(match[1] or match[2])
        self._carried = data[max(end, len(data) - CARRIED_BYTES) :]

    def connection_lost(self, _error: Exception | None) -> None:
        self.is_open = False
        self.group.count(b"closed")

    def send(self, data: bytes) -> bool:
        """Send, unless the connection accepts nothing. Returns whether it was sent."""
        if not self.is_open or self.transport.get_write_buffer_size() > MAX_UNSENT_BYTES:
            return False
        self.transport.write(data)
        return True


class AbuserGroup:
    """Connections of one IP address that send one kind of requests together, `per_s` in all."""

    def __init__(self, config: dict[str, Any], port: int) -> None:
        self.kind = str(config["kind"])
        self.source_ip = str(config["source"])
        self.per_s = float(config["per_s"])
        self.connections = int(config["connections"])
        self.is_measured = False  # whether requests and outcomes are counted at this time
        self.opened = 0
        self.sent = 0
        self.unsent = 0  # requests for which no connection was able to send
        self.outcomes: Counter[str] = Counter()
        self.opening = OPENINGS[self.kind](config) if self.kind in OPENINGS else b""
        self._port = port
        self._request = REQUESTS[self.kind](config)
        self._number = 0

    def count(self, outcome: bytes) -> None:
        if self.is_measured:
            self.outcomes[outcome.decode()] += 1

    async def run(self, begin: float, measured_from: float, end: float) -> None:
        """Send from `begin` until `end`; count from `measured_from`."""
        slots = [Abuser(self) for _ in range(self.connections)]
        await asyncio.sleep(max(0.0, begin - time.monotonic()))
        connecting = [asyncio.create_task(self._keep_open(slots, place)) for place in range(len(slots))]
        while (now := time.monotonic()) < end:
            self.is_measured = now >= measured_from or self.kind == SLOW
            while self._number < (now - begin) * self.per_s:
                self._number += 1
                was_sent = slots[self._number % len(slots)].send(self._request(self._number))
                if self.is_measured:
                    self.sent += was_sent
                    self.unsent += not was_sent
            await asyncio.sleep(TICK_S)
        self.is_measured = False
        for task in connecting:
            task.cancel()
        for abuser in slots:
            if abuser.is_open:
                abuser.transport.abort()

    def report(self) -> dict[str, Any]:
        """Return the counts. A slow body is one request, sent when its connection is opened."""
        sent = self.opened if self.kind == SLOW else self.sent
        unsent = 0 if self.kind == SLOW else self.unsent
        return {"kind": self.kind, "sent": sent, "unsent": unsent, "outcomes": dict(self.outcomes)}

    async def _keep_open(self, slots: list[Abuser], place: int) -> None:
        """Open the connection of a place, and another one when it ends."""
        loop = asyncio.get_running_loop()
        while True:
            if not slots[place].is_open:
                with suppress(OSError):
                    _, slots[place] = await loop.create_connection(
                        lambda: Abuser(self), "127.0.0.1", self._port, local_addr=(self.source_ip, 0)
                    )
            await asyncio.sleep(RECONNECT_S)


def _guesses(config: dict[str, Any]) -> Callable[[int], bytes]:
    emails = config["emails"]
    return lambda n: wire.api_request(
        "POST", "/auth/login", body={"email": emails[n % len(emails)], "password": f"password {n}"}
    )


def _scraping(config: dict[str, Any]) -> Callable[[int], bytes]:
    """Read each portfolio as JSON and as a page, and guess usernames."""
    paths = [path for name in config["names"] for path in (f"/api/v1/public/portfolio/{name}", f"/@{name}")]

    def request(n: int) -> bytes:
        return wire.request("GET", f"/@guess{n}" if n % 2 else paths[n // 2 % len(paths)])

    return request


def _events(config: dict[str, Any]) -> Callable[[int], bytes]:
    start = int(time.time() * 1000) % (1 << 32)

    def event(n: int) -> bytes:
        client_id = f"01890000-0000-7000-8002-{(start << 16) + n:012x}"
        message = {"room_id": config["room_id"], "client_id": client_id, "body": "abuse"}
        return wire.frame(wire.event_packet("message:send", message, n))

    return event


def _open_events(config: dict[str, Any]) -> bytes:
    return wire.websocket_handshake() + wire.frame(wire.connect_packet(config["token"]))


def _open_slow_body(_: dict[str, Any]) -> bytes:
    return wire.request(
        "POST", "/api/v1/auth/login", "Content-Type: application/json", "Content-Length: 9000"
    )


OPENINGS: dict[str, Callable[[dict[str, Any]], bytes]] = {
    "events": _open_events,
    SLOW: _open_slow_body,
}
REQUESTS: dict[str, Callable[[dict[str, Any]], Callable[[int], bytes]]] = {
    "guesses": _guesses,
    "scraping": _scraping,
    "events": _events,
    SLOW: lambda _: lambda _: b" ",  # the next byte of a body
}


async def abuse(config: dict[str, Any]) -> list[dict[str, Any]]:
    """Report `ready`, run all groups from the start time that is read next. Returns their counts."""
    groups = [AbuserGroup(group, config["port"]) for group in config["groups"]]
    print("ready", flush=True)
    begin = float(await asyncio.to_thread(sys.stdin.readline))
    measured_from = begin + config["lead_s"]
    end = measured_from + config["seconds"]
    await asyncio.gather(*(group.run(begin, measured_from, end) for group in groups))
    return [it.report() for it in groups]


def main() -> None:
    """Run the abusers of the configuration at the lowest priority."""
    config = json.loads(sys.stdin.readline())
    if config["core"] is not None:
        os.sched_setaffinity(0, {config["core"]})
    os.nice(19)
    print(json.dumps(asyncio.run(abuse(config))), flush=True)


if __name__ == "__main__":
    main()
