"""E-mail: enqueued in the caller's transaction, rendered and sent by a worker."""

import asyncio
import hashlib
from typing import TYPE_CHECKING
from uuid import UUID

from msgspec import UNSET

from hubbub import models
from hubbub.cluster.bus import JobsWaiting
from hubbub.core import clock, user_agents
from hubbub.core.request_info import RequestInfo
from hubbub.core.text import email_addresses
from hubbub.db import database
from hubbub.db.sql import Sql
from hubbub.gateways import mail
from hubbub.queries.audit import audit_log
from hubbub.queries.audit.audit_log import Action, AuditEvent, Target
from hubbub.schemas.jobs import SendMail
from hubbub.schemas.users.preferences import AppPreferences, EmailPreferences
from hubbub.services.jobs import kinds, queue
from hubbub.services.mail import one_time_tokens, templates
from hubbub.services.users import preferences, users

if TYPE_CHECKING:
    from hubbub.services.context import Container, UnitOfWork

ACCOUNT_PATH = "/account"  # path of the links; the token is in the fragment, which the browser does not send


async def enqueue(
    sql: Sql, template: str, user_id: UUID, unique_key: str | None = None, **context: str
) -> None:
    """Enqueue an e-mail to a user. It is sent if the transaction of `sql` commits."""
    job = SendMail(template=template, user_id=user_id, context=context)
    await queue.enqueue(sql, job, unique_key=unique_key)


async def enqueue_once(unit: "UnitOfWork", template: str, user_id: UUID) -> None:
    """Enqueue an e-mail to a user after the commit, unless the same one is queued."""
    await enqueue(unit.tx, template, user_id, unique_key=f"{template}:{user_id}")
    unit.publish(JobsWaiting())


async def enqueue_reset(sql: Sql, email: str, request_info: RequestInfo) -> None:
    """Enqueue the e-mail about a forgotten password. The worker checks whether the account exists.

    For an existing account the worker also records the request and its origin in the audit log.
    """
    mailbox = email_addresses.normalize(email)
    key = hashlib.sha256(mailbox.encode("utf-8", "surrogatepass")).hexdigest()
    job = SendMail(template="reset_password", email=email, context={}, request_info=request_info)
    await queue.enqueue(sql, job, unique_key=f"reset:{key}")


async def enqueue_email_change(sql: Sql, user_id: UUID, change_id: str) -> None:
    """Enqueue the e-mail that lets a new e-mail address confirm a change.

    The worker checks whether the address is taken, so that the request takes the same time for each one.
    """
    await enqueue(sql, "change_email", user_id, change=change_id)


async def enqueue_to_former(sql: Sql, user: models.User, undo: str) -> None:
    """Enqueue the e-mail about a changed e-mail address to the former one, which `user` still has."""
    job = SendMail(template="email_changed", user_id=user.id, to=user.email, context={"undo": undo})
    await queue.enqueue(sql, job)


async def enqueue_farewell(sql: Sql, user: models.User) -> None:
    """Enqueue the e-mail about the deletion of an account, whose e-mail address and name the job keeps."""
    app = await preferences.load(user.id, AppPreferences)
    context = {
        "name": user.display_name,
        "time": templates.format_time(clock.now(), app.language, app.time_zone),
    }
    job = SendMail(template="account_deleted", to=user.email, language=app.language, context=context)
    await queue.enqueue(sql, job)


async def send_job(container: "Container", job: SendMail) -> None:
    """Run the job: render the e-mail, with a fresh token if it carries one, and send it."""
    template = job.template
    if template == "change_email":
        await _send_email_change(container, job)
        return
    if job.to is not UNSET and job.user_id is UNSET:
        site = container.settings.public_url or ""
        context: dict[str, object] = {"site": site, "link": site, **job.context}
        language = job.language if job.language is not UNSET else templates.FALLBACK_LANGUAGE
        await _send(container, job.to, templates.render(template, language, context))
        return
    async with database.guard():
        user = await _recipient(job)
    if user is None or not await _is_wanted(user, template):
        return
    if job.request_info is not UNSET:
        await _record_request(user, job.request_info)
    await _send_to(container, user, job.to if job.to is not UNSET else user.email, template, job.context)


