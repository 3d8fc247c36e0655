"""Tokens of unsubscribe links: for one user and one kind, without expiry, also after a change of the key."""

from uuid import UUID, uuid4

import pytest

from hubbub import models
from hubbub.core.errors import InvalidToken
from hubbub.schemas.notifications.unsubscribe import UnsubscribeToken
from hubbub.schemas.users.notification_kinds import NotificationKind
from hubbub.schemas.users.preferences import EmailPreferences
from hubbub.services.notifications import channels, unsubscribe
from hubbub.services.notifications.unsubscribe import Subscription, create_token, read_token
from hubbub.services.users import preferences

KEY, USER = "k" * 40, UUID(int=7)


@pytest.fixture
def database_kind():
    return "sqlite"


def test_a_token_names_its_user_and_kind_and_outlives_its_key():
    subscription = Subscription(USER, "message.direct")

    token = create_token(KEY, subscription)

    assert read_token([KEY], token) == subscription
    assert read_token(["another key", KEY], token) == subscription
    with pytest.raises(InvalidToken):
        read_token(["another key"], token)


@pytest.mark.parametrize(
    "change",
    [
        lambda token: token.replace("message.direct", "message.mention"),
        lambda token: token.replace("message.direct", "security.password_changed"),
        lambda token: create_token("x" * 40, Subscription(USER, "message.direct")),
        lambda token: "A" + token[1:] if token[0] != "A" else "B" + token[1:],
        lambda token: token[:-2],
        lambda token: token.partition(".")[0],
        lambda token: f"{token}.",
        lambda token: "é" * 50,
        lambda token: "..",
    ],
)
def test_a_changed_token_is_refused(change):
    with pytest.raises(InvalidToken):
        read_token([KEY], change(create_token(KEY, Subscription(USER, "message.direct"))))


@pytest.mark.parametrize("kind", [*(kind.value for kind in channels.EMAIL_FIELDS), "digest", "marketing"])
async def test_each_kind_is_switched_off_and_nothing_else(container, create_user, kind):
    ada = await create_user("ada")
    every = {name: True for name in EmailPreferences.__struct_fields__ if not name.startswith("digest")}
    await preferences.change(ada.id, EmailPreferences, lambda it: {**it, **every, "digest": "daily"})
    before = await preferences.load(ada.id, EmailPreferences)
    token = create_token(container.settings.secret_key, Subscription(ada.id, kind))

    for _ in range(2):
        await unsubscribe.unsubscribe(container, UnsubscribeToken(token=token))

    after = await preferences.load(ada.id, EmailPreferences)
    changed = [name for name in after.__struct_fields__ if getattr(before, name) != getattr(after, name)]
    expected = kind if kind in ("digest", "marketing") else channels.EMAIL_FIELDS[NotificationKind(kind)]
    assert changed == [expected]
    assert getattr(after, expected) in (False, "off")


async def test_the_token_of_a_deleted_account_changes_nothing(container):
    token = create_token(container.settings.secret_key, Subscription(uuid4(), "digest"))

    await unsubscribe.unsubscribe(container, UnsubscribeToken(token=token))

    assert not await models.Preference.exists()
