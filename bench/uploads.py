"""Uploads: throughput and peak memory of an instance on SQLite, with a folder as storage.

python -m bench.uploads [--mb 100] [--images 20]

One large document, then images of a phone at the same time, then thumbnails of such an image in one thread.
"""

import argparse
import asyncio
import io
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any, Self

import aiohttp
from PIL import Image

from hubbub.core.files import image_encoder, image_headers
from hubbub.core.files.images import PLANS, Limits
from tests.support.server_process import ServerProcess

MIB = 1 << 20
SIZE = (4032, 3024)  # pixels of a usual phone
SAMPLE_S = 0.01
ROUNDS = 5


class PeakMemory:
    """The highest resident memory of a process in a block, in MiB, and its CPU time in seconds."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self.before = self.peak = self._read()
        self._cpu_before = self._cpu()

    @property
    def cpu_s(self) -> float:
        """CPU seconds since the start of the block."""
        return round(self._cpu() - self._cpu_before, 2)

    def _cpu(self) -> float:
        fields = Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _read(self) -> float:
        pages = int(Path(f"/proc/{self._pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGESIZE") / MIB

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._sample())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()

    async def _sample(self) -> None:
        while True:
            self.peak = max(self.peak, self._read())
            await asyncio.sleep(SAMPLE_S)


def photo() -> bytes:
    """Return a JPEG of a phone's size, with noise."""
    small = Image.effect_noise((SIZE[0] // 8, SIZE[1] // 8), 60).resize(SIZE, Image.Resampling.BICUBIC)
    target = io.BytesIO()
    Image.merge("RGB", (small, small.rotate(180), small)).save(target, "JPEG", quality=90)
    return target.getvalue()


async def upload(session: aiohttp.ClientSession, path: str, name: str, content: bytes) -> float:
    """Upload a file; returns the seconds that it took."""
    form = aiohttp.FormData()
    form.add_field("file", io.BytesIO(content), filename=name)
    began = time.monotonic()
    async with session.post(path, data=form) as response:
        assert response.status == 201, await response.text()
    return time.monotonic() - began


async def measure(megabytes: int, images: int, folder: Path) -> dict[str, Any]:
    """Return the figures."""
    limits = {"max_upload_bytes": (megabytes + 1) * MIB, "limit_upload": "off"}
    async with ServerProcess(folder, upload_quota_bytes=100 * 1024 * MIB, **limits) as server:
        async with aiohttp.ClientSession(server.url) as anonymous:
            account = {"name": "Ada", "email": "ada@example.com", "password": "correct horse battery"}
            async with anonymous.post("/api/v1/auth/register", json=account) as response:
                token = (await response.json())["data"]["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        pid = server._process.pid  # noqa: SLF001
        async with aiohttp.ClientSession(server.url, headers=headers) as session:
            text = os.urandom(MIB // 2).hex().encode()
            document = b"".join(b"%d" % number + text for number in range(megabytes))[: megabytes * MIB]
            async with PeakMemory(pid) as memory:
                seconds = await upload(session, "/api/v1/upload/document", "a.txt", document)
            found: dict[str, Any] = {
                "document_mib_per_s": round(megabytes / seconds, 1),
                "document_cpu_s": memory.cpu_s,
                "document_memory_mib": [round(memory.before, 1), round(memory.peak, 1)],
            }
            content = photo()
            for count in (1, images):
                contents = [content + os.urandom(8) for _ in range(count)]
                async with PeakMemory(pid) as memory:
                    began = time.monotonic()
                    await asyncio.gather(
                        *(upload(session, "/api/v1/upload/image", "a.jpg", each) for each in contents)
                    )
                    seconds = time.monotonic() - began
                found[f"{count}_images"] = {
                    "images_per_s": round(count / seconds, 2),
                    "cpu_s": memory.cpu_s,
                    "memory_mib": [round(memory.before, 1), round(memory.peak, 1)],
                }
    return {**found, "image_kib": len(content) // 1024, "thumbnails_per_s": _thumbnails(content, folder)}


def _thumbnails(content: bytes, folder: Path) -> float:
    """Return thumbnails per second of one thread, with decoding and writing the image again."""
    source = folder / "photo"
    source.write_bytes(content)
    header = image_headers.read(source, Limits(("jpeg",), 50_000_000, 1))
    paths = iter(folder / f"new{number}" for number in range(100))
    began, count = time.monotonic(), 0
    for _ in range(ROUNDS):
        made = image_encoder.convert(source, header, PLANS["image"], lambda: next(paths), began + 600)
        count += len(made.thumbnails)
    return round(count / (time.monotonic() - began), 2)


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mb", type=int, default=100)
    parser.add_argument("--images", type=int, default=20)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hubbub-uploads-") as folder:
        print(json.dumps(asyncio.run(measure(arguments.mb, arguments.images, Path(folder))), indent=1))


if __name__ == "__main__":
    main()
