"""Signed requests over a real server: every way in which one can be forged, and the documented examples."""

import asyncio
import os
import re
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from hubbub import models
from hubbub.core import clock
from hubbub.core.sealing import Sealing
from hubbub.services.jobs import retention
from hubbub.services.maintenance import reencryption
from tests.http.auth.test_api_keys import ask, audited, make
from tests.support.live_instance import LiveInstance
from tests.support.signing import sign

ROOMS = "/api/v1/rooms"
BODY = b'{"kind":"public","name":"Garden"}'
EXAMPLES = Path(__file__).parents[3] / "docs" / "rest.md"


@pytest.fixture
async def key(instance) -> dict[str, Any]:
    """A key of Ada's that signs."""
    return await make(await instance.register("ada"), signed=True)


async def send(
    instance: LiveInstance, key: dict[str, Any], method: str, target: str, body: bytes, signature: str | None
) -> tuple[int, str]:
    """Status and detail."""
    headers = {"Content-Type": "application/json", **({"X-Signature": signature} if signature else {})}
    path = target.removeprefix("/api/v1")
    status, answer = await ask(instance, key["key"], method, path, data=body, headers=headers)
    return status, answer.get("detail", "")


async def test_a_signed_request_is_accepted(instance, key):
    secret = key["signing_secret"]

    assert await send(instance, key, "POST", ROOMS, BODY, sign(secret, "POST", ROOMS, BODY)) == (201, "")
    target = f"{ROOMS}/public?q=gar&limit=5"
    assert (await send(instance, key, "GET", target, b"", sign(secret, "GET", target)))[0] == 200


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)  # of the edge alone
async def test_an_unsigned_request_is_refused(instance, key):
    for signature in (None, "x", "t=1,n=abcdefgh,s="):
        status, detail = await send(instance, key, "POST", ROOMS, BODY, signature)
        assert (status, "X-Signature" in detail) == (401, True)
    assert not await models.Room.filter(name="Garden").exists()
    assert (await audited(key["id"]))[-1] == ("api_key.use", "failed", "unsigned")


async def test_a_signature_is_valid_for_one_request(instance, key):
    secret = key["signing_secret"]
    good = sign(secret, "POST", ROOMS, BODY)
    other = await make(instance.users["ada"], signed=True)
    forged = [
        (key, "POST", ROOMS, b'{"kind":"public","name":"Shed"}', good),
        (key, "POST", f"{ROOMS}?x=1", BODY, good),
        (key, "POST", "/api/v1/settings/preferences/reset", BODY, good),
        (key, "GET", ROOMS, BODY, good),
        (key, "POST", ROOMS, BODY, sign(other["signing_secret"], "POST", ROOMS, BODY)),
        (key, "POST", ROOMS, BODY, sign(key["key"], "POST", ROOMS, BODY)),
        (other, "POST", ROOMS, BODY, good),
        (key, "POST", ROOMS, BODY, re.sub(r"n=\w", "n=_", good)),
        (key, "POST", ROOMS, BODY, re.sub(r"t=(\d+)", lambda found: f"t={int(found[1]) + 1}", good)),
    ]

    for each in forged:
        status, detail = await send(instance, *each)
        assert (status, "does not match this request" in detail) == (401, True), each
    assert not await models.Room.filter(name__in=["Garden", "Shed"]).exists()
    assert (await audited(key["id"]))[-1] == ("api_key.use", "failed", "wrong_signature")
    # None of this has used up what was signed.
    assert (await send(instance, key, "POST", ROOMS, BODY, good))[0] == 201


async def test_a_repeated_request_is_refused(instance, key):
    good = sign(key["signing_secret"], "POST", ROOMS, BODY)

    answers = await asyncio.gather(*(send(instance, key, "POST", ROOMS, BODY, good) for _ in range(5)))

    assert sorted(status for status, _ in answers) == [201, 401, 401, 401, 401]
    assert {"nonce" in detail for status, detail in answers if status == 401} == {True}
    assert (await audited(key["id"]))[-1] == ("api_key.use", "failed", "replayed")
    nonce = re.search(r"n=(\w+)", good)
    assert nonce is not None
    again = sign(key["signing_secret"], "GET", ROOMS, nonce=nonce[1])
    assert (await send(instance, key, "GET", ROOMS, b"", again))[0] == 401
    other = await make(instance.users["ada"], signed=True)
    own = sign(other["signing_secret"], "GET", ROOMS, nonce=nonce[1])
    assert (await send(instance, other, "GET", ROOMS, b"", own))[0] == 200


