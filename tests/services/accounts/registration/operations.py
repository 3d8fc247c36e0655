"""Registers and logs in, as the edges do."""

from hubbub.core.request_info import RequestInfo
from hubbub.schemas.accounts.accounts import Login, Register
from hubbub.schemas.base import parse
from hubbub.services.accounts import registration
from hubbub.services.auth import login as login_operations

HERE = RequestInfo("192.0.2.1", "tests")


async def register(container, **fields):
    given = {"name": "Ada", "email": "ada@example.org", "password": "long enough", **fields}
    return await registration.register(container, parse(Register, given), HERE)


async def login(container, email="ada@example.org", password="long enough"):
    return await login_operations.login(container, parse(Login, {"email": email, "password": password}), HERE)
