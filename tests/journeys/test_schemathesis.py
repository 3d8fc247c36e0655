"""Requests generated from the API document, sent to a running instance."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from hubbub import models
from hubbub.db import database
from hubbub.db.engines import pool, postgres
from hubbub.schemas.portfolio.resources import BY_NAME
from hubbub.services.eventlog import message_writer
from tests.support.api_contract import api_contract

ROOT = Path(__file__).parents[2]
LONGEST_S = 280
PATIENCE_S = 60.0
# Ids of others are no part of a schema, so such refusals are right. Another method at /messages/search asks
# for a message of that id, which does not exist: 404, not 405.
EXCEPT = "ensure_resource_availability,unsupported_method,allow_header_conformance"
# What a schema allows is accepted, but for what depends on time, on other rows, or on what can be guessed.
CONFIGURATION = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "302", "400", "401", "403", "404", "409", "429"]
"""
NOT_IN_A_SCHEMA = {
    "/api/v1/auth/register": "a password that can be guessed, a reserved username",
    "/api/v1/auth/change-password": "the password that it was",
    "/api/v1/api-keys": "a time to come",
    "/api/v1/admin/schedules/{name}": "a cron expression that is due at some time",
    "/api/v1/users/profile": "a reserved username, an object that is large or deep",
    **dict.fromkeys(
        [f"/api/v1/upload/{kind}" for kind in ("image", "images", "document", "avatar", "resume")],
        "the content of a file",
    ),
    "/api/v1/users/profile/avatar": "the content of a file",
    **dict.fromkeys(
        [path for path in api_contract().document["paths"] if "/portfolio/" in path],
        "dates in their order, and the uploads, companies and items of the user",
    ),
}

ONE_SESSION = "/api/v1/sessions/{session_id}"  # it finds the id of its own session, and ends it


@pytest.fixture
def settings(settings, monkeypatch):
    """Settings with a time limit for the database that a busy machine does not exceed.

    With the default limits the instance responds 503, correctly, which no schema can describe.
    """
    for module, names in {
        message_writer: ["WRITE_TIMEOUT_S"],
        database: ["CONNECT_S", "STATEMENT_S"],
        pool: ["ACQUIRE_S"],
        postgres: ["WRITE_CHECK_TIMEOUT_S"],
    }.items():
        for name in names:
            monkeypatch.setattr(module, name, PATIENCE_S)
    return settings


# One of them is enough for what does not reach the database.
PHASES = {"sqlite": "fuzzing", "postgres": "stateful"}
LONG_PHASES = {"sqlite": "coverage,stateful", "postgres": "fuzzing"}
EXAMPLES = {"sqlite": 1, "postgres": 2}  # for each operation
MANY = 12
# The routes of all resources of portfolios are made by one function: the soak test has all of them.
TAKEN = ("blog",)
ALIKE = "--exclude-path-regex /portfolio/(?:" + "|".join(set(BY_NAME) - set(TAKEN)) + ")(?:/|$)"


@pytest.mark.slow("6 s: an example for each of 100 operations, and a process to make them")
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "database_kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.soak)], indirect=True
)
async def test_schemathesis_finds_no_failure(instance, tmp_path, database_kind):
    await find_nothing(instance, tmp_path, PHASES[database_kind], EXAMPLES[database_kind], ALIKE)


@pytest.mark.soak
@pytest.mark.timeout(600)
async def test_more_examples_find_no_failure(instance, tmp_path, database_kind):
    await find_nothing(instance, tmp_path, LONG_PHASES[database_kind], MANY)


async def find_nothing(instance, tmp_path, phases, examples, excluded=""):
    """Send the requests of schemathesis. Fails if a response is not described.

    With `excluded`, the short run, long patterns are left out: they take most of the time.
    """
    ada = await instance.register("ada")

    checks = f"{EXCEPT},positive_data_acceptance {excluded}"
    hooks = environment_with_hooks("schemathesis_without_patterns") if excluded else {}
    code, said = await run(ada, tmp_path, phases, checks, examples, **hooks)

    assert code == 0, said
    status, _ = await ada.rest("GET", "/auth/me")
    assert status == 200, "the session was ended on the way: what came then was refused, and proves little"


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_documented_requests_are_accepted(instance, tmp_path):
    ada = await (await instance.register("ada")).mark_sessions_confirmed()
    await models.User.filter(id=ada.id).update(role="admin")
    exceptions = (
        f'[[operations]]\ninclude-path = "{path}"\nchecks.positive_data_acceptance.enabled = false\n'
        for path in NOT_IN_A_SCHEMA
    )
    (tmp_path / "schemathesis.toml").write_text(CONFIGURATION + "".join(exceptions))

    hooks = environment_with_hooks("schemathesis_hooks")
    code, said = await run(ada, tmp_path, "coverage,stateful", EXCEPT, MANY, **hooks)

    assert code == 0, said


def environment_with_hooks(module):
    """Return the environment in which schemathesis loads a module with hooks."""
    return {"PYTHONPATH": str(ROOT), "SCHEMATHESIS_HOOKS": f"tests.support.{module}"}


async def run(user, folder, phases, except_checks, examples, **environment):
    """Send the requests of schemathesis. Returns its exit code and its output."""
    url = user._instance.url
    command = (
        f"run {url}/api/v1/openapi.json --url {url} --phases {phases} --seed 1 "
        f"--max-examples {examples} --generation-database none --no-color "
        f"--exclude-path /api/v1/auth/logout --exclude-path {ONE_SESSION} --exclude-checks {except_checks}"
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", *command.split()),
        *("--header", f"Authorization: Bearer {user.token}"),
        cwd=folder,
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        said, _ = await asyncio.wait_for(process.communicate(), LONGEST_S)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode, said.decode(errors="replace")
