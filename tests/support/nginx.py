"""nginx with the configuration of this repository, in front of instances that run already."""

import asyncio
import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from tests.support.process import Served
from tests.support.servers import free_port

NGINX_DIR = Path(__file__).parents[2] / "nginx"
KEPT = Path(sys.prefix) / "nginx"  # where a fetched one lies; goes when the environment goes
FETCH_S = 120
START_S = 20.0
TRIES = 3
CANDIDATES = ("/usr/sbin/nginx", "/usr/local/sbin/nginx")

MAIN = """
{user}
worker_processes 2;
pid nginx.pid;
error_log error.log notice;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    default_type application/octet-stream;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    include site.conf;
}}
"""


class NginxProblem(Exception):
    """nginx is not to be had, or does not start, and why."""


def binary() -> Path:
    """nginx: `HUBBUB_TEST_NGINX`, this machine's, or Debian's package in a folder of our own. Blocks.

    Raises NginxProblem.
    """
    given = os.environ.get("HUBBUB_TEST_NGINX") or shutil.which("nginx")
    for place in filter(None, (given, *CANDIDATES)):
        if os.access(place, os.X_OK):
            return Path(place)
    KEPT.mkdir(exist_ok=True)
    with (KEPT / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests run in several processes
        found = KEPT / "root" / "usr" / "sbin" / "nginx"
        if not found.is_file():
            _fetch()
    return found


def _fetch() -> None:
    """Unpack Debian's package; the machine's own lists and packages stay as they are."""
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        raise NginxProblem("No nginx: install it, or name it by HUBBUB_TEST_NGINX.")
    folder = KEPT / "fetched"
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True)
    apt = ["apt-get", "-qq", "-o", f"Dir::State::Lists={folder}/lists", "-o", f"Dir::Cache={folder}/cache"]
    apt += [
        "-o",
        "APT::Sandbox::User=root",
        "-o",
        "Acquire::Languages=none",
        "-o",
        f"Acquire::Retries={TRIES}",
    ]
    _run(folder, *apt, "update")
    _run(folder, *apt, "download", "nginx")
    packages = sorted(folder.glob("nginx_*.deb"))
    if not packages:
        raise NginxProblem("apt-get told of success and left no package of nginx.")
    _run(folder, "dpkg-deb", "-x", str(packages[0]), str(folder / "root"))
    _run(folder, str(folder / "root/usr/sbin/nginx"), "-v")
    (folder / "root").rename(KEPT / "root")
    shutil.rmtree(folder)


def _run(folder: Path, *command: str) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, timeout=FETCH_S, check=False)
    if done.returncode:
        said = (done.stdout + done.stderr).decode(errors="replace")[-2000:]
        raise NginxProblem(f"No nginx on this machine, and {' '.join(command[:1])} can't fetch one:\n{said}")


class Nginx:
    """A running nginx, as nginx/README.md sets it up, on ports of its own.

    With `tls`, a certificate and its key, it is hubbub-tls.conf.
    """

    def __init__(
        self, folder: Path, instances: Mapping[str, Served], tls: tuple[bytes, bytes] | None = None
    ) -> None:
        self._folder = folder / "nginx"
        self._instances = instances
        self._tls = tls
        self._ports: dict[str, int] = {}
        self._process: asyncio.subprocess.Process

    @property
    def url(self) -> str:
        """Where clients find hubbub."""
        scheme, port = ("https", "443") if self._tls else ("http", "80")
        return f"{scheme}://127.0.0.1:{self._ports[port]}"

    @property
    def plain_url(self) -> str:
        """The same without TLS."""
        return f"http://127.0.0.1:{self._ports['80']}"

    async def __aenter__(self) -> Self:
        program = await asyncio.to_thread(binary)
        for _ in range(TRIES):  # a port that was free a moment ago may be taken by now
            self._write()
            self._process = await asyncio.create_subprocess_exec(
                *(program, "-p", f"{self._folder}/", "-c", "nginx.conf", "-e", "error.log"),
                *("-g", "daemon off;"),
                stderr=asyncio.subprocess.DEVNULL,
            )
            if await self._listens():
                return self
        raise NginxProblem(f"nginx does not start:\n{self.said()}")

    async def __aexit__(self, *_: object) -> None:
        self._process.terminate()
        await asyncio.wait_for(self._process.wait(), START_S)

    def said(self) -> str:
        """Its log of errors."""
        log = self._folder / "error.log"
        return log.read_text(errors="replace") if log.exists() else ""

    def _write(self) -> None:
        """The configuration as it is, but for the ports it listens on."""
        shutil.rmtree(self._folder, ignore_errors=True)
        shutil.copytree(NGINX_DIR / "hubbub", self._folder / "hubbub")
        site = (NGINX_DIR / ("hubbub-tls.conf" if self._tls else "hubbub.conf")).read_text()
        for port in ("80", "443"):
            self._ports[port] = free_port()
            site = site.replace(f"listen {port}", f"listen 127.0.0.1:{self._ports[port]}")
        (self._folder / "site.conf").write_text(site)
        user = "user root root;" if os.geteuid() == 0 else ""
        (self._folder / "nginx.conf").write_text(MAIN.format(user=user))
        places = [f"{name}={served.url.removeprefix('http://')}" for name, served in self._instances.items()]
        (self._folder / "hubbub" / "upstreams.conf").write_text(upstreams(*places))
        if self._tls:
            for name, content in zip(("certificate.pem", "key.pem"), self._tls, strict=True):
                (self._folder / "hubbub" / name).write_bytes(content)

    async def _listens(self) -> bool:
        port = self._ports["443" if self._tls else "80"]
        async with asyncio.timeout(START_S):
            while self._process.returncode is None:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except OSError:
                    await asyncio.sleep(0.02)
                else:
                    writer.close()
                    return True
        return False


def upstreams(*places: str) -> str:
    """What nginx/upstreams.sh prints for `name=host:port`. Raises CalledProcessError."""
    command = ["sh", NGINX_DIR / "upstreams.sh", *places]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout
