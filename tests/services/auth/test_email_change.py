"""Changing the e-mail address: what becomes invalid, and which of several changes holds."""

import asyncio
from datetime import timedelta

import pytest

from hubbub import models
from hubbub.cli import services_context
from hubbub.core import clock
from hubbub.core.errors import ConfirmationRequired, Conflict, InvalidToken, RateLimited, Suspended
from hubbub.core.request_info import RequestInfo
from hubbub.ratelimit.rate import Rate
from hubbub.schemas.accounts import accounts as wire
from hubbub.services.accounts import registration
from hubbub.services.auth import email_change, login, passwords, session_list, sessions, undo
from hubbub.services.context import Context
from hubbub.services.mail import one_time_tokens
from hubbub.services.mail.one_time_tokens import CHANGE_EMAIL, UNDO_EMAIL

HERE = RequestInfo("192.0.2.1", "tests")
PASSWORD = "long enough"
A, B, C = (f"{name}@example.org" for name in ("ada", "bea", "cid"))


@pytest.fixture
async def container(settings):
    async with services_context.open_container(settings) as container:
        yield container


class Owner:
    """A user whose session is confirmed."""

    def __init__(self, container, signed):
        self.container, self.signed, self.id = container, signed, signed.user.id

    async def context(self):
        admitted = await sessions.authenticate(self.container, self.signed.access_token)
        await models.Session.filter(id=admitted.session_id).update(confirmed_at=clock.now())
        return Context(self.container, self.id, admitted.session_id, admitted.role, HERE)

    async def request(self, email):
        """Request a change. Returns the token that the worker would send."""
        await email_change.request(await self.context(), wire.ChangeEmail(email=email))
        row = await models.OneTimeToken.filter(user_id=self.id, purpose=CHANGE_EMAIL).get()
        return await one_time_tokens.create_stored_token(str(row.id))

    async def change(self, email):
        """Change the e-mail address. Returns the token of the undo."""
        known = await models.OneTimeToken.filter(purpose=UNDO_EMAIL).values_list("id", flat=True)
        await confirm(self.container, await self.request(email))
        row = (
            await models.OneTimeToken.filter(user_id=self.id, purpose=UNDO_EMAIL).exclude(id__in=known).get()
        )
        return await one_time_tokens.create_stored_token(str(row.id))

    async def email(self):
        return (await models.User.get(id=self.id)).email


async def register(container, email):
    command = wire.Register(name="Ada", email=email, password=PASSWORD)
    return Owner(container, await registration.register(container, command, HERE))


async def confirm(container, token):
    await email_change.confirm(container, wire.ConfirmEmailChange(token=token), HERE)


async def undone(container, token):
    await undo.undo(container, wire.Undo(token=token), HERE)


@pytest.fixture
async def ada(container):
    return await register(container, A)


async def test_the_address_changes_when_the_new_one_confirms_it(container, ada):
    token = await ada.request(B)
    assert await ada.email() == A

    await confirm(container, token)

    row = await models.User.get(id=ada.id)
    assert (row.email, row.email_verified_at is not None) == (B, True)
    await ada.context()  # the session stays
    with pytest.raises(InvalidToken):
        await confirm(container, token)
    actions = await models.AuditRecord.filter(action__startswith="email.").order_by("id")
    assert [(each.action, each.outcome) for each in actions] == [
        ("email.request_change", "ok"),
        ("email.change", "ok"),
        ("email.change", "failed"),
    ]
    assert "example.org" not in str([(each.facts, each.target_id) for each in actions])


async def test_a_request_needs_a_confirmed_session(container, ada):
    ctx = await ada.context()
    await models.Session.all().update(confirmed_at=None)

    with pytest.raises(ConfirmationRequired):
        await email_change.request(ctx, wire.ChangeEmail(email=B))
    with pytest.raises(ConfirmationRequired):  # an API key has no session
        await email_change.request(Context(container, ada.id), wire.ChangeEmail(email=B))
    assert not await models.OneTimeToken.filter(purpose=CHANGE_EMAIL).exists()


