"""What a machine makes of the API document, sent to a running instance: no surprise comes back."""

import asyncio
import sys

LONGEST_S = 120
# Rules between two fields, and ids of others, are no part of a schema: such refusals are right. And another
# method at /messages/search asks for a message of that id, which is nobody's: 404, not 405.
EXCEPT = "positive_data_acceptance,ensure_resource_availability,unsupported_method,allow_header_conformance"


# A machine that is too busy for its database says so, honestly; whoever asks again gets an answer.
BUSY = "[503] Service Unavailable"


async def test_schemathesis_finds_nothing(world, tmp_path):
    ada = await world.person("ada")

    status, said = await _run(world.url, ada.token, tmp_path)
    if status != 0 and BUSY in said:
        status, said = await _run(world.url, ada.token, tmp_path)

    assert status == 0, said


async def _run(url, token, folder):
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{url}/api/v1/openapi.json"),
        *("--url", url, "--header", f"Authorization: Bearer {token}"),
        *("--exclude-path", "/api/v1/auth/logout", "--exclude-checks", EXCEPT),
        *("--seed", "1", "--max-examples", "12", "--generation-database", "none", "--no-color"),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), LONGEST_S)
    return process.returncode, said.decode(errors="replace")
