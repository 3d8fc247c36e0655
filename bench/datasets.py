"""Databases with users and rooms, created once and copied for each run."""

import asyncio
import io
import sqlite3
import subprocess
from contextlib import ExitStack
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import asyncpg
from PIL import Image

from bench import processes
from bench.processes import Program
from bench.stores import Stores

PASSWORD = "a benchmark's own"
MAX_CONCURRENT_REQUESTS = 16
EXTRAS_EVERY = 10  # of ten users, one mentions another one and attaches an image
MAX_PUBLISHERS = 200
MAX_INVITED = 50  # members with whom a room is created; into a larger one they join
DATABASE = "hubbub"
# Only while a dataset is created: tokens outlive a long comparison, and registrations are quick.
_CREATION_SETTINGS = {"HUBBUB_ACCESS_TOKEN_TTL_S": "86400", "HUBBUB_BCRYPT_ROUNDS": "4"}
_REMOVE_JOBS = "DELETE FROM jobs"  # e-mails of the registrations


@dataclass(frozen=True, slots=True)
class Dataset:
    """A database without a server, and a line for each user.

    Columns of a line, separated by tabs: access token, room id, and for each tenth user the text that
    mentions another member of the room, and the field `attachments` with an image. Publishers are among the
    last users: only these have images.
    """

    data: Path
    connections_path: Path


def unlimited_settings(database_url: str, folder: Path) -> dict[str, str]:
    """Return the default settings without limits."""
    return {
        "HUBBUB_ENV": "test",
        "HUBBUB_DATABASE_URL": database_url,
        "HUBBUB_DATA_DIR": str(folder),
        "HUBBUB_LIMIT_MESSAGE_SEND": "off",
        "HUBBUB_LIMIT_EVENTS": "off",
        "HUBBUB_LIMIT_HTTP": "off",
        "HUBBUB_LIMIT_AUTH": "off",
        "HUBBUB_LIMIT_PUBLIC": "off",
        "HUBBUB_LIMIT_REGISTER": "off",
        "HUBBUB_LIMIT_UPLOAD": "off",
        "HUBBUB_SOCKETS_PER_ADDRESS": "100000",
        "HUBBUB_SOCKETS_PER_USER": "100000",
        "HUBBUB_HANDSHAKES_PER_S": "100000",
        "HUBBUB_DEFAULT_ROOMS": "",
        "HUBBUB_DRAIN_S": "0",
        "HUBBUB_LOG_LEVEL": "warning",
        "HUBBUB_SECRET_KEY": "a benchmark's secret is no secret at all",
    }


class Datasets:
    """Creates datasets with the public API of one hubbub, and keeps them."""

    def __init__(self, stores: Stores, program: Program, folder: Path, cores: tuple[int, int]) -> None:
        self._stores = stores
        self._program = program
        self._folder = folder
        self._cores = cores  # of hubbub, and of PostgreSQL
        self._kept: dict[tuple[int, int, str], Dataset] = {}

    def get(self, users: int, rooms: int, database: str) -> Dataset:
        """Return a dataset on "postgres" or "sqlite", which is created at its first use.

        User n is a member of room n modulo `rooms`.
        """
        key = (users, rooms, database)
        if key not in self._kept:
            create = self._create_on_postgres if database == "postgres" else self._create_on_sqlite
            self._kept[key] = create(users, rooms)
        return self._kept[key]

    def _create_on_postgres(self, users: int, rooms: int) -> Dataset:
        name = f"users{users}-rooms{rooms}"
        folder = self._new_folder(name)
        data = self._stores.folder / f"{self._folder.name}-{name}"
        with self._stores.postgres(self._stores.empty_data, self._cores[1], keep=data) as store:
            asyncio.run(execute(store.url, f'CREATE DATABASE "{DATABASE}"'))
            url = urlsplit(store.url)._replace(path=f"/{DATABASE}").geturl()
            self._create_users_and_rooms(url, folder, users, rooms)
            asyncio.run(execute(url, _REMOVE_JOBS, "VACUUM ANALYZE"))
        return Dataset(data, folder / "connections.tsv")

    def _create_on_sqlite(self, users: int, rooms: int) -> Dataset:
        folder = self._new_folder(f"users{users}-rooms{rooms}-sqlite")
        self._create_users_and_rooms(f"sqlite://{folder / DATABASE}", folder, users, rooms)
        with sqlite3.connect(folder / DATABASE) as connection:
            connection.execute(_REMOVE_JOBS)
        connection.close()
        return Dataset(folder, folder / "connections.tsv")

    def _new_folder(self, name: str) -> Path:
        folder = self._folder / name
        folder.mkdir(parents=True)
        return folder

    def _create_users_and_rooms(self, url: str, folder: Path, users: int, rooms: int) -> None:
        settings = unlimited_settings(url, folder) | _CREATION_SETTINGS
        environment = self._program.environment(settings)
        root, core = self._program.root, self._cores[0]
        migrate = self._program.command("migrate")
        subprocess.run(migrate, env=environment, cwd=root, check=True, stdout=subprocess.DEVNULL)
        port = processes.free_port()
        with ExitStack() as stack:
            command = [*self._program.command("serve"), "--port", str(port)]
            process = stack.enter_context(processes.run_process(command, environment, root, core))
            processes.wait_until_listening("hubbub", port, process)
            lines = asyncio.run(create_users_and_rooms(port, users, rooms))
        (folder / "connections.tsv").write_text("\n".join(lines) + "\n")


