"""The channels: defaults, switches, and the page that documents them."""

import re
from pathlib import Path

import pytest

from hubbub.schemas.notifications.delivery import ChannelName, Reason
from hubbub.schemas.users.notification_kinds import NotificationKind
from hubbub.schemas.users.preferences import EmailPreferences, NotificationPreferences
from hubbub.services.notifications import channels
from hubbub.services.notifications.channels import Choices
from hubbub.services.notifications.decisions import PENDING
from hubbub.services.users import preferences

PAGE = (Path(__file__).parents[3] / "docs" / "notifications.md").read_text()


def rows(heading: str) -> list[list[str]]:
    """The cells of the first table below a heading."""
    found = re.search(r"(?:^\|.*\n)+", PAGE.split(heading, 1)[1], re.MULTILINE)
    assert found is not None
    return [[cell.strip() for cell in line.strip("|\n").split("|")] for line in found[0].splitlines()[2:]]


def test_the_page_has_every_kind_with_its_defaults():
    defaults, email = NotificationPreferences(), EmailPreferences()
    switch = {True: "on", False: "off"}

    documented = {cells[0].strip("`"): cells[2:] for cells in rows("## Kinds and defaults")}

    assert documented.keys() == {kind.value for kind in NotificationKind}
    for kind in NotificationKind:
        field, in_app, push, sms, by_email = documented[kind.value]
        switches = defaults.kinds[kind.value]
        assert [in_app, push, sms] == [
            switch[each] for each in (switches.in_app, switches.push, switches.sms)
        ]
        assert by_email == switch[channels.is_email_wanted(kind, email)]
        expected = channels.EMAIL_FIELDS.get(kind)
        assert field == (f"`{expected}`" if expected else "none: always sent")


def test_the_page_has_every_reason():
    documented = {name for cells in rows("## Reasons") for name in re.findall(r"`(\w+)`", cells[0])}

    assert documented == {reason.value for reason in Reason} | {PENDING}


@pytest.mark.parametrize("kind", NotificationKind)
def test_the_inbox_refuses_what_is_switched_off_but_no_security_kind(kind):
    email = EmailPreferences()
    all_off = preferences.with_defaults(NotificationPreferences, '{"in_app":false}')
    kind_off = preferences.with_defaults(
        NotificationPreferences, f'{{"kinds":{{"{kind.value}":{{"in_app":false}}}}}}'
    )

    assert channels.refuse_in_app(kind, Choices(NotificationPreferences(), email)) is None
    assert channels.refuse_in_app(kind, Choices(all_off, email)) == (
        None if kind.is_security else Reason.OFF_CHANNEL
    )
    assert channels.refuse_in_app(kind, Choices(kind_off, email)) == (
        None if kind.is_security else Reason.OFF_KIND
    )


def test_each_channel_has_a_name_of_the_closed_list():
    assert {channel.name for channel in channels.CHANNELS} | {ChannelName.IN_APP} == set(ChannelName)