async def _send_email_change(container: "Container", job: SendMail) -> None:
    """Send the link of a change to the new e-mail address, or a warning to the owner of a taken one.

    Nothing is sent for a change that was confirmed or replaced meanwhile.
    """
    async with database.guard():
        change = await one_time_tokens.find_change(job.context["change"])
        user = await models.User.filter(id=change.user_id).first() if change is not None else None
        if change is None or user is None:
            return
        owner = await one_time_tokens.find_owner(change.email, user)
        code = None
        if owner is None:
            code = await one_time_tokens.create_stored_token(job.context["change"])
    if owner is not None:
        await _send_to(container, owner, change.email, "email_taken", {})
    elif code is not None:
        link = f"{container.settings.public_url}{ACCOUNT_PATH}#change_email:{code}"
        context = {"hours": str(one_time_tokens.CHANGE_EMAIL_TTL_HOURS), "code": code, "link": link}
        await _send_to(container, user, change.email, "change_email", context)


async def _send_to(
    container: "Container", user: models.User, to: str, template: str, stored_context: dict[str, str]
) -> None:
    """Render an e-mail for a user, in the user's language, and send it."""
    context = await _template_context(container, user, template, stored_context)
    language = (await preferences.load(user.id, AppPreferences)).language
    await _send(container, to, templates.render(template, language, context))


async def _send(container: "Container", to: str, rendered: mail.Mail) -> None:
    """Send an e-mail. Raises PermanentFailure if the server will never accept it, or an error to retry."""
    try:
        await mail.send(container.settings, to, rendered)
    except mail.MailRejected as error:
        raise kinds.PermanentFailure(str(error)) from None


async def _recipient(job: SendMail) -> models.User | None:
    if job.user_id is not UNSET:
        return await models.User.filter(id=job.user_id, deleted_at__isnull=True).first()
    return await users.by_email(job.email) if job.email is not UNSET else None


async def _record_request(user: models.User, request_info: RequestInfo) -> None:
    """Record the request once, however often the job is retried."""
    earlier = models.AuditRecord.filter(target_id=str(user.id), action=Action.FORGET_PASSWORD)
    async with database.transaction() as tx:
        if not await earlier.filter(request_id=request_info.request_id).exists():
            await audit_log.record(
                tx, AuditEvent(Action.FORGET_PASSWORD, request_info, Target("user", user.id))
            )


async def _is_wanted(user: models.User, template: str) -> bool:
    if template == "new_login":
        return (await preferences.load(user.id, EmailPreferences)).new_login
    return not (template == "verify_email" and user.email_verified_at is not None)


async def _template_context(
    container: "Container", user: models.User, template: str, stored_context: dict[str, str]
) -> dict[str, object]:
    """Return the variables of a template. Tokens are generated here, so that none is stored in a job."""
    site = container.settings.public_url
    app = await preferences.load(user.id, AppPreferences)
    context: dict[str, object] = {
        "name": user.display_name,
        "username": user.username,
        "site": site,
        "link": f"{site}{ACCOUNT_PATH}",
        "time": templates.format_time(clock.now(), app.language, app.time_zone),
        **stored_context,
    }
    if "user_agent" in context:
        context["device"] = await asyncio.to_thread(user_agents.describe, str(context["user_agent"]))
    if (undo := context.pop("undo", None)) is not None:
        async with database.guard():
            code = await one_time_tokens.create_stored_token(str(undo))
        if code is not None:
            context |= {"code": code, "link": f"{site}{ACCOUNT_PATH}#undo:{code}"}
    if template in one_time_tokens.TTL_HOURS:
        async with database.guard():
            code = await one_time_tokens.create(user.id, template, user.email)
        context |= {
            "hours": one_time_tokens.TTL_HOURS[template],
            "code": code,
            "link": f"{site}{ACCOUNT_PATH}#{template}:{code}",
        }
    return context
