"""Sending letters to people: promised in a transaction, written and sent by a worker."""

import asyncio
import hashlib
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from hubbub import models
from hubbub.cluster.bus import JobsWaiting
from hubbub.core import user_agents
from hubbub.core.request_info import RequestInfo
from hubbub.core.text import email_addresses
from hubbub.db import database
from hubbub.db.sql import Sql
from hubbub.gateways import mail
from hubbub.queries.audit import audit_log
from hubbub.queries.audit.audit_log import Act, Action, Target
from hubbub.schemas.users.preferences import AppPreferences, EmailPreferences
from hubbub.services.jobs import queue
from hubbub.services.mail import one_time_tokens, templates
from hubbub.services.users import preferences, users

if TYPE_CHECKING:
    from hubbub.services.context import Container, UnitOfWork

KIND = "mail.letter"
PAGE = "/account"  # where links lead; what they say stays in the browser, behind the #


async def enqueue(sql: Sql, letter: str, user_id: UUID, unique: str | None = None, **facts: str) -> None:
    """Have a letter sent to a user, if the transaction of `sql` commits."""
    payload: dict[str, object] = {"letter": letter, "user_id": str(user_id), "facts": facts}
    await queue.enqueue(sql, KIND, payload, unique=unique)


async def enqueue_once(unit: "UnitOfWork", letter: str, user_id: UUID) -> None:
    """Have a letter sent to a user after the commit, unless the same one waits to be sent."""
    await enqueue(unit.tx, letter, user_id, unique=f"{letter}:{user_id}")
    unit.tell(JobsWaiting())


async def enqueue_reset(sql: Sql, email: str, origin: RequestInfo) -> None:
    """Have the letter about a forgotten password sent, if there is such an account: the worker finds out.

    Then it also records that somebody asked, and from where.
    """
    mailbox = email_addresses.normalize(email)
    key = hashlib.sha256(mailbox.encode("utf-8", "surrogatepass")).hexdigest()
    payload: dict[str, object] = {
        "letter": "reset_password",
        "email": email,
        "facts": {},
        "origin": list(origin),
    }
    await queue.enqueue(sql, KIND, payload, unique=f"reset:{key}")


async def send_job(parts: "Container", payload: dict[str, object]) -> None:
    """A worker's part: write the letter, with a fresh token if it carries one, and send it."""
    letter = str(payload["letter"])
    async with database.guard():
        if "user_id" in payload:
            user = await models.User.filter(id=payload["user_id"], deleted_at__isnull=True).first()
        else:
            user = await users.by_email(str(payload["email"]))
    if user is None or not await _wanted(user, letter):
        return
    if "origin" in payload:
        await _record(user, msgspec.convert(payload["origin"], RequestInfo))
    facts = await _facts(parts, user, letter, payload["facts"])
    language = (await preferences.of(user.id, AppPreferences)).language
    try:
        await mail.send(parts.settings, user.email, templates.render(letter, language, facts))
    except mail.Refused as error:
        raise queue.PermanentFailure(str(error)) from None


async def _record(user: models.User, origin: RequestInfo) -> None:
    """Once, however often the letter has to be sent again."""
    known = models.AuditRecord.filter(target_id=str(user.id), action=Action.FORGET_PASSWORD)
    async with database.transaction() as tx:
        if not await known.filter(request_id=origin.request_id).exists():
            await audit_log.record(tx, Act(Action.FORGET_PASSWORD, origin, Target("user", user.id)))


async def _wanted(user: models.User, letter: str) -> bool:
    if letter == "new_login":
        return (await preferences.of(user.id, EmailPreferences)).new_login
    return not (letter == "verify_email" and user.email_verified_at is not None)


async def _facts(parts: "Container", user: models.User, letter: str, given: object) -> dict[str, object]:
    """The token is made here and not before: nothing that is stored tells it."""
    site = parts.settings.public_url
    facts: dict[str, object] = {"name": user.display_name, "site": site}
    facts |= given if isinstance(given, dict) else {}
    if "user_agent" in facts:
        facts["device"] = await asyncio.to_thread(_device, str(facts["user_agent"]))
    if (undo := facts.pop("undo", None)) is not None:
        async with database.guard():
            code = await one_time_tokens.renew_undo(str(undo))
        if code is not None:
            facts |= {"code": code, "link": f"{site}{PAGE}#undo:{code}"}
    if letter in one_time_tokens.HOURS:
        async with database.guard():
            code = await one_time_tokens.create(user.id, letter, user.email)
        facts |= {
            "hours": one_time_tokens.HOURS[letter],
            "code": code,
            "link": f"{site}{PAGE}#{letter}:{code}",
        }
    return facts


def _device(user_agent: str) -> str:
    """A device in words."""
    agent = user_agents.parse(user_agent)
    return " on ".join(part for part in (agent.browser, agent.os) if part) or "an unknown device"
