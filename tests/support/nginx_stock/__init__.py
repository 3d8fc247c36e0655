"""nginx as a system ships it: its own nginx.conf and welcome page, in a folder in place of `/`."""

import os
import shutil
import socket
from contextlib import closing, suppress
from pathlib import Path

from tests.support.servers import free_port

STOCK_FOLDER = Path(__file__).parent
WELCOME_TEXT = "Welcome to nginx!"
SITES = {"debian": "sites-enabled/default", "nginx_org": "conf.d/default.conf"}
FOLDERS = ("conf.d", "sites-enabled", "modules-enabled")
TEMPORARY = "".join(
    f"{name}_temp_path {name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
)


def has_ipv6() -> bool:
    """Return whether this machine has an IPv6 loopback address."""
    with suppress(OSError), closing(socket.socket(socket.AF_INET6)) as probe:
        probe.bind(("::1", 0))
        return True
    return False


class StockNginx:
    """The files of a system's nginx below `root`. `ports` are those that stand for 80 and 443."""

    def __init__(self, root: Path, system: str, *, site: bool) -> None:
        self.root = root
        # A separate IP address: another test may take a port of 127.0.0.1 that was free a moment ago.
        self.ip = f"127.20.{os.getpid() // 256 % 256}.{os.getpid() % 254 + 1}"
        self.ports = {"80": free_port(), "443": free_port()}
        for name in FOLDERS:
            (self.etc / name).mkdir(parents=True)
        for name in ("run", "var/log/nginx", "var/www/html"):
            (root / name).mkdir(parents=True)
        (root / "var/www/html/index.html").write_text(WELCOME_TEXT)
        (self.etc / "mime.types").write_text("types { text/html html; }\n")
        shutil.copy(STOCK_FOLDER / f"{system}.conf", self.conf)
        if site:
            shutil.copy(STOCK_FOLDER / f"{system}_site.conf", self.etc / SITES[system])

    @property
    def etc(self) -> Path:
        """The folder that stands for /etc/nginx."""
        return self.root / "etc/nginx"

    @property
    def conf(self) -> Path:
        """The nginx.conf."""
        return self.etc / "nginx.conf"

    def rebase_paths(self, text: str) -> str:
        """A text with the folder in place of the system's folders."""
        for folder in ("/etc/nginx", "/var/log/nginx", "/var/www/html", "/run/nginx.pid"):
            text = text.replace(folder, f"{self.root}{folder}")
        return text

    def adapt(self) -> None:
        """Adapt all files to a test: folders, ports, the user, IP addresses other than loopback."""
        for path in (self.conf, *self.etc.glob("conf.d/*"), *self.etc.glob("sites-enabled/*")):
            lines = self.rebase_paths(path.read_text()).splitlines()
            path.write_text(
                "\n".join(adapted for line in lines if (adapted := self._adapt_line(line)) is not None) + "\n"
            )

    def _adapt_line(self, line: str) -> str | None:
        words = line.split()
        if words[:1] == ["user"]:
            return "user root root;" if os.geteuid() == 0 else None
        if words[:2] == ["http", "{"]:
            return f"{line} {TEMPORARY}"
        if words[:1] != ["listen"]:
            return line
        ip, port = ("[::1]", words[1][5:]) if words[1].startswith("[::]:") else (self.ip, words[1])
        number = self.ports[port.rstrip(";")]
        rest = " ".join(["", *words[2:]]) or ";"
        return f"listen {ip}:{number}{rest}" if ip != "[::1]" or has_ipv6() else None
