"""What a machine makes of the API document, sent to a running instance: no surprise comes back."""

import asyncio
import sys

LONGEST_S = 120
# Rules between two fields, and ids of others, are no part of a schema: such refusals are right. And another
# method at /messages/search asks for a message of that id, which is nobody's: 404, not 405.
EXCEPT = "positive_data_acceptance,ensure_resource_availability,unsupported_method,allow_header_conformance"


async def test_schemathesis_finds_nothing(world, tmp_path):
    ada = await world.person("ada")

    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{world.url}/api/v1/openapi.json"),
        *("--url", world.url, "--header", f"Authorization: Bearer {ada.token}"),
        *("--exclude-path", "/api/v1/auth/logout", "--exclude-checks", EXCEPT),
        *("--seed", "1", "--max-examples", "12", "--generation-database", "none", "--no-color"),
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), LONGEST_S)

    assert process.returncode == 0, said.decode(errors="replace")
