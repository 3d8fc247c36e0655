"""The identities of an account."""

import asyncio

from hubbub import models
from tests.http.accounts.oauth.conftest import PASSWORD
from tests.http.accounts.oauth.test_providers import of_another
from tests.support.live_instance import ApiUser


async def test_an_identity_is_removed_unless_it_is_the_only_login(instance, browser, mailbox):
    _, _, answer = await browser.log_in()
    ada = ApiUser(instance, answer["data"])
    bob = await (await instance.register("bob")).mark_sessions_confirmed()
    await ada.mark_sessions_confirmed()
    (first,) = (await ada.rest("GET", "/auth/identities"))[1]["data"]
    path = f"/auth/identities/{first['id']}"
    assert (await bob.rest("DELETE", path))[0] == 404
    status, refusal = await ada.rest("DELETE", path)
    assert (status, refusal["code"]) == (409, "conflict")

    await browser.log_in("github")
    assert (await ada.rest("DELETE", path))[0] == 204
    (second,) = (await ada.rest("GET", "/auth/identities"))[1]["data"]
    assert second["provider"] == "github"
    assert (await ada.rest("DELETE", f"/auth/identities/{second['id']}"))[0] == 409
    assert (await ada.rest("DELETE", path))[0] == 404


async def test_of_two_concurrent_removals_of_the_last_identities_one_is_refused(instance, browser):
    _, _, answer = await browser.log_in()
    await browser.log_in("github")
    ada = await ApiUser(instance, answer["data"]).mark_sessions_confirmed()
    found = (await ada.rest("GET", "/auth/identities"))[1]["data"]

    answers = await asyncio.gather(*(ada.rest("DELETE", f"/auth/identities/{each['id']}") for each in found))

    assert sorted(status for status, _ in answers) == [204, 409]


async def test_an_account_without_a_password_sets_one_by_email(instance, browser, mailbox):
    _, _, answer = await browser.log_in()
    ada = ApiUser(instance, answer["data"])
    login = {"email": "ada@example.com", "password": PASSWORD}
    assert (await instance.rest("POST", "/auth/login", json=login))[1]["code"] == "unauthenticated"
    change = {"current_password": "", "new_password": PASSWORD}
    assert (await ada.rest("POST", "/auth/change-password", json=change))[0] == 422
    change["current_password"] = "anything"
    status, refusal = await ada.rest("POST", "/auth/change-password", json=change)
    assert (status, refusal["errors"][0]["field"]) == (422, "current_password")
    assert "no password" in refusal["detail"]

    await instance.rest("POST", "/auth/forgot-password", json={"email": "ada@example.com"})
    token = await mailbox.next_code("ada@example.com", "Choose a new password")
    reset = {"token": token, "password": PASSWORD}
    assert (await instance.rest("POST", "/auth/reset-password", json=reset))[0] == 204

    status, answer = await instance.rest("POST", "/auth/login", json=login)
    assert status == 200
    ada = await ApiUser(instance, answer["data"]).mark_sessions_confirmed()
    (identity,) = (await ada.rest("GET", "/auth/identities"))[1]["data"]
    assert (await ada.rest("DELETE", f"/auth/identities/{identity['id']}"))[0] == 204


async def test_identities_are_exported_and_audited(instance, browser, other):
    _, _, answer = await browser.log_in()
    ada = await ApiUser(instance, answer["data"]).mark_sessions_confirmed()

    status, exported = await ada.rest("GET", "/users/account/export")

    assert status == 200
    (identity,) = exported["data"]["identities"]
    assert (identity["provider"], identity["subject"]) == ("test", "1001")
    acts = await models.AuditRecord.all().values_list("action", "outcome")
    assert ("account.register", "ok") in acts
    assert ("session.sign_in", "ok") in acts
    assert ("identity.unlink", "failed") not in acts
    await ada.rest("DELETE", f"/auth/identities/{identity['id']}")
    other.sign_token = of_another
    await browser.log_in()
    rows = await models.AuditRecord.filter(outcome="failed").order_by("at").values("action", "reason")
    assert rows == [
        {"action": "identity.unlink", "reason": "conflict"},
        {"action": "session.sign_in", "reason": "invalid_token"},
    ]