async def test_an_instance_started_later_refuses_a_repeated_request(instance, key):
    good = sign(key["signing_secret"], "POST", ROOMS, BODY)
    assert (await send(instance, key, "POST", ROOMS, BODY, good))[0] == 201

    await instance.app.stop()
    instance.app = await type(instance.app)(instance.settings).start()

    status, detail = await send(instance, key, "POST", ROOMS, BODY, good)
    assert (status, "nonce" in detail) == (401, True)


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)  # of the edge alone
@pytest.mark.parametrize(("seconds", "wanted"), [(-330, 401), (-270, 200), (270, 200), (330, 401)])
async def test_an_old_signature_is_refused(instance, key, seconds, wanted):
    signature = sign(key["signing_secret"], "GET", ROOMS, timestamp=time.time() + seconds)

    status, detail = await send(instance, key, "GET", ROOMS, b"", signature)

    assert status == wanted
    if wanted == 401:
        assert clock.rfc3339(clock.now())[:10] in detail
        assert (await audited(key["id"]))[-1] == ("api_key.use", "failed", "signed_at_another_time")


async def test_a_key_without_signing_needs_no_signature(instance, key):
    plain = await make(instance.users["ada"])

    assert (await send(instance, plain, "GET", ROOMS, b"", None))[0] == 200
    assert (await send(instance, plain, "GET", ROOMS, b"", "t=1,n=whatever,s="))[0] == 200


async def test_uploads_are_not_signed(instance, key):
    signature = sign(key["signing_secret"], "POST", ROOMS)
    headers = {"Content-Type": "multipart/form-data; boundary=x", "X-Signature": signature}

    status, answer = await ask(instance, key["key"], "POST", "/rooms", data=b"--x--", headers=headers)

    assert (status, "Uploads" in answer["detail"]) == (401, True)


async def test_expired_nonces_are_deleted(instance, key):
    good = sign(key["signing_secret"], "GET", ROOMS)
    assert (await send(instance, key, "GET", ROOMS, b"", good))[0] == 200
    kept = await models.UsedNonce.get()
    assert clock.now().timestamp() + 500 < kept.expires_at.timestamp() <= clock.now().timestamp() + 601

    await retention.remove_used_tokens()
    assert await models.UsedNonce.exists()
    await models.UsedNonce.all().update(expires_at=clock.now() - 2 * clock.MAX_CLOCK_SKEW)
    await retention.remove_used_tokens()
    assert not await models.UsedNonce.exists()


async def test_the_secret_key_can_be_replaced(instance, key):
    """Signing goes on with the next secret key, and after a while without the one of before."""
    container = instance.app.container

    async def works() -> bool:
        signature = sign(key["signing_secret"], "GET", ROOMS)
        return (await send(instance, key, "GET", ROOMS, b"", signature))[0] == 200

    old = instance.settings.secret_key
    assert key["signing_secret"] not in str(await models.ApiKey.all().values())
    container.sealing = Sealing(["the next one", old])
    assert await works()
    await reencryption.run(container)
    container.sealing = Sealing(["the next one"])
    assert await works()

    # And with an unlisted key: a clear error.
    container.sealing = Sealing(["quite another"])
    await reencryption.run(container)
    status, detail = await send(instance, key, "GET", ROOMS, b"", sign(key["signing_secret"], "GET", ROOMS))
    assert (status, "Create a new key" in detail) == (401, True)


@pytest.mark.parametrize("language", ["sh", "python", "js"])
async def test_the_documented_examples_work(instance, key, language, tmp_path):
    found = re.findall(rf"```{language}\n(.*?)```", EXAMPLES.read_text(), re.DOTALL)
    (example,) = [code for code in found if "X-Signature" in code]
    file = tmp_path / {"sh": "example.sh", "python": "example.py", "js": "example.mjs"}[language]
    file.write_text(example)
    program = {"sh": "bash", "python": sys.executable, "js": "node"}[language]
    variables = {"HUBBUB_URL": instance.url, "HUBBUB_KEY": key["key"], "HUBBUB_SECRET": key["signing_secret"]}

    process = await asyncio.create_subprocess_exec(
        *(program, str(file)),
        env={**os.environ, **variables},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 60)

    assert process.returncode == 0, said.decode()
    assert '"Garden"' in said.decode().replace("'", '"')
    assert await models.Room.filter(name="Garden").exists()
    assert await models.UsedNonce.all().count() == 2
