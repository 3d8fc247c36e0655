"""The process of an attack: many connections, as fast as possible, limited in time and number.

python -m bench.attacks.attacker: the input is a line of configuration, then the start time.
"""

import heapq
import json
import os
import re
import selectors
import socket
import struct
import sys
import time
from collections import deque
from contextlib import suppress
from typing import Any

from bench.attacks import table
from bench.attacks.script import KeepOpen, Script, Sleep, Step, Steps, Target, WaitFor

MAX_SENT_BYTES = 8_000_000_000
MAX_CONNECTIONS = 500_000
MAX_OPENED_PER_TURN = 100  # connections opened before the others are handled
MAX_SEARCHED_BYTES = 65536  # bytes of input in which a pattern is searched
# Closing resets the connection: there is no TIME_WAIT, and the port is free at once.
LINGER_ABORT = struct.pack("ii", 1, 0)
READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
RETRY_S = 0.05  # before the next attempt after a connection could not be opened


class AttackConnection:
    """One connection and its progress: steps, current step, output, received bytes, watched events."""

    def __init__(self, sock: socket.socket, steps: Steps) -> None:
        self.sock = sock
        self.steps = steps
        self.step: Step | None = None
        self.outgoing = memoryview(b"")
        self.received = b""
        self.events = 0
        self.is_open = True


class Attacker:
    """Runs a script on all its connections."""

    def __init__(self, script: Script, target: Target) -> None:
        self.script = script
        self.target = target
        self.selector = selectors.DefaultSelector()
        self.connections: set[AttackConnection] = set()
        self.sleeping: list[tuple[float, int, AttackConnection]] = []
        self.retry_times: deque[float] = deque()  # when each connection that was not opened is tried again
        self.sent = self.received = self.opened = self.closed_by_server = self.open_failures = 0

    def run(self, begin: float, seconds: float) -> dict[str, Any]:
        """Attack for `seconds` from `begin`. Returns the counts."""
        end = begin + seconds
        while (now := time.monotonic()) < end and self.sent < MAX_SENT_BYTES:
            self._open(now, now - begin)
            while self.sleeping and self.sleeping[0][0] <= now:
                peer = heapq.heappop(self.sleeping)[2]
                if peer.is_open:
                    self._advance(peer)
            for key, mask in self.selector.select(0.02):
                self._on_events(key.data, mask)
        for peer in list(self.connections):
            self._close(peer)
        return {
            "sent_mb": round(self.sent / 1e6, 1),
            "received_mb": round(self.received / 1e6, 1),
            "connections": self.opened,
            "ended_by_server": self.closed_by_server,
            "refused_by_system": self.open_failures,
        }

    def _open(self, now: float, elapsed: float) -> None:
        while self.retry_times and self.retry_times[0] <= now:
            self.retry_times.popleft()
        due = self.script.connections - len(self.connections) - len(self.retry_times)
        due = min(due, MAX_OPENED_PER_TURN, MAX_CONNECTIONS - self.opened)
        if self.script.per_s != float("inf"):
            due = min(due, int(elapsed * self.script.per_s) - self.opened)
        for _ in range(due):
            try:
                self._connect()
            except OSError:  # no port or descriptor is free
                self.open_failures += 1
                self.retry_times.append(now + RETRY_S)

    def _connect(self) -> None:
        sock = socket.socket()
        try:
            sock.setblocking(False)  # noqa: FBT003 - its signature
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_ABORT)
            if not self.script.reads:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.bind((self.target.source_ip, 0))
            with suppress(BlockingIOError):  # the connect is in progress
                sock.connect(("127.0.0.1", self.target.port))
        except OSError:
            sock.close()
            raise
        self.opened += 1
        peer = AttackConnection(sock, self.script.steps(self.opened))
        self.connections.add(peer)
        self._advance(peer)

    def _close(self, peer: AttackConnection, *, by_server: bool = False) -> None:
        if peer.is_open:
            self._watch(peer, 0)
            peer.is_open = False
            peer.sock.close()
            peer.steps.close()
            self.connections.discard(peer)
            self.closed_by_server += by_server

    # --- steps ---

    def _advance(self, peer: AttackConnection, match_text: str | None = None) -> None:
        """Begin the next step."""
        try:
            step = next(peer.steps) if match_text is None else peer.steps.send(match_text)
        except StopIteration:
            self._close(peer)
            return
        peer.step = step
        read_events = READ if self.script.reads else 0
        if isinstance(step, bytes):
            peer.outgoing = memoryview(step)
            self._watch(peer, read_events | WRITE)
        elif isinstance(step, WaitFor):
            peer.received = b""
            self._watch(peer, READ)
        elif isinstance(step, Sleep):
            heapq.heappush(self.sleeping, (time.monotonic() + step.seconds, id(peer), peer))
            self._watch(peer, read_events)
        elif isinstance(step, KeepOpen):
            self._watch(peer, read_events)

    def _watch(self, peer: AttackConnection, mask: int) -> None:
        """Register the events that the step waits for."""
        if mask == peer.events:
            return
        if not mask:
            self.selector.unregister(peer.sock)
        elif not peer.events:
            self.selector.register(peer.sock, mask, peer)
        else:
            self.selector.modify(peer.sock, mask, peer)
        peer.events = mask

    def _on_events(self, peer: AttackConnection, mask: int) -> None:
        try:
            if peer.is_open and mask & READ:
                self._receive(peer)
            if peer.is_open and mask & WRITE and isinstance(peer.step, bytes):
                self._send(peer)
        except BlockingIOError:
            pass
        except OSError:
            self._close(peer, by_server=True)

    def _receive(self, peer: AttackConnection) -> None:
        data = peer.sock.recv(262_144)
        if not data:
            self._close(peer, by_server=True)
            return
        self.received += len(data)
        if isinstance(peer.step, WaitFor):
            peer.received = (peer.received + data)[-MAX_SEARCHED_BYTES:]
            if match := re.search(peer.step.pattern, peer.received):
                self._advance(peer, match[1].decode())

    def _send(self, peer: AttackConnection) -> None:
        count = peer.sock.send(peer.outgoing)
        self.sent += count
        peer.outgoing = peer.outgoing[count:]
        if not peer.outgoing:
            self._advance(peer)


def main() -> None:
    """Run the attack of the configuration."""
    config = json.loads(sys.stdin.readline())
    if config["core"] is not None:
        os.sched_setaffinity(0, {config["core"]})
    os.nice(19)
    target = Target(**config["target"])
    attacker = Attacker(table.ATTACKS[config["name"]].script(target), target)
    print("ready", flush=True)
    begin = float(sys.stdin.readline())
    time.sleep(max(0.0, begin - time.monotonic()))
    print(json.dumps(attacker.run(begin, config["seconds"])), flush=True)


if __name__ == "__main__":
    main()
