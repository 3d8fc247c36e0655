"""nginx/README.md, step by step, on the nginx.conf and the welcome page that systems ship."""

import asyncio
import re
import shutil
import ssl
import subprocess
from contextlib import asynccontextmanager

import pytest

from tests.support.nginx import NGINX_DIR, find_binary
from tests.support.nginx_stock import WELCOME_TEXT, StockNginx, has_ipv6
from tests.support.tcp_server import run_tcp_server
from tests.support.tls import CertificateAuthority

ROOT = NGINX_DIR.parent
WAIT_S = 20.0
HOSTS = ["127.0.0.1", "localhost", "chat.example", "CHAT.example:8080", "[::1]", "203.0.113.5"]
# The site of nginx.org keeps the name `localhost`, as the page describes.
SYSTEMS = [
    ("debian", True, HOSTS),
    ("debian", False, HOSTS),
    ("nginx_org", False, HOSTS),
    ("nginx_org", True, [host for host in HOSTS if host != "localhost"]),
]


def commands():
    """What the page has an operator run."""
    return re.findall(r"^    (.+)", (NGINX_DIR / "README.md").read_text(), re.MULTILINE)


async def _respond(reader, writer):
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nhubbub")
    await writer.drain()


def upstream():
    """A server in the place of instances: only the choice of the site is tested here."""
    return run_tcp_server(_respond)


def follow(stock, port, *, tls):
    """Run the commands of the page; the last one tests the configuration."""
    for command in commands():
        text = re.sub(r"10\.0\.0\.\d:8000", f"127.0.0.1:{port}", stock.rebase_paths(command))
        if tls:
            text = text.replace("nginx/hubbub.conf", "nginx/hubbub-tls.conf")
        if text.startswith("nginx -t"):
            stock.adapt()
            text = f"{find_binary()} -p {stock.root}/ -c {stock.conf} -e {stock.root}/error.log -t"
        subprocess.run(["sh", "-euc", text], cwd=ROOT, check=True, capture_output=True, text=True)


@asynccontextmanager
async def running(stock):
    arguments = ("-p", f"{stock.root}/", "-c", str(stock.conf), "-e", f"{stock.root}/error.log")
    process = await asyncio.create_subprocess_exec(
        str(find_binary()), *arguments, "-g", "daemon off;", stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(WAIT_S):
            while not await _listens(stock.ip, stock.ports["80"]):
                assert process.returncode is None, (stock.root / "error.log").read_text()
        yield
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), WAIT_S)


async def _listens(address, port):
    try:
        _, writer = await asyncio.open_connection(address, port)
    except OSError:
        await asyncio.sleep(0.02)
        return False
    writer.close()
    return True


async def get(address, port, host, context=None):
    """The response to a request with this Host, or of HTTP/1.0 without one."""
    reader, writer = await asyncio.open_connection(address, port, ssl=context)
    head = (
        f"GET /x HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n" if host else "GET /x HTTP/1.0\r\n\r\n"
    )
    writer.write(head.encode())
    response = await asyncio.wait_for(reader.read(), WAIT_S)
    writer.close()
    return response.decode()


@pytest.mark.parametrize(("system", "site", "hosts"), SYSTEMS)
async def test_hubbub_responds_in_place_of_the_welcome_page(tmp_path, system, site, hosts):
    stock = StockNginx(tmp_path, system, site=site)
    async with upstream() as port:
        follow(stock, port, tls=False)
        async with running(stock):
            got = {
                (address, host): await get(address, stock.ports["80"], host)
                for address in (stock.ip, *(["::1"] if has_ipv6() else []))
                for host in (*hosts, None)
            }

    assert {asked: text for asked, text in got.items() if not text.endswith("\r\n\r\nhubbub")} == {}
    assert "\tworker_connections 16384;" in stock.conf.read_text().replace("    ", "\t")


@pytest.mark.parametrize(("system", "site", "hosts"), SYSTEMS[:3])
async def test_hubbub_responds_over_tls(tmp_path, system, site, hosts):
    stock = StockNginx(tmp_path, system, site=site)
    authority = CertificateAuthority(tmp_path)
    authority.server_context()
    (stock.etc / "hubbub").mkdir()
    for name in ("certificate.pem", "key.pem"):  # the file holds both
        shutil.copy(tmp_path / "tests-server.pem", stock.etc / "hubbub" / name)
    trust = ssl.create_default_context(cafile=str(authority.certificate_path))
    trust.check_hostname = False
    async with upstream() as port:
        follow(stock, port, tls=True)
        async with running(stock):
            for host in hosts:
                plain = await get(stock.ip, stock.ports["80"], host)
                private = await get(stock.ip, stock.ports["443"], host, trust)
                assert plain.startswith("HTTP/1.1 308 "), plain
                assert private.endswith("\r\n\r\nhubbub"), private


async def test_the_stand_in_serves_the_welcome_page_without_hubbub(tmp_path):
    stock = StockNginx(tmp_path, "debian", site=True)
    stock.adapt()

    async with running(stock):
        displayed = await get(stock.ip, stock.ports["80"], "chat.example")

    assert WELCOME_TEXT in displayed or "404" in displayed


@pytest.mark.parametrize("system", ["debian", "nginx_org"])
def test_the_connection_limit_is_raised_once(tmp_path, system):
    stock = StockNginx(tmp_path, system, site=False)
    script = ["sh", NGINX_DIR / "connections.sh", stock.conf]

    subprocess.run(script, check=True)
    once = stock.conf.read_text()
    subprocess.run(script, check=True)

    assert stock.conf.read_text() == once
    assert once.count("worker_rlimit_nofile 40000;") == once.count("worker_connections 16384;") == 1
    assert (
        subprocess.run([*script[:2], tmp_path / "missing"], check=False, capture_output=True).returncode == 2
    )