async def create_users_and_rooms(port: int, users: int, rooms: int) -> list[str]:
    """Create users, rooms and images by the public API. Returns the lines of a `Dataset`."""
    url = f"http://127.0.0.1:{port}/api/v1"
    semaphore = asyncio.Semaphore(MAX_CONCURRENT_REQUESTS)
    async with aiohttp.ClientSession() as session:

        async def post_json(path: str, body: dict[str, Any], token: str = "") -> Any:
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            async with semaphore, session.post(url + path, json=body, headers=headers) as response:
                content = await response.json()
                assert response.status in (200, 201), content
                return content["data"]

        async def register(number: int) -> tuple[str, str]:
            name = _name(number)
            body = {"name": name, "email": f"{name}@example.com", "password": PASSWORD, "username": name}
            registered = await post_json("/auth/register", body)
            return registered["access_token"], registered["user"]["id"]

        registered = await asyncio.gather(*(register(number) for number in range(users)))

        async def attachment_of(number: int) -> str:
            if number % EXTRAS_EVERY or number < users - MAX_PUBLISHERS:
                return ""
            return f',"attachments":["{await upload_image(session, url, registered[number][0])}"]'

        async def create_room(number: int) -> str:
            (creator, _), *others = registered[number::rooms]
            if 0 < len(others) <= MAX_INVITED:
                body = {"kind": "private", "name": f"room {number}", "member_ids": [it[1] for it in others]}
                return str((await post_json("/rooms", body, creator))["id"])
            created = await post_json("/rooms", {"kind": "public", "name": f"room {number}"}, creator)
            room_id = str(created["id"])
            await asyncio.gather(*(post_json(f"/rooms/{room_id}/join", {}, it[0]) for it in others))
            return room_id

        room_ids = await asyncio.gather(*(create_room(number) for number in range(rooms)))
        attachments = [await attachment_of(number) for number in range(users)]
    mentions = [
        "" if number % EXTRAS_EVERY else f"@{_name((number + rooms) % users)} " for number in range(users)
    ]
    return [
        "\t".join((token, room_ids[number % rooms], mentions[number], attachments[number]))
        for number, (token, _) in enumerate(registered)
    ]


def _name(number: int) -> str:
    return f"bench{number:05}"


async def upload_image(session: aiohttp.ClientSession, url: str, token: str) -> str:
    """Upload a small image. Returns its id."""
    content = io.BytesIO()
    Image.new("RGB", (32, 32), "teal").save(content, "PNG")
    form = aiohttp.FormData()
    form.add_field("file", content.getvalue(), filename="image.png", content_type="image/png")
    headers = {"Authorization": f"Bearer {token}"}
    async with session.post(f"{url}/upload/image", data=form, headers=headers) as response:
        body = await response.json()
        assert response.status == HTTPStatus.CREATED, body
        return str(body["data"]["id"])


async def execute(url: str, *statements: str) -> None:
    """Execute statements on a PostgreSQL, each in a transaction of its own."""
    connection = await asyncpg.connect(url, command_timeout=300)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()
