"""Each check before a transaction is repeated inside it: every operation, raced by a change that forbids it.

The operation runs up to its transaction. Then the change is made, and the operation continues.
"""

import asyncio
import contextlib
import time

import pyotp
import pytest

from hubbub import models
from hubbub.cli import services_context
from hubbub.core import clock
from hubbub.core.errors import HubbubError
from hubbub.core.request_info import RequestInfo
from hubbub.db import database
from hubbub.schemas.accounts import accounts as wire
from hubbub.schemas.accounts.oauth import Exchange, IdentityRef
from hubbub.schemas.admin.users import ChangeUser, Suspend, UserRef
from hubbub.schemas.auth.api_keys import ApiKeyRef, CreateApiKey
from hubbub.schemas.auth.two_factor import ConfirmTwoFactor, EnableTwoFactor, MfaRequired, VerifyTwoFactor
from hubbub.schemas.chat.rooms import CreateRoom, JoinRoom, RoomUserRef
from hubbub.services.accounts import deletion, export, identities, oauth_login, registration
from hubbub.services.accounts import deletion as deletion_operations
from hubbub.services.admin import users
from hubbub.services.auth import (
    api_keys,
    confirmation,
    email_verification,
    mfa_challenges,
    passwords,
    sessions,
    two_factor,
    undo,
)
from hubbub.services.auth import login as login_operations
from hubbub.services.chat import members, rooms
from hubbub.services.context import Context
from hubbub.services.mail import one_time_tokens

HERE = RequestInfo("192.0.2.1", "tests")
OLD, NEW = "long enough", "longer than that"
DEADLINE_S = 20.0


@pytest.fixture
async def container(settings):
    async with services_context.open_container(settings) as container:
        yield container


class Gate:
    """Stops one task where it begins its first transaction, until it is opened."""

    def __init__(self, monkeypatch):
        self.reached, self.opened, self._task = asyncio.Event(), asyncio.Event(), None
        self._real = database.transaction
        monkeypatch.setattr(database, "transaction", self._transaction)

    @contextlib.asynccontextmanager
    async def _transaction(self):
        if asyncio.current_task() is self._task and not self.reached.is_set():
            self.reached.set()
            await self.opened.wait()
        async with self._real() as tx:
            yield tx

    async def race(self, act, change):
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


@pytest.fixture
def gate(monkeypatch):
    return Gate(monkeypatch)


class RaceUser:
    """A user with everything that an act may need."""

    def __init__(self, container, name):
        self.container, self.name, self.email = container, name, f"{name}@example.org"

    async def begin(self):
        given = wire.Register(name=self.name, email=self.email, username=self.name, password=OLD)
        self.signed = await registration.register(self.container, given, HERE)
        self.id = self.signed.user.id
        await models.Session.filter(user_id=self.id).update(confirmed_at=clock.now())
        self.ctx = await self.context(self.signed)
        return self

    async def context(self, signed):
        admitted = await sessions.authenticate(self.container, signed.access_token)
        return Context(self.container, self.id, admitted.session_id, admitted.role, HERE)

    async def login(self, password=OLD):
        command = wire.Login(email=self.email, password=password)
        return await login_operations.login(self.container, command, HERE)

    async def token(self, purpose):
        return await one_time_tokens.create(self.id, purpose, self.email)

    async def equip(self):
        """Enable two-factor. Returns its secret, with unused codes."""
        secret = (await two_factor.setup(self.ctx)).secret
        await two_factor.enable(self.ctx, EnableTwoFactor(code=pyotp.TOTP(secret).at(int(time.time()))))
        await models.TwoFactor.filter(user_id=self.id).update(last_step=0)
        return secret

    async def link(self):
        return await models.Identity.create(
            user_id=self.id, provider="test", issuer="https://id.example", subject=self.name
        )

    async def promoted(self):
        await models.User.filter(id=self.id).update(role="admin")
        self.ctx = await self.context(self.signed)
        return self


# --- acts: what is half done ---


async def _login(user, _other):
    return user.login()


async def _verify(user, _other):
    secret = await user.equip()
    token = await mfa_challenges.create(user.id, None)
    command = VerifyTwoFactor(mfa_token=token, code=pyotp.TOTP(secret).at(int(time.time())))
    return login_operations.verify_two_factor(user.container, command, HERE)


async def _refresh(user, _other):
    command = wire.Refresh(refresh_token=user.signed.refresh_token)
    return sessions.refresh(user.container, command, HERE)


