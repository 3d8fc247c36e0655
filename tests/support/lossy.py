"""A relay in front of Redis that loses what is published, now and then."""

import asyncio
import random
from contextlib import suppress
from typing import Any

import hiredis

from tests.support.relay import Relay


class LossyRelay(Relay):
    """Passes all on, except a share of the messages of pub/sub. Heartbeats, which are empty, come through."""

    def __init__(self, url: str, seed: int, lost: float) -> None:
        super().__init__(url)
        self._random = random.Random(seed)
        self._share = lost
        self.losses = 0

    async def _pass_on(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, *, from_client: bool
    ) -> None:
        if from_client:
            await super()._pass_on(source, target, from_client=True)
            return
        reader = hiredis.Reader()
        with suppress(OSError):
            while data := await source.read(65536):
                reader.feed(data)
                while (reply := reader.gets()) is not False:
                    if not self._is_lost(reply):
                        target.write(_resp(reply))
                await target.drain()
        self._writers.discard(target)
        target.close()

    def _is_lost(self, reply: Any) -> bool:
        if not (isinstance(reply, list) and reply and reply[0] == b"message" and reply[2]):
            return False
        lost = self._random.random() < self._share
        self.losses += lost
        return lost


def _resp(reply: Any) -> bytes:
    if isinstance(reply, list):
        return b"*%d\r\n%b" % (len(reply), b"".join(map(_resp, reply)))
    if isinstance(reply, bytes):
        return b"$%d\r\n%b\r\n" % (len(reply), reply)
    if isinstance(reply, int):
        return b":%d\r\n" % reply
    if isinstance(reply, Exception):
        return b"-%b\r\n" % str(reply).encode()
    return b"$-1\r\n"
