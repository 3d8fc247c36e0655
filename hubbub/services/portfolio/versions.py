"""The version of a portfolio, with which each change begins."""

from uuid import UUID

from hubbub.core import clock
from hubbub.core.errors import NotFound
from hubbub.queries.portfolio import versions
from hubbub.services.context import UnitOfWork


async def touch(unit: UnitOfWork, user_id: UUID) -> int:
    """Lock the portfolio of a user until the transaction ends, and increment its version.

    Call it before anything else in the portfolio is read or written. Cached responses about it are removed
    after the commit. Raises NotFound for a deleted account.
    """
    version = await versions.touch(unit.tx, user_id, clock.now())
    if version is None:
        raise NotFound("User not found.")
    unit.invalidate(versions.tag_of(user_id))
    return version
