"""Accounts: registering and logging in."""

from collections.abc import Iterable

from hubbub import models
from hubbub.cluster.bus import JobsWaiting
from hubbub.core import clock, passwords
from hubbub.core.errors import NotFound
from hubbub.core.request_info import RequestInfo
from hubbub.core.text import names
from hubbub.db import database
from hubbub.queries.audit.audit_log import Act, Action
from hubbub.schemas.accounts import accounts as wire
from hubbub.services.audit import recorder
from hubbub.services.auth import sessions
from hubbub.services.chat import members
from hubbub.services.context import Container, Context
from hubbub.services.mail import mailer
from hubbub.services.users import account_view, users, validation


async def register(
    parts: Container, command: wire.Register, origin: RequestInfo, *, by_operator: bool = False
) -> wire.TokenPair:
    """Make an account, sign in, join the default rooms. Raises Conflict, InvalidPayload, Unavailable.

    A reserved username is taken from an operator's command alone.
    """
    email, name = validation.checked_email(command.email), names.line(command.name)
    asked = validation.checked_username(command.username) if command.username is not None else None
    validation.check_password(command.password, "password", email, asked or "", name)
    digest = await passwords.digest(command.password, parts.settings.bcrypt_rounds)
    verified_at = clock.now() if by_operator else None
    new = models.User(email=email, display_name=name, password_digest=digest, email_verified_at=verified_at)
    async with recorder.attempt(parts, Act(Action.REGISTER, origin)) as act:
        tried = [asked] if asked else validation.usernames(name, email, reserved=by_operator)
        signed = await _register(parts, new, tried, act)
    await members.join_defaults(Context(parts, new.id))
    return signed


async def _register(parts: Container, new: models.User, usernames: Iterable[str], act: Act) -> wire.TokenPair:
    """By the first of the usernames that is free. Raises Conflict."""
    async with database.guard():  # an earlier release may have stored another spelling of the address
        if await users.by_email(new.email) is not None:
            raise validation.taken("email")
    for username in usernames:
        new.username = username
        if (signed := await _begin(parts, new, act)) is not None:
            return signed
        async with database.guard():
            if await models.User.exists(email=new.email):
                raise validation.taken("email")
    raise validation.taken("username")


async def _begin(parts: Container, user: models.User, act: Act) -> wire.TokenPair | None:
    """The account and its first session, both or neither; None if the address or the username is taken."""
    try:
        async with database.transaction() as tx:
            await user.save(force_create=True)
            if user.email_verified_at is None:
                await mailer.enqueue(tx, "verify_email", user.id)
            signed = await sessions.create(tx, parts, user, act, None)
    except Exception as error:
        if database.is_duplicate(error):
            return None
        raise
    parts.bus.publish(JobsWaiting())
    return signed


async def me(ctx: Context) -> wire.Account:
    """The caller as they see themselves."""
    async with database.guard():
        user = await models.User.filter(id=ctx.user_id).first()
    if user is None:
        raise NotFound
    return account_view.show(user)
