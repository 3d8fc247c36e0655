"""The operations that are under way in a race."""

import time

import pyotp

from hubbub import models
from hubbub.core import clock
from hubbub.schemas.accounts import accounts as wire
from hubbub.schemas.accounts.oauth import Exchange, IdentityRef
from hubbub.schemas.admin.users import ChangeUser, Suspend, UserRef
from hubbub.schemas.auth.api_keys import ApiKeyRef, CreateApiKey
from hubbub.schemas.auth.two_factor import ConfirmTwoFactor, EnableTwoFactor, VerifyTwoFactor
from hubbub.schemas.chat.rooms import CreateRoom, JoinRoom, RoomUserRef
from hubbub.schemas.users.profiles import UpdateProfile
from hubbub.services.accounts import deletion, export, identities, oauth_login
from hubbub.services.accounts import deletion as deletion_operations
from hubbub.services.admin import users
from hubbub.services.auth import (
    api_keys,
    confirmation,
    email_change,
    email_verification,
    mfa_challenges,
    passwords,
    sessions,
    two_factor,
    undo,
)
from hubbub.services.auth import login as login_operations
from hubbub.services.chat import members, rooms
from hubbub.services.mail import one_time_tokens
from hubbub.services.users import profiles
from tests.services.users.users.race_user import HERE, NEW, OLD, Operation, RaceUser


async def _stored_token(stored_id: str) -> str:
    token = await one_time_tokens.create_stored_token(stored_id)
    assert token is not None
    return token


async def log_in(user: RaceUser, _other: RaceUser) -> Operation:
    return user.login()


async def verify(user: RaceUser, _other: RaceUser) -> Operation:
    secret = await user.equip()
    token = await mfa_challenges.create(user.id, None)
    command = VerifyTwoFactor(mfa_token=token, code=pyotp.TOTP(secret).at(int(time.time())))
    return login_operations.verify_two_factor(user.container, command, HERE)


async def refresh(user: RaceUser, _other: RaceUser) -> Operation:
    assert isinstance(user.signed.refresh_token, str)
    command = wire.Refresh(refresh_token=user.signed.refresh_token)
    return sessions.refresh(user.container, command, HERE)


async def exchange(user: RaceUser, _other: RaceUser) -> Operation:
    await models.OAuthHandoff.create(
        user_id=user.id,
        state_digest=oauth_login._digest(user.name),
        code_digest=oauth_login._digest(f"code of {user.name}"),
        code_until=clock.now() + oauth_login.CODE_LIFETIME,
        expires_at=clock.now() + oauth_login.STATE_LIFETIME,
    )
    return oauth_login.exchange(user.container, Exchange(code=f"code of {user.name}"), HERE)


async def change_password(user: RaceUser, _other: RaceUser) -> Operation:
    return passwords.change(user.ctx, wire.ChangePassword(current_password=OLD, new_password=NEW))


async def reset_password(user: RaceUser, _other: RaceUser) -> Operation:
    token = await user.token("reset_password")
    return passwords.reset(user.container, wire.ResetPassword(token=token, password=NEW), HERE)


async def verify_email(user: RaceUser, _other: RaceUser) -> Operation:
    command = wire.VerifyEmail(token=await user.token("verify_email"))
    return email_verification.verify_email(user.container, command, HERE)


async def create_key(user: RaceUser, _other: RaceUser) -> Operation:
    return api_keys.create(user.ctx, CreateApiKey(name="k", scopes=["read", "write"]))


async def revoke_key(user: RaceUser, _other: RaceUser) -> Operation:
    made = await api_keys.create(user.ctx, CreateApiKey(name="k", scopes=["read"]))
    return api_keys.revoke(user.ctx, ApiKeyRef(key_id=made.id))


async def confirm(user: RaceUser, _other: RaceUser) -> Operation:
    return confirmation.confirm(user.ctx, wire.Confirm(password=OLD))


async def undo_change(user: RaceUser, _other: RaceUser) -> Operation:
    await api_keys.create(user.ctx, CreateApiKey(name="k", scopes=["read"]))
    row = await models.OneTimeToken.get(user_id=user.id, purpose=one_time_tokens.UNDO_API_KEY)
    return undo.undo(user.container, wire.Undo(token=await _stored_token(str(row.id))), HERE)