async def _exchange(user, _other):
    await models.OAuthHandoff.create(
        user_id=user.id,
        state_digest=oauth_login._digest(user.name),
        code_digest=oauth_login._digest(f"code of {user.name}"),
        code_until=clock.now() + oauth_login.CODE_LIFETIME,
        expires_at=clock.now() + oauth_login.STATE_LIFETIME,
    )
    return oauth_login.exchange(user.container, Exchange(code=f"code of {user.name}"), HERE)


async def _change_password(user, _other):
    return passwords.change(user.ctx, wire.ChangePassword(current_password=OLD, new_password=NEW))


async def _reset_password(user, _other):
    token = await user.token("reset_password")
    return passwords.reset(user.container, wire.ResetPassword(token=token, password=NEW), HERE)


async def _verify_email(user, _other):
    command = wire.VerifyEmail(token=await user.token("verify_email"))
    return email_verification.verify_email(user.container, command, HERE)


async def _create_key(user, _other):
    return api_keys.create(user.ctx, CreateApiKey(name="k", scopes=["read", "write"]))


async def _revoke_key(user, _other):
    made = await api_keys.create(user.ctx, CreateApiKey(name="k", scopes=["read"]))
    return api_keys.revoke(user.ctx, ApiKeyRef(key_id=made.id))


async def _confirm(user, _other):
    return confirmation.confirm(user.ctx, wire.Confirm(password=OLD))


async def _undo(user, _other):
    await api_keys.create(user.ctx, CreateApiKey(name="k", scopes=["read"]))
    row = await models.OneTimeToken.get(user_id=user.id, purpose=one_time_tokens.UNDO_API_KEY)
    return undo.undo(
        user.container, wire.Undo(token=await one_time_tokens.create_undo_token(str(row.id))), HERE
    )


async def _export(user, _other):
    return anext(export.as_json(user.ctx))


async def _setup(user, _other):
    return two_factor.setup(user.ctx)


async def _enable(user, _other):
    secret = (await two_factor.setup(user.ctx)).secret
    return two_factor.enable(user.ctx, EnableTwoFactor(code=pyotp.TOTP(secret).at(int(time.time()))))


async def _disable(user, _other):
    secret = await user.equip()
    command = ConfirmTwoFactor(password=OLD, code=pyotp.TOTP(secret).at(int(time.time())))
    return two_factor.disable(user.ctx, command)


async def _renew_codes(user, _other):
    secret = await user.equip()
    command = ConfirmTwoFactor(password=OLD, code=pyotp.TOTP(secret).at(int(time.time())))
    return two_factor.regenerate_recovery_codes(user.ctx, command)


async def _request_deletion(user, _other):
    return deletion_operations.request_deletion(user.ctx)


async def _resend_verification(user, _other):
    return email_verification.resend_verification(user.ctx)


async def _delete(user, _other):
    token = await user.token("delete_account")
    return deletion.delete(user.ctx, wire.DeleteAccount(token=token))


async def _unlink(user, _other):
    identity = await user.link()
    return identities.unlink(user.ctx, IdentityRef(identity_id=identity.id))


async def _set_role(user, other):
    return users.change_user((await user.promoted()).ctx, ChangeUser(user_id=other.id, role="admin"))


async def _suspend(user, other):
    command = ChangeUser(user_id=other.id, suspended=Suspend(reason="spam"))
    return users.change_user((await user.promoted()).ctx, command)


async def _delete_user(user, other):
    return users.delete_user((await user.promoted()).ctx, UserRef(user_id=other.id))


async def _join(user, other):
    await rooms.create(other.ctx, CreateRoom(kind="public", name=f"room {user.name}"))
    return members.join(user.ctx, JoinRoom(name=f"room {user.name}"))


async def _invite(user, other):
    made = await rooms.create(other.ctx, CreateRoom(kind="private", name="room"))
    return members.invite(other.ctx, RoomUserRef(room_id=made.room.id, user_id=user.id))


async def _found(user, other):
    return rooms.create(other.ctx, CreateRoom(kind="private", name="room", member_ids=[user.id]))


# --- changes: what is done meanwhile, and forbids the act ---


async def _by_reset(user, _admin):
    token = await user.token("reset_password")
    await passwords.reset(user.container, wire.ResetPassword(token=token, password=NEW), HERE)


async def _by_change(user, _admin):
    ctx = await user.context(
        await login_operations.login(user.container, wire.Login(email=user.email, password=OLD), HERE)
    )
    await passwords.change(ctx, wire.ChangePassword(current_password=OLD, new_password=NEW))


async def _by_suspension(user, admin):
    await users.change_user(admin.ctx, ChangeUser(user_id=user.id, suspended=Suspend(reason="x")))


async def _by_deletion(user, admin):
    await users.delete_user(admin.ctx, UserRef(user_id=user.id))


