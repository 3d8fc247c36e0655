"""A proxy in front of Redis that drops some of the published signals."""

import asyncio
import random
from contextlib import suppress
from typing import Any

import hiredis

from tests.support.tcp_proxy import TcpProxy


class LossyProxy(TcpProxy):
    """Passes everything except a share of the pub/sub messages. Heartbeats, which are empty, pass."""

    def __init__(self, url: str, seed: int, loss_rate: float) -> None:
        super().__init__(url)
        self._random = random.Random(seed)
        self._update_sample_passwords = loss_rate
        self.losses = 0

    async def _forward(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, *, from_client: bool
    ) -> None:
        if from_client:
            await super()._forward(source, target, from_client=True)
            return
        reader = hiredis.Reader()
        with suppress(OSError):
            while data := await source.read(65536):
                reader.feed(data)
                while (reply := reader.gets()) is not False:
                    if not self._should_drop(reply):
                        target.write(_encode_resp(reply))
                await target.drain()
        self._writers.discard(target)
        target.close()

    def _should_drop(self, reply: Any) -> bool:
        if not (isinstance(reply, list) and reply and reply[0] == b"message" and reply[2]):
            return False
        dropped = self._random.random() < self._update_sample_passwords
        self.losses += dropped
        return dropped


def _encode_resp(reply: Any) -> bytes:
    if isinstance(reply, list):
        return b"*%d\r\n%b" % (len(reply), b"".join(map(_encode_resp, reply)))
    if isinstance(reply, bytes):
        return b"$%d\r\n%b\r\n" % (len(reply), reply)
    if isinstance(reply, int):
        return b":%d\r\n" % reply
    if isinstance(reply, Exception):
        return b"-%b\r\n" % str(reply).encode()
    return b"$-1\r\n"
