"""Accounts: registering and logging in."""

import re
import unicodedata

from hubbub import models
from hubbub.core import passwords
from hubbub.core.errors import Conflict, InvalidPayload, NotFound, Unauthenticated
from hubbub.schemas import accounts as wire
from hubbub.services import database, members, sessions
from hubbub.services.context import Context, Parts
from hubbub.services.sessions import Origin

_EMAIL = re.compile(r"[^\s@<>()\",;:\\]+@[^\s@<>()\",;:\\]+")
_USERNAME = re.compile(r"[a-z0-9](?:[a-z0-9_.-]*[a-z0-9_])?")
TRIES = 20


async def register(parts: Parts, command: wire.Register, origin: Origin) -> wire.Signed:
    """Make an account, sign in, join the default rooms. Raises Conflict, InvalidPayload."""
    email = _email(command.email)
    name = command.name.strip()
    if not name:
        raise InvalidPayload(fields=(("name", "A name has 1 to 80 characters."),))
    asked = _username(command.username) if command.username is not None else None
    digest = await passwords.digest(command.password, parts.settings.bcrypt_rounds)
    try:
        async with database.transaction():
            user = await models.User.create(
                username=asked or await _free_username(name, email),
                email=email,
                display_name=name,
                password_digest=digest,
            )
            signed = await sessions.begin(parts, user, origin, None)
    except Exception as error:
        if not database.is_duplicate(error):
            raise
        raise await _taken(email) from None
    await members.join_defaults(Context(parts, user.id))
    return signed


async def _taken(email: str) -> Conflict:
    field = "email" if await models.User.exists(email=email) else "username"
    return Conflict(f"An account with this {field} exists already.", fields=((field, "Taken already."),))


def _email(text: str) -> str:
    email = unicodedata.normalize("NFKC", text).strip().lower()
    if not _EMAIL.fullmatch(email) or len(email) > 254:  # noqa: PLR2004 - RFC 5321's limit
        raise InvalidPayload(fields=(("email", "Not an e-mail address."),))
    return email


def _username(text: str) -> str:
    username = text.strip().lower()
    if not 3 <= len(username) <= 32 or not _USERNAME.fullmatch(username):  # noqa: PLR2004 - the column's limits
        message = "3 to 32 letters a-z, digits, dots, dashes and underscores; begins with a letter or digit."
        raise InvalidPayload(fields=(("username", message),))
    return username


async def _free_username(name: str, email: str) -> str:
    folded = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    base = re.sub(r"[^a-z0-9]+", "-", folded).strip("-")[:24].strip("-")
    if len(base) < 3:  # noqa: PLR2004 - the shortest username
        base = re.sub(r"[^a-z0-9]+", "-", email.partition("@")[0]).strip("-")[:24].strip("-") or "user"
    base = base if len(base) >= 3 else f"{base}-user"  # noqa: PLR2004 - the shortest username
    taken = set(await models.User.filter(username__startswith=base).values_list("username", flat=True))
    number = 1
    while (username := base if number == 1 else f"{base}-{number}") in taken:
        number += 1
    return username


async def login(parts: Parts, command: wire.Login, origin: Origin) -> wire.Signed:
    """Sign in. An unknown address and a wrong password are answered alike, after the same time.

    Raises Unauthenticated, Suspended.
    """
    try:
        email = _email(command.email)
    except InvalidPayload:
        email = ""
    rounds = parts.settings.bcrypt_rounds
    async with database.guard():
        user = await models.User.filter(email=email, deleted_at__isnull=True).first()
    if not await passwords.matches(command.password, user.password_digest if user else None, rounds) or user is None:
        raise Unauthenticated("The e-mail address or the password is wrong.")
    sessions.check(user)
    async with database.guard():
        if user.password_digest and passwords.rounds_of(user.password_digest) != rounds:
            fresh = await passwords.digest(command.password, rounds)
            await models.User.filter(id=user.id).update(password_digest=fresh)
        return await sessions.begin(parts, user, origin, command.device_name)


async def me(ctx: Context) -> wire.Account:
    """The caller as they see themselves."""
    async with database.guard():
        user = await models.User.filter(id=ctx.user_id).first()
    if user is None:
        raise NotFound
    return sessions.show(user)
