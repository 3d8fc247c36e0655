"""The API document is valid and served, and each response that it describes occurs here."""

from typing import Any
from uuid import UUID

import pytest
from openapi_spec_validator import validate

from hubbub import models
from hubbub.services.mail import one_time_tokens
from tests.http.openapi.responses.accounts import (
    call_accounts,
    call_api_keys,
    call_credentials,
    call_email_change,
    call_two_factor,
)
from tests.http.openapi.responses.administration import call_administration
from tests.http.openapi.responses.chat import call_notifications, call_rooms, call_uploads
from tests.http.openapi.responses.oauth import call_oauth
from tests.http.openapi.responses.operation_caller import OperationCaller, any_ids
from tests.http.openapi.responses.portfolio import (
    call_portfolio,
    call_portfolio_profile,
    call_public_portfolio,
)
from tests.http.openapi.responses.refusals import call_refusals, call_suspended, valid_body
from tests.support.api_contract import ApiContract, api_contract
from tests.support.live_instance import ApiUser
from tests.support.oauth_provider import Issuer


def test_the_document_is_valid():
    validate(api_contract().document)


async def test_the_document_is_served_and_has_a_page(instance):
    status, answer = await instance.rest("GET", "/openapi.json")
    assert status == 200
    assert answer["paths"] == api_contract().document["paths"]
    async with instance.http.get(f"{instance.url}/api/docs") as page:
        assert page.status == 200
        text = await page.text()
    assert "http://" not in text
    assert "https://" not in text


# Paths by the part of the document that describes them; all others belong to the last part.
PARTS = {
    "portfolio": ("/api/v1/portfolio", "/api/v1/public"),
    "accounts": ("/api/v1/auth", "/api/v1/users", "/api/v1/settings", "/api/v1/sessions", "/api/v1/api-keys"),
    "chat and administration": (),
}


def _is_in(part: str, path: str) -> bool:
    found = next((name for name, prefixes in PARTS.items() if path.startswith(prefixes)), [*PARTS][-1])
    return found == part


@pytest.mark.parametrize("part", PARTS)
async def test_each_described_response_is_seen(instance, proxy, other, part):
    described = ApiContract()
    operations = [each for each in described.operations() if _is_in(part, each[1])]
    api_contract().seen.clear()
    asker = OperationCaller(instance)
    ada = await (await instance.register("ada")).mark_sessions_confirmed()
    root = await (await instance.register("chief")).mark_sessions_confirmed()
    await models.User.filter(id=root.id).update(role="admin")
    await call_refusals(asker, operations, ada, root)
    back = await _responses_of(part, asker, other, ada, root)
    await call_suspended(asker, operations)
    await proxy.stop()
    for method, path, operation in operations:
        body = valid_body(path)
        if "503" in operation["responses"]:
            await asker.ask(
                None if "security" not in operation else ada,
                method,
                path,
                503,
                **{**any_ids(operation, path), **back.get(path, {})},
                **({"json": body} if body else {}),
            )
    await proxy.start()

    wanted = {each for each in described.documented_responses if _is_in(part, each[1])}
    assert wanted - api_contract().seen == set()


async def _responses_of(
    part: str, asker: OperationCaller, other: Issuer, ada: ApiUser, root: ApiUser
) -> dict[str, dict[str, Any]]:
    """Provoke the other responses of a part. Return the options of requests that reach the database."""
    if part == "portfolio":
        await call_portfolio(asker, ada)
        await call_portfolio_profile(asker, ada)
        await call_public_portfolio(asker)
        return {}
    if part == "accounts":
        await call_accounts(asker, ada)
        await call_credentials(asker)
        await call_email_change(asker)
        await call_api_keys(asker)
        await call_two_factor(asker)
        await asker.ask(ada, "DELETE", "/users/profile/avatar", 204)
        last = {"token": await one_time_tokens.create(UUID(root.id), "delete_account", "chief@example.com")}
        await asker.ask(root, "DELETE", "/users/account", 409, json=last)
        await asker.instance.register("bob")  # with the e-mail address of another user of the provider
        return await call_oauth(asker, other)
    await call_uploads(asker, ada)
    await call_rooms(asker, ada)
    token = await call_notifications(asker, ada, root)
    await call_administration(asker, root)
    return {"/api/v1/email/unsubscribe": {"params": {"token": token}}}
