"""The process of an attack: many connections, as fast as the machine allows, bounded in time and count.

python -m bench.attacks.attacker: the input is a line of configuration, then the time to begin.
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
from bench.attacks.script import Hold, Rest, Script, Step, Steps, Target, Until

MOST_BYTES = 8_000_000_000
MOST_CONNECTIONS = 500_000
AT_ONCE = 100  # connections opened between two looks at the others
KEPT = 65536  # bytes of input in which a pattern is looked for
ABORT = struct.pack("ii", 1, 0)  # closing resets the connection: no TIME_WAIT, no port stays in use
READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
REFUSED_S = 0.05  # before a connection that could not be opened is tried anew


class Peer:
    """One connection: its steps, and how far it is."""

    def __init__(self, wire: socket.socket, steps: Steps) -> None:
        self.wire = wire
        self.steps = steps
        self.step: Step | None = None
        self.out = memoryview(b"")
        self.heard = b""
        self.mask = 0
        self.open = True


class Attacker:
    """Runs a script on all its connections."""

    def __init__(self, script: Script, target: Target) -> None:
        self.script = script
        self.target = target
        self.selector = selectors.DefaultSelector()
        self.peers: set[Peer] = set()
        self.resting: list[tuple[float, int, Peer]] = []
        self.refusals: deque[float] = deque()  # when each connection that was not opened may be tried anew
        self.sent = self.received = self.opened = self.ended = self.refused = 0

    def run(self, begin: float, seconds: float) -> dict[str, Any]:
        """Attack until the time is up; returns what was done."""
        end = begin + seconds
        while (now := time.monotonic()) < end and self.sent < MOST_BYTES:
            self._open(now, now - begin)
            while self.resting and self.resting[0][0] <= now:
                peer = heapq.heappop(self.resting)[2]
                if peer.open:
                    self._advance(peer)
            for key, mask in self.selector.select(0.02):
                self._serve(key.data, mask)
        for peer in list(self.peers):
            self._drop(peer)
        return {
            "sent_mb": round(self.sent / 1e6, 1),
            "received_mb": round(self.received / 1e6, 1),
            "connections": self.opened,
            "ended_by_server": self.ended,
            "refused_by_system": self.refused,
        }

    def _open(self, now: float, elapsed: float) -> None:
        while self.refusals and self.refusals[0] <= now:
            self.refusals.popleft()
        due = self.script.connections - len(self.peers) - len(self.refusals)
        due = min(due, AT_ONCE, MOST_CONNECTIONS - self.opened)
        if self.script.per_s != float("inf"):
            due = min(due, int(elapsed * self.script.per_s) - self.opened)
        for _ in range(due):
            try:
                self._connect()
            except OSError:  # no port or descriptor is free right now
                self.refused += 1
                self.refusals.append(now + REFUSED_S)

    def _connect(self) -> None:
        wire = socket.socket()
        try:
            wire.setblocking(False)  # noqa: FBT003 - its signature
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
            if not self.script.reads:
                wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            wire.bind((self.target.source, 0))
            with suppress(BlockingIOError):  # it is under way
                wire.connect(("127.0.0.1", self.target.port))
        except OSError:
            wire.close()
            raise
        self.opened += 1
        peer = Peer(wire, self.script.steps(self.opened))
        self.peers.add(peer)
        self._advance(peer)

    def _drop(self, peer: Peer, *, by_server: bool = False) -> None:
        if peer.open:
            self._watch(peer, 0)
            peer.open = False
            peer.wire.close()
            peer.steps.close()
            self.peers.discard(peer)
            self.ended += by_server

    # --- steps ---

    def _advance(self, peer: Peer, found: str | None = None) -> None:
        """Begin the next step."""
        try:
            step = next(peer.steps) if found is None else peer.steps.send(found)
        except StopIteration:
            self._drop(peer)
            return
        peer.step = step
        listens = READ if self.script.reads else 0
        if isinstance(step, bytes):
            peer.out = memoryview(step)
            self._watch(peer, listens | WRITE)
        elif isinstance(step, Until):
            peer.heard = b""
            self._watch(peer, READ)
        elif isinstance(step, Rest):
            heapq.heappush(self.resting, (time.monotonic() + step.seconds, id(peer), peer))
            self._watch(peer, listens)
        elif isinstance(step, Hold):
            self._watch(peer, listens)

    def _watch(self, peer: Peer, mask: int) -> None:
        """Have the selector report what the step waits for."""
        if mask == peer.mask:
            return
        if not mask:
            self.selector.unregister(peer.wire)
        elif not peer.mask:
            self.selector.register(peer.wire, mask, peer)
        else:
            self.selector.modify(peer.wire, mask, peer)
        peer.mask = mask

    def _serve(self, peer: Peer, mask: int) -> None:
        try:
            if peer.open and mask & READ:
                self._receive(peer)
            if peer.open and mask & WRITE and isinstance(peer.step, bytes):
                self._send(peer)
        except BlockingIOError:
            pass
        except OSError:
            self._drop(peer, by_server=True)

    def _receive(self, peer: Peer) -> None:
        data = peer.wire.recv(262_144)
        if not data:
            self._drop(peer, by_server=True)
            return
        self.received += len(data)
        if isinstance(peer.step, Until):
            peer.heard = (peer.heard + data)[-KEPT:]
            if found := re.search(peer.step.pattern, peer.heard):
                self._advance(peer, found[1].decode())

    def _send(self, peer: Peer) -> None:
        count = peer.wire.send(peer.out)
        self.sent += count
        peer.out = peer.out[count:]
        if not peer.out:
            self._advance(peer)


def main() -> None:
    """Run the attack of the configuration."""
    given = json.loads(sys.stdin.readline())
    if given["core"] is not None:
        os.sched_setaffinity(0, {given["core"]})
    os.nice(19)
    target = Target(**given["target"])
    attacker = Attacker(table.ATTACKS[given["name"]].script(target), target)
    print("ready", flush=True)
    begin = float(sys.stdin.readline())
    time.sleep(max(0.0, begin - time.monotonic()))
    print(json.dumps(attacker.run(begin, given["seconds"])), flush=True)


if __name__ == "__main__":
    main()
