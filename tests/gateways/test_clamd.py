"""Scans by clamd, and what happens without it."""

import os

import pytest

from hubbub.core.errors import Unavailable
from hubbub.gateways.clamd import ClamdScanner, Infected
from tests.support.clamd_server import EICAR, run_clamd


@pytest.fixture(params=["tcp", "unix"])
async def clamd(request, tmp_path):
    async with run_clamd(tmp_path / "clamd.sock" if request.param == "unix" else None) as server:
        yield server


def file(folder, content):
    path = folder / "a file"
    path.write_bytes(content)
    return path


async def test_a_whole_file_is_scanned(clamd, tmp_path):
    content = os.urandom(300_000)

    await ClamdScanner(clamd.url).scan(file(tmp_path, content))

    assert clamd.scanned == [content]


async def test_malware_is_found(clamd, tmp_path):
    with pytest.raises(Infected):
        await ClamdScanner(clamd.url).scan(file(tmp_path, bytes(200_000) + EICAR))


@pytest.mark.parametrize(
    "response", [b"INSTREAM size limit exceeded. ERROR", b"nonsense", b"", b"x" * 10_000, b"stream: OK ERROR"]
)
async def test_any_other_response_is_no_clean_file(clamd, tmp_path, response):
    clamd.response = response or b"\0"

    with pytest.raises(Unavailable):
        await ClamdScanner(clamd.url).scan(file(tmp_path, b"x"))


async def test_a_scanner_that_does_not_respond_is_unavailable(clamd, tmp_path):
    clamd.silent = True
    scanner = ClamdScanner(clamd.url, timeout_s=0.1)

    with pytest.raises(Unavailable):
        await scanner.scan(file(tmp_path, b"x"))
    with pytest.raises(Unavailable):
        await scanner.ping()


async def test_a_scanner_that_does_not_run_is_unavailable(tmp_path):
    for url in ("tcp://127.0.0.1:1", f"unix://{tmp_path}/none.sock"):
        with pytest.raises(Unavailable):
            await ClamdScanner(url).scan(file(tmp_path, b"x"))
        with pytest.raises(Unavailable):
            await ClamdScanner(url).ping()


async def test_a_running_scanner_responds(clamd):
    await ClamdScanner(clamd.url).ping()
