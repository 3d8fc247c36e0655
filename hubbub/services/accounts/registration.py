"""Registration of accounts."""

from collections.abc import Iterable

from hubbub import models
from hubbub.cluster.bus import JobsWaiting
from hubbub.core import clock, passwords
from hubbub.core.errors import NotFound
from hubbub.core.request_info import RequestInfo
from hubbub.core.text import names
from hubbub.db import database
from hubbub.queries.audit.audit_log import Action, AuditEvent
from hubbub.queries.auth import accounts
from hubbub.schemas.accounts import accounts as wire
from hubbub.services.audit import recorder
from hubbub.services.auth import sessions
from hubbub.services.chat import members
from hubbub.services.context import Container, Context
from hubbub.services.mail import mailer, one_time_tokens
from hubbub.services.users import account_view, validation


async def register(
    container: Container, command: wire.Register, request_info: RequestInfo, *, by_operator: bool = False
) -> wire.TokenPair:
    """Create an account, log in, and join the default rooms. Raises Conflict, InvalidPayload, Unavailable.

    Only an operator's command may use a reserved username.
    """
    email, name = validation.validate_email(command.email), names.normalize_line(command.name)
    username = validation.validate_username(command.username) if command.username is not None else None
    validation.check_password(command.password, "password", email, username or "", name)
    digest = await passwords.digest(command.password, container.settings.bcrypt_rounds)
    verified_at = clock.now() if by_operator else None
    user = models.User(email=email, display_name=name, password_digest=digest, email_verified_at=verified_at)
    async with recorder.attempt(container, AuditEvent(Action.REGISTER, request_info)) as act:
        candidates = validation.username_candidates(name, email, reserved=by_operator)
        tokens = await _register(container, user, [username] if username else candidates, act)
    await members.join_default_rooms(Context(container, user.id))
    return tokens


async def _register(
    container: Container, user: models.User, usernames: Iterable[str], act: AuditEvent
) -> wire.TokenPair:
    """Create the account with the first free username. Raises Conflict."""
    async with database.guard():  # earlier releases may have stored another spelling
        if await one_time_tokens.find_owner(user.email) is not None:
            raise validation.taken_error("email")
    for username in usernames:
        user.username = username
        if (tokens := await _try_create(container, user, act)) is not None:
            return tokens
        async with database.guard():
            if await models.User.exists(email=user.email):
                raise validation.taken_error("email")
    raise validation.taken_error("username")


async def _try_create(container: Container, user: models.User, act: AuditEvent) -> wire.TokenPair | None:
    """Store the account and its first session, both or neither; None if address or username are taken."""
    try:
        async with database.transaction() as tx:
            await user.save(force_create=True)
            if user.email_verified_at is None:
                await mailer.enqueue(tx, "verify_email", user.id)
            tokens = await sessions.create(tx, container, user, act, None)
    except database.Duplicate:
        return None
    container.bus.publish(JobsWaiting())
    return tokens


async def me(ctx: Context) -> wire.Account:
    """Return the caller's account."""
    async with database.guard():
        row = await accounts.account(database.connection(), ctx.user_id)
    if row is None:
        raise NotFound
    return account_view.to_view(row)
