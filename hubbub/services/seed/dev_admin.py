"""The development admin, and the text that a developer sees at the start."""

from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from hubbub import __version__, models
from hubbub.config import Settings
from hubbub.core import passwords, secret_files
from hubbub.core.errors import Conflict
from hubbub.db import database
from hubbub.services.admin import admins
from hubbub.services.context import Container

EMAIL = "admin@hubbub.local"
PASSWORD_FILE = "admin_password"  # noqa: S105 - the name of a file


class DevAdminLogin(NamedTuple):
    """The login of the development admin. `path` is the file of the password."""

    email: str
    password: str
    path: Path


async def ensure_dev_admin(container: Container) -> DevAdminLogin | None:
    """Return the login of the development admin, and create the admin if there are no users.

    None outside development, and if the accounts or the password are not those that hubbub generated. Raises
    OSError if the password can't be stored.
    """
    settings = container.settings
    path = settings.data_dir / PASSWORD_FILE
    if settings.env != "development":
        return None
    async with database.guard():
        empty = not await models.User.exists()
    if not empty and not path.exists():
        return None
    password = secret_files.load_or_create(settings.data_dir, PASSWORD_FILE, 12)
    if empty:
        with suppress(Conflict):  # another instance created it first
            await admins.create(container, EMAIL, password)
        return DevAdminLogin(EMAIL, password, path)
    async with database.guard():
        row = await models.User.filter(email=EMAIL, deleted_at__isnull=True).first()
    known = row is not None and await passwords.matches(password, row.password_digest, settings.bcrypt_rounds)
    return DevAdminLogin(EMAIL, password, path) if known else None


def banner(settings: Settings, url: str, login: DevAdminLogin | None, program: str = "hubbub") -> str:
    """Return the URLs and the login for a developer's terminal. Empty in production.

    `program` is how a shell in the working directory calls hubbub.
    """
    if settings.env == "production":
        return ""
    lines = [f"hubbub {__version__} is ready.", ""]
    if settings.playground:
        lines.append(f"  playground  {url}/")
    lines += [
        f"  REST        {url}/api/v1",
        f"  API docs    {url}/api/docs",
        f"  Socket.IO   {url}/chat",
        f"  sample data {program} seed   (in another terminal: users, rooms, a week of messages)",
    ]
    if login is not None:
        lines += [
            "",
            f"  log in as   {login.email}",
            f"  password    {login.password}   (stored in {login.path})",
        ]
    return "\n".join(["", *lines, "", "Ctrl-C stops it.", "", ""])