async def export_account(user: RaceUser, _other: RaceUser) -> Operation:
    async def begin() -> bytes:
        return await anext(export.as_json(user.ctx))

    return begin()


async def setup(user: RaceUser, _other: RaceUser) -> Operation:
    return two_factor.setup(user.ctx)


async def enable(user: RaceUser, _other: RaceUser) -> Operation:
    secret = (await two_factor.setup(user.ctx)).secret
    return two_factor.enable(user.ctx, EnableTwoFactor(code=pyotp.TOTP(secret).at(int(time.time()))))


async def disable(user: RaceUser, _other: RaceUser) -> Operation:
    secret = await user.equip()
    command = ConfirmTwoFactor(password=OLD, code=pyotp.TOTP(secret).at(int(time.time())))
    return two_factor.disable(user.ctx, command)


async def renew_codes(user: RaceUser, _other: RaceUser) -> Operation:
    secret = await user.equip()
    command = ConfirmTwoFactor(password=OLD, code=pyotp.TOTP(secret).at(int(time.time())))
    return two_factor.regenerate_recovery_codes(user.ctx, command)


async def request_deletion(user: RaceUser, _other: RaceUser) -> Operation:
    return deletion_operations.request_deletion(user.ctx)


async def resend_verification(user: RaceUser, _other: RaceUser) -> Operation:
    return email_verification.resend_verification(user.ctx)


async def request_email_change(user: RaceUser, _other: RaceUser) -> Operation:
    return email_change.request(user.ctx, wire.ChangeEmail(email=f"new.{user.email}"))


async def change_email(user: RaceUser, _other: RaceUser) -> Operation:
    row = await models.User.get(id=user.id)
    assert user.ctx.session_id is not None
    stored = await one_time_tokens.create_change(row, f"new.{user.email}", user.ctx.session_id)
    token = await _stored_token(stored)
    return email_change.confirm(user.container, wire.ConfirmEmailChange(token=token), HERE)


async def undo_email_change(user: RaceUser, _other: RaceUser) -> Operation:
    await (await change_email(user, _other))
    row = await models.OneTimeToken.get(user_id=user.id, purpose=one_time_tokens.UNDO_EMAIL)
    token = await _stored_token(str(row.id))
    return undo.undo(user.container, wire.Undo(token=token), HERE)


async def change_username(user: RaceUser, _other: RaceUser) -> Operation:
    return profiles.update(user.ctx, UpdateProfile(username=f"{user.name}.new"))


async def delete(user: RaceUser, _other: RaceUser) -> Operation:
    token = await user.token("delete_account")
    return deletion.delete(user.ctx, wire.DeleteAccount(token=token))


async def unlink(user: RaceUser, _other: RaceUser) -> Operation:
    identity = await user.link()
    return identities.unlink(user.ctx, IdentityRef(identity_id=identity.id))


async def set_role(user: RaceUser, other: RaceUser) -> Operation:
    return users.change_user((await user.promoted()).ctx, ChangeUser(user_id=other.id, role="admin"))


async def suspend(user: RaceUser, other: RaceUser) -> Operation:
    command = ChangeUser(user_id=other.id, suspended=Suspend(reason="spam"))
    return users.change_user((await user.promoted()).ctx, command)


async def delete_user(user: RaceUser, other: RaceUser) -> Operation:
    return users.delete_user((await user.promoted()).ctx, UserRef(user_id=other.id))


async def join(user: RaceUser, other: RaceUser) -> Operation:
    await rooms.create(other.ctx, CreateRoom(kind="public", name=f"room {user.name}"))
    return members.join(user.ctx, JoinRoom(name=f"room {user.name}"))


async def invite(user: RaceUser, other: RaceUser) -> Operation:
    made = await rooms.create(other.ctx, CreateRoom(kind="private", name="room"))
    return members.invite(other.ctx, RoomUserRef(room_id=made.room.id, user_id=user.id))


async def found_room(user: RaceUser, other: RaceUser) -> Operation:
    return rooms.create(other.ctx, CreateRoom(kind="private", name="room", member_ids=[user.id]))
