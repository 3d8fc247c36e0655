"""The changes that forbid an operation while it is under way."""

from hubbub.db import database
from hubbub.schemas.accounts import accounts as wire
from hubbub.schemas.admin.users import ChangeUser, Suspend, UserRef
from hubbub.schemas.users.profiles import UpdateProfile
from hubbub.services.admin import users
from hubbub.services.auth import email_change, passwords, sessions, two_factor
from hubbub.services.users import profiles
from tests.services.users.users.race_user import HERE, NEW, OLD, RaceUser


async def by_reset(user: RaceUser, _admin: RaceUser) -> None:
    token = await user.token("reset_password")
    await passwords.reset(user.container, wire.ResetPassword(token=token, password=NEW), HERE)


async def by_change(user: RaceUser, _admin: RaceUser) -> None:
    signed = await user.login()
    assert isinstance(signed, wire.TokenPair)
    ctx = await user.context(signed)
    await passwords.change(ctx, wire.ChangePassword(current_password=OLD, new_password=NEW))


async def by_suspension(user: RaceUser, admin: RaceUser) -> None:
    await users.change_user(admin.ctx, ChangeUser(user_id=user.id, suspended=Suspend(reason="x")))


async def by_deletion(user: RaceUser, admin: RaceUser) -> None:
    await users.delete_user(admin.ctx, UserRef(user_id=user.id))


async def by_logout(user: RaceUser, _admin: RaceUser) -> None:
    await sessions.logout(user.ctx)


async def by_second_factor(user: RaceUser, _admin: RaceUser) -> None:
    await user.equip()


async def by_demotion(user: RaceUser, admin: RaceUser) -> None:
    await users.change_user(admin.ctx, ChangeUser(user_id=user.id, role="user"))


async def by_another_request(user: RaceUser, _admin: RaceUser) -> None:
    await email_change.request(user.ctx, wire.ChangeEmail(email="another@example.org"))


async def by_another_account(user: RaceUser, _admin: RaceUser) -> None:
    await RaceUser(user.container, f"new.{user.name}").begin()


async def by_another_username(user: RaceUser, _admin: RaceUser) -> None:
    await profiles.update(user.ctx, UpdateProfile(username=f"{user.name}.other"))


async def by_end_of_second_factor(user: RaceUser, _admin: RaceUser) -> None:
    async with database.transaction():
        await two_factor.delete_for_user(user.id)