async def _by_logout(user, _admin):
    await sessions.logout(user.ctx)


async def _by_second_factor(user, _admin):
    await user.equip()


async def _by_demotion(user, admin):
    await users.change_user(admin.ctx, ChangeUser(user_id=user.id, role="user"))


async def _by_end_of_second_factor(user, _admin):
    async with database.transaction():
        await two_factor.delete_for_user(user.id)


ALWAYS = [_by_suspension, _by_deletion]
OF_PASSWORD = [*ALWAYS, _by_reset, _by_change]
OF_SESSION = [*ALWAYS, _by_reset, _by_logout]
RACES = [
    (_login, [*OF_PASSWORD, _by_second_factor]),
    (_verify, [*ALWAYS, _by_reset, _by_end_of_second_factor]),
    (_refresh, OF_SESSION),
    (_exchange, [*OF_PASSWORD, _by_second_factor]),
    (_change_password, [*OF_SESSION, _by_change]),
    (_reset_password, [_by_deletion, _by_reset, _by_change]),
    (_verify_email, [_by_deletion]),
    (_create_key, OF_SESSION),
    (_revoke_key, OF_SESSION),
    (_confirm, [*OF_SESSION, _by_change, _by_second_factor]),
    (_undo, [_by_deletion]),
    (_export, OF_SESSION),
    (_setup, OF_SESSION),
    (_enable, OF_SESSION),
    (_disable, OF_SESSION),
    (_renew_codes, OF_SESSION),
    (_request_deletion, OF_SESSION),
    (_resend_verification, OF_SESSION),
    (_delete, OF_SESSION),
    (_unlink, OF_SESSION),
    (_set_role, [*OF_SESSION, _by_demotion]),
    (_suspend, [*OF_SESSION, _by_demotion]),
    (_delete_user, [*OF_SESSION, _by_demotion]),
    (_join, [_by_deletion]),
    (_invite, [_by_deletion]),
    (_found, [_by_deletion]),
]


@pytest.mark.parametrize(("act", "changes"), RACES, ids=lambda each: getattr(each, "__name__", ""))
async def test_an_operation_forbidden_during_its_transaction_is_not_done(container, gate, act, changes):
    admin = await (await RaceUser(container, "chief").begin()).promoted()

    outcomes = {}
    for number, change in enumerate(changes):
        user = await RaceUser(container, f"ada{number}").begin()
        other = await RaceUser(container, f"eve{number}").begin()
        outcomes[change.__name__] = await gate.race(await act(user, other), change(user, admin))

    assert {
        name: outcome
        for name, outcome in outcomes.items()
        if not isinstance(outcome, HubbubError | MfaRequired)
    } == {}


async def test_a_password_and_the_sessions_of_the_old_one_end_together(container, monkeypatch):
    user = await RaceUser(container, "ada").begin()
    thief = await user.login()
    real, begun = database.transaction, 0

    @contextlib.asynccontextmanager
    async def killed_after_the_first():
        nonlocal begun
        begun += 1
        if begun > 1:
            raise asyncio.CancelledError
        async with real() as tx:
            yield tx

    monkeypatch.setattr(database, "transaction", killed_after_the_first)
    with contextlib.suppress(asyncio.CancelledError):
        await passwords.change(user.ctx, wire.ChangePassword(current_password=OLD, new_password=NEW))
    monkeypatch.setattr(database, "transaction", real)

    with pytest.raises(HubbubError):
        await sessions.authenticate(container, thief.access_token)
    await sessions.authenticate(container, user.signed.access_token)


async def test_many_logins_around_a_change_leave_no_session_of_the_old_password(container):
    user = await RaceUser(container, "ada").begin()
    change = wire.ChangePassword(current_password=OLD, new_password=NEW)

    *logins, _ = await asyncio.gather(
        *(user.login() for _ in range(10)), passwords.change(user.ctx, change), return_exceptions=True
    )

    alive = await models.Session.filter(user_id=user.id, revoked_at__isnull=True).values_list("id", flat=True)
    assert alive == [user.ctx.session_id]
    assert all(isinstance(each, wire.TokenPair | HubbubError) for each in logins)


async def test_a_digest_replaced_during_an_operation_refuses_no_valid_password(container, gate):
    user = await RaceUser(container, "ada").begin()
    digest = (await models.User.get(id=user.id)).password_digest

    async def renewed():
        await models.User.filter(id=user.id).update(
            password_digest=await registration.passwords.digest(OLD, 4)
        )

    signed = await gate.race(user.login(), renewed())

    assert isinstance(signed, wire.TokenPair)
    assert (await models.User.get(id=user.id)).password_digest != digest