async def test_a_later_request_replaces_an_earlier_one(container, ada):
    first = await ada.request(B)
    earlier = await models.OneTimeToken.filter(purpose=CHANGE_EMAIL).first()
    second = await ada.request(C)

    with pytest.raises(InvalidToken):
        await confirm(container, first)
    assert await one_time_tokens.create_stored_token(str(earlier.id)) is None  # the worker was late
    await confirm(container, second)
    assert await ada.email() == C


async def test_of_concurrent_confirmations_one_succeeds(container, ada):
    eve = await register(container, "eve@example.org")
    own, others = await ada.request(B), await eve.request(B)

    outcomes = await asyncio.gather(
        *(confirm(container, token) for token in (own, own, others)), return_exceptions=True
    )

    assert sorted(type(each).__name__ for each in outcomes) in (
        ["Conflict", "InvalidToken", "NoneType"],
        ["Conflict", "Conflict", "NoneType"],
    )
    assert [await ada.email(), await eve.email()].count(B) == 1


async def test_an_address_that_was_taken_meanwhile_is_a_conflict(container, ada):
    token = await ada.request(B)
    bea = await register(container, B)

    with pytest.raises(Conflict):
        await confirm(container, token)
    await models.User.filter(id=bea.id).delete()

    await confirm(container, token)  # it stayed valid
    assert await ada.email() == B


async def test_tokens_sent_to_the_former_address_are_invalid_also_after_the_undo(container, ada):
    purposes = ("verify_email", "reset_password", "delete_account")
    tokens = {purpose: await one_time_tokens.create(ada.id, purpose, A) for purpose in purposes}
    token = await ada.change(B)
    sent_later = await one_time_tokens.create(ada.id, "reset_password", A)  # by a worker that read A before

    async def refused():
        for purpose in purposes:
            with pytest.raises(InvalidToken):
                await one_time_tokens.peek(purpose, tokens[purpose])
        with pytest.raises(InvalidToken):
            await passwords.reset(
                container, wire.ResetPassword(token=sent_later, password="another one"), HERE
            )

    await refused()
    sent_to_new = await one_time_tokens.create(ada.id, "reset_password", B)
    await undone(container, token)
    await refused()
    with pytest.raises(InvalidToken):
        await one_time_tokens.peek("reset_password", sent_to_new)


async def test_the_undo_restores_the_address_and_revokes_all_sessions(container, ada):
    token = await ada.change(B)
    thief = await login.login(container, wire.Login(email=B, password=PASSWORD), HERE)
    pending = await ada.request(C)
    ended = []
    container.bus.add_handler(lambda signal: ended.append(getattr(signal, "reason", None)))

    await undone(container, token)

    assert await ada.email() == A
    assert ended == ["email_restored"]
    reasons = await models.Session.filter(user_id=ada.id).values_list("revoke_reason", flat=True)
    assert set(reasons) == {"email_restored"}
    for signed in (ada.signed, thief):
        with pytest.raises(Exception, match="session"):
            await sessions.authenticate(container, signed.access_token)
    with pytest.raises(InvalidToken):
        await confirm(container, pending)
    with pytest.raises(InvalidToken):
        await undone(container, token)


async def test_an_earlier_undo_holds_against_later_changes(container, ada):
    first = await ada.change(B)
    second = await ada.change(C)
    third = await ada.change("dan@example.org")

    await undone(container, first)

    assert await ada.email() == A
    for token in (second, third):
        with pytest.raises(InvalidToken):
            await undone(container, token)
    assert await ada.email() == A


async def test_the_undo_of_the_last_change_keeps_the_earlier_ones(container, ada):
    first = await ada.change(B)
    second = await ada.change(C)

    await undone(container, second)
    assert await ada.email() == B
    await undone(container, first)

    assert await ada.email() == A


async def test_the_former_address_is_held_for_its_account(container, ada):
    token = await ada.change(B)
    eve = await register(container, "eve@example.org")

    for spelling in (A, A.upper()):
        with pytest.raises(Conflict):
            await register(container, spelling)
    others = await eve.request(A)
    with pytest.raises(Conflict):
        await confirm(container, others)
    await undone(container, token)
    assert await ada.email() == A


async def test_the_former_address_is_free_for_its_own_account_and_after_the_undo_has_expired(container, ada):
    await ada.change(B)
    await ada.change(A)
    await models.OneTimeToken.all().update(expires_at=clock.expiry_cutoff() - timedelta(seconds=1))

    bea = await register(container, B)

    assert (await ada.email(), await bea.email()) == (A, B)


