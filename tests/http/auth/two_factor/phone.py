"""A phone with an authenticator app, and logins with its codes."""

import time
from typing import Any

import pyotp

from hubbub import models
from tests.support.live_instance import ApiUser, LiveInstance

PASSWORD = "correct horse battery"


class Phone:
    """An authenticator app."""

    def __init__(self, user: ApiUser, secret: str, codes: list[str]) -> None:
        self.person = user
        self.secret = secret
        self.recovery = codes
        self.first = ""  # the code that enabled it

    def code(self, steps: int = 0) -> str:
        """The code of now, or of a later step."""
        return pyotp.TOTP(self.secret).at(int(time.time()), counter_offset=steps)

    def wrong(self) -> str:
        """A code that is none of those around now."""
        near = {self.code(steps) for steps in range(-3, 4)}
        return next(code for code in (f"{number:06}" for number in range(10)) if code not in near)

    async def fresh(self) -> str:
        """A code of now, as if none had been used before."""
        await models.TwoFactor.filter(user_id=self.person.id).update(last_step=0)
        return self.code()


async def login(
    instance: LiveInstance, username: str = "ada", password: str = PASSWORD, **more: str
) -> tuple[int, Any]:
    body = {"email": f"{username}@example.com", "password": password, **more}
    return await instance.rest("POST", "/auth/login", json=body)


async def owe(instance: LiveInstance, username: str = "ada") -> str:
    """Return the token of a login that waits for a code."""
    status, answer = await login(instance, username)
    assert (status, set(answer["data"])) == (200, {"mfa_required", "mfa_token"})
    token: str = answer["data"]["mfa_token"]
    return token


async def verify(instance: LiveInstance, token: str, code: str) -> tuple[int, Any]:
    status, answer = await instance.rest("POST", "/auth/2fa/verify", json={"mfa_token": token, "code": code})
    return status, answer["data"] if status == 200 else answer["code"]


async def equipped(instance: LiveInstance, name: str = "ada") -> Phone:
    """Register a user with two-factor enabled."""
    user = await (await instance.register(name)).mark_sessions_confirmed()
    _, answer = await user.rest("POST", "/auth/2fa/setup", json={})
    phone = Phone(user, answer["data"]["secret"], [])
    phone.first = phone.code()
    status, answer = await user.rest("POST", "/auth/2fa/enable", json={"code": phone.first})
    assert status == 200, answer
    phone.recovery = answer["data"]["recovery_codes"]
    return phone


async def change(user: ApiUser, what: str, password: str, code: str) -> tuple[int, Any]:
    """Send a request that needs the password and a code."""
    status, answer = await user.rest("POST", f"/auth/2fa/{what}", json={"password": password, "code": code})
    if status == 422:
        return status, answer["errors"][0]["field"]
    return status, answer and (answer["data"] if status == 200 else answer["code"])
