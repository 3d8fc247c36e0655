"""Recovery codes: replace a code of the authenticator app, once each. Only their digests are stored.

They are not rate-limited, because they can't be guessed.
"""

from collections.abc import Iterable
from uuid import UUID

from hubbub import models
from hubbub.core import otp
from hubbub.core.request_info import RequestInfo
from hubbub.db.sql import Sql
from hubbub.queries.audit import audit_log
from hubbub.queries.audit.audit_log import Action, AuditEvent, Target
from hubbub.services.mail import mailer


async def generate(user_id: UUID) -> list[str]:
    """Generate new recovery codes, which replace the earlier ones."""
    codes = otp.generate_recovery_codes()
    await delete_all(user_id)
    await restore(user_id, [otp.recovery_digest(user_id, code) for code in codes])
    return codes


async def consume(tx: Sql, user_id: UUID, code: str, request_info: RequestInfo) -> bool:
    """Use a recovery code, record it and notify the user; return False if there is no such code."""
    own = models.RecoveryCode.filter(user_id=user_id)
    if not await own.filter(digest=otp.recovery_digest(user_id, code)).delete():
        return False
    codes_left = await own.count()
    await mailer.enqueue(tx, "recovery_code_used", user_id, left=str(codes_left))
    target = Target("user", user_id)
    await audit_log.record(
        tx, AuditEvent(Action.USE_RECOVERY_CODE, request_info, target, actor_id=user_id), left=codes_left
    )
    return True


async def count(user_id: UUID) -> int:
    """Return the number of unused recovery codes."""
    return await models.RecoveryCode.filter(user_id=user_id).count()


async def digests(user_id: UUID) -> list[str]:
    """Return the digests of the unused recovery codes, for `restore`."""
    own = models.RecoveryCode.filter(user_id=user_id).order_by("id")
    return list(await own.values_list("digest", flat=True))  # type: ignore[arg-type]


async def restore(user_id: UUID, code_digests: Iterable[str]) -> None:
    """Store recovery codes by their digests."""
    await models.RecoveryCode.bulk_create(
        models.RecoveryCode(user_id=user_id, digest=digest) for digest in code_digests
    )


async def delete_all(user_id: UUID) -> None:
    """Delete all recovery codes of a user."""
    await models.RecoveryCode.filter(user_id=user_id).delete()