async def reset_password(container, ada):
    token = await one_time_tokens.create(ada.id, "reset_password", A)
    await passwords.reset(container, wire.ResetPassword(token=token, password="another one"), HERE)


async def change_password(_container, ada):
    await passwords.change(
        await ada.context(), wire.ChangePassword(current_password=PASSWORD, new_password="another one")
    )


async def revoke_other_sessions(_container, ada):
    await session_list.revoke_others(await ada.context())


@pytest.mark.parametrize("revoke", [reset_password, change_password, revoke_other_sessions])
async def test_a_request_of_a_revoked_session_is_invalid(container, ada, revoke):
    thief = Owner(container, await login.login(container, wire.Login(email=A, password=PASSWORD), HERE))
    token = await thief.request(B)

    await revoke(container, ada)

    with pytest.raises(InvalidToken):
        await confirm(container, token)
    assert await ada.email() == A


@pytest.mark.parametrize("revoke", [reset_password, change_password, revoke_other_sessions])
async def test_a_request_of_a_session_that_logged_out_is_invalid(container, ada, revoke):
    """An attacker who logs out at once leaves no session to revoke."""
    thief = Owner(container, await login.login(container, wire.Login(email=A, password=PASSWORD), HERE))
    token = await thief.request(B)
    await sessions.logout(await thief.context())

    await revoke(container, ada)

    with pytest.raises(InvalidToken):
        await confirm(container, token)
    assert await ada.email() == A


async def test_a_user_who_revokes_other_sessions_keeps_the_own_request(container, ada):
    token = await ada.request(B)

    await revoke_other_sessions(container, ada)

    await confirm(container, token)
    assert await ada.email() == B


async def test_a_request_outlives_a_logout(container, ada):
    token = await ada.request(B)
    await sessions.logout(await ada.context())

    await confirm(container, token)

    assert await ada.email() == B


async def test_a_suspended_user_confirms_nothing_but_may_undo(container, ada):
    undo_token = await ada.change(B)
    token = await ada.request(C)
    await models.User.filter(id=ada.id).update(suspended_at=clock.now())

    with pytest.raises(Suspended):
        await confirm(container, token)
    await undone(container, undo_token)

    row = await models.User.get(id=ada.id)
    assert (row.email, row.suspended_at is not None) == (A, True)


async def test_identities_linked_since_are_unlinked_by_the_undo(container, ada):
    fields = {"user_id": ada.id, "provider": "test", "issuer": "https://id.example"}
    old = await models.Identity.create(**fields, subject="old")
    await models.Identity.all().update(created_at=clock.now() - timedelta(days=1))
    token = await ada.change(B)
    await models.Identity.create(**fields, subject="new")

    await undone(container, token)

    assert [each.id for each in await models.Identity.all()] == [old.id]


async def test_undoes_sent_to_the_undone_address_are_invalid(container, ada):
    kept = await one_time_tokens.create_undo(
        await models.User.get(id=ada.id), one_time_tokens.UNDO_API_KEY, "kept"
    )
    token = await ada.change(B)
    lost = await one_time_tokens.create_undo(
        await models.User.get(id=ada.id), one_time_tokens.UNDO_API_KEY, "lost"
    )

    await undone(container, token)

    assert await one_time_tokens.create_stored_token(kept) is not None
    assert await one_time_tokens.create_stored_token(lost) is None


async def test_requests_are_limited_per_user_and_per_new_address(container, ada):
    container.settings = container.settings.model_copy(update={"limit_auth": Rate(100, 1)})
    ctx = await ada.context()
    for number in range(5):
        await email_change.request(ctx, wire.ChangeEmail(email=f"new{number}@example.org"))
    with pytest.raises(RateLimited):
        await email_change.request(ctx, wire.ChangeEmail(email=B))

    for number in range(5):
        other = await register(container, f"user{number}@example.org")
        await email_change.request(await other.context(), wire.ChangeEmail(email=C))
    last = await register(container, "last@example.org")
    with pytest.raises(RateLimited):
        await email_change.request(await last.context(), wire.ChangeEmail(email=C.upper()))
