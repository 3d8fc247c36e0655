"""A user whose operations stop inside their transaction, at a gate."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Coroutine
from typing import Any, Self

import pyotp
import pytest

from hubbub import models
from hubbub.core import clock
from hubbub.core.errors import HubbubError
from hubbub.core.request_info import RequestInfo
from hubbub.db import database
from hubbub.db.sql import Sql
from hubbub.schemas.accounts import accounts as wire
from hubbub.schemas.auth.two_factor import EnableTwoFactor, MfaRequired
from hubbub.services.accounts import registration
from hubbub.services.auth import login as login_operations
from hubbub.services.auth import sessions, two_factor
from hubbub.services.context import Container, Context
from hubbub.services.mail import one_time_tokens

HERE = RequestInfo("192.0.2.1", "tests")
OLD, NEW = "long enough", "longer than that"
DEADLINE_S = 20.0
Operation = Coroutine[Any, Any, object]


class Gate:
    """Stops one task where it begins its first transaction, until it is opened."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reached, self.opened = asyncio.Event(), asyncio.Event()
        self._task: asyncio.Task[object] | None = None
        self._real = database.transaction
        monkeypatch.setattr(database, "transaction", self._transaction)

    @contextlib.asynccontextmanager
    async def _transaction(self) -> AsyncIterator[Sql]:
        if asyncio.current_task() is self._task and not self.reached.is_set():
            self.reached.set()
            await self.opened.wait()
        async with self._real() as tx:
            yield tx

    async def race(self, act: Operation, change: Operation) -> object:
        """Run an operation half, then another one completely, then the rest. Returns a result or an error."""
        self.reached, self.opened = asyncio.Event(), asyncio.Event()
        self._task = asyncio.create_task(act)
        async with asyncio.timeout(DEADLINE_S):
            await self.reached.wait()
            await change
            self.opened.set()
            try:
                return await self._task
            except HubbubError as error:
                return error


class RaceUser:
    """A user with everything that an act may need."""

    def __init__(self, container: Container, name: str) -> None:
        self.container, self.name, self.email = container, name, f"{name}@example.org"

    async def begin(self) -> Self:
        given = wire.Register(name=self.name, email=self.email, username=self.name, password=OLD)
        self.signed = await registration.register(self.container, given, HERE)
        self.id = self.signed.user.id
        await models.Session.filter(user_id=self.id).update(confirmed_at=clock.now())
        self.ctx = await self.context(self.signed)
        return self

    async def context(self, signed: wire.TokenPair) -> Context:
        admitted = await sessions.authenticate(self.container, signed.access_token)
        return Context(self.container, self.id, admitted.session_id, admitted.role, HERE)

    async def login(self, password: str = OLD) -> wire.TokenPair | MfaRequired:
        command = wire.Login(email=self.email, password=password)
        return await login_operations.login(self.container, command, HERE)

    async def token(self, purpose: str) -> str:
        return await one_time_tokens.create(self.id, purpose, self.email)

    async def equip(self) -> str:
        """Enable two-factor. Returns its secret, with unused codes."""
        secret = (await two_factor.setup(self.ctx)).secret
        await two_factor.enable(self.ctx, EnableTwoFactor(code=pyotp.TOTP(secret).at(int(time.time()))))
        await models.TwoFactor.filter(user_id=self.id).update(last_step=0)
        return secret

    async def link(self) -> models.Identity:
        return await models.Identity.create(
            user_id=self.id, provider="test", issuer="https://id.example", subject=self.name
        )

    async def promoted(self) -> Self:
        await models.User.filter(id=self.id).update(role="admin")
        self.ctx = await self.context(self.signed)
        return self
