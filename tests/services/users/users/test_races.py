"""An operation that is forbidden while it is under way is not done."""

import pytest

from hubbub.core.errors import HubbubError
from hubbub.schemas.auth.two_factor import MfaRequired
from tests.services.users.users.interferences import (
    by_another_account,
    by_another_request,
    by_another_username,
    by_change,
    by_deletion,
    by_demotion,
    by_end_of_second_factor,
    by_logout,
    by_reset,
    by_second_factor,
    by_suspension,
)
from tests.services.users.users.operations import (
    change_email,
    change_password,
    change_username,
    confirm,
    create_key,
    delete,
    delete_user,
    disable,
    enable,
    exchange,
    export_account,
    found_room,
    invite,
    join,
    log_in,
    refresh,
    renew_codes,
    request_deletion,
    request_email_change,
    resend_verification,
    reset_password,
    revoke_key,
    set_role,
    setup,
    suspend,
    undo_change,
    undo_email_change,
    unlink,
    verify,
    verify_email,
)
from tests.services.users.users.race_user import RaceUser

ALWAYS = [by_suspension, by_deletion]
OF_PASSWORD = [*ALWAYS, by_reset, by_change]
OF_SESSION = [*ALWAYS, by_reset, by_logout]
RACES = [
    (log_in, [*OF_PASSWORD, by_second_factor]),
    (verify, [*ALWAYS, by_reset, by_end_of_second_factor]),
    (refresh, OF_SESSION),
    (exchange, [*OF_PASSWORD, by_second_factor]),
    (change_password, [*OF_SESSION, by_change]),
    (reset_password, [by_deletion, by_reset, by_change]),
    (verify_email, [by_deletion]),
    (create_key, OF_SESSION),
    (revoke_key, OF_SESSION),
    (confirm, [*OF_SESSION, by_change, by_second_factor]),
    (undo_change, [by_deletion]),
    (export_account, OF_SESSION),
    (setup, OF_SESSION),
    (enable, OF_SESSION),
    (disable, OF_SESSION),
    (renew_codes, OF_SESSION),
    (request_deletion, OF_SESSION),
    (resend_verification, OF_SESSION),
    (request_email_change, OF_SESSION),
    (change_email, [*ALWAYS, by_reset, by_another_request, by_another_account]),
    (undo_email_change, [by_deletion]),
    (change_username, [by_deletion, by_another_username]),
    (delete, OF_SESSION),
    (unlink, OF_SESSION),
    (set_role, [*OF_SESSION, by_demotion]),
    (suspend, [*OF_SESSION, by_demotion]),
    (delete_user, [*OF_SESSION, by_demotion]),
    (join, [by_deletion]),
    (invite, [by_deletion]),
    (found_room, [by_deletion]),
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
