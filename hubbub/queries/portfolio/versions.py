"""The version of a portfolio, which each change of what the public sees increments, and the lock with it."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from hubbub.db.locking import lock_condition, row_lock
from hubbub.db.sql import Sql, as_uuid, in_clause

TAG_PREFIX = "portfolio:"  # of the tags of cached responses
# The row of the user is locked before that of the profile (`db/locking.py`), as the insert of an item would
# lock it: a long import delays other changes of the portfolio, but none of the account.
_TOUCH = (
    "WITH owner AS (SELECT id FROM users WHERE id = $1 AND deleted_at IS NULL {locking}) "
    "INSERT INTO portfolio_profiles (user_id, version, updated_at) SELECT id, 1, $2 FROM owner WHERE true "
    "ON CONFLICT (user_id) DO UPDATE SET version = portfolio_profiles.version + 1 RETURNING version"
)


async def touch(tx: Sql, user_id: UUID, at: datetime) -> int | None:
    """Lock a portfolio and increment its version; the profile is created if there is none.

    Each write of a portfolio begins with it, so that the changes of one portfolio have an order. Returns the
    version; None if the account does not exist or is deleted.
    """
    statement = _TOUCH.format(locking=row_lock(tx, "FOR KEY SHARE"))
    rows = await tx.fetch(statement, user_id, at)
    return int(rows[0]["version"]) if rows else None


async def lock(tx: Sql, user_id: UUID) -> bool:
    """Lock the portfolio of a user with a locked row; return whether there is one.

    Call it before uploads are locked. A change that touches no row of the user need not lock that row.
    """
    lock = row_lock(tx, "FOR NO KEY UPDATE")
    rows = await tx.fetch(f"SELECT id FROM portfolio_profiles WHERE user_id = $1 {lock}", user_id)
    return bool(rows)


async def bump(tx: Sql, user_ids: Iterable[UUID]) -> list[UUID]:
    """Increment the versions of the portfolios that these users have, because their accounts changed.

    Call it after the rows of the users were locked or changed. Returns the users with a portfolio.
    """
    where, ids = in_clause(tx, user_ids)
    condition = lock_condition(tx, "portfolio_profiles", f"user_id {where}")
    rows = await tx.fetch(
        f"UPDATE portfolio_profiles SET version = version + 1 WHERE id {condition} RETURNING user_id", ids
    )
    return [as_uuid(row["user_id"]) for row in rows]


def tag_of(user_id: UUID) -> str:
    """Return the tag of the cached responses about a user's portfolio."""
    return f"{TAG_PREFIX}{user_id.hex}"


def user_id_of(tag: str) -> UUID:
    """Return the user of a tag of `tag_of`."""
    return UUID(hex=tag.removeprefix(TAG_PREFIX))


async def load(sql: Sql, user_id: UUID) -> int:
    """Return the version of a portfolio; 0 if it has never been changed."""
    rows = await sql.fetch("SELECT version FROM portfolio_profiles WHERE user_id = $1", user_id)
    return int(rows[0]["version"]) if rows else 0
