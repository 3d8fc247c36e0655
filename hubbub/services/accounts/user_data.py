"""The tables that hold data of a user: what an export shows of each, and what a deletion does with it.

`export.py` and `deletion.py` follow this list, in its order. A model with a key of a user that is not in the
list fails a test. `entries` has no model: its rows stay, the job of a deletion takes the name out of their
payloads, and their content is in the messages and memberships. The payloads of jobs name users, too: jobs are
deleted one day after they are done, and after HUBBUB_RETENTION_DAYS if they failed.
"""

from enum import Enum, auto
from typing import Any, NamedTuple
from uuid import UUID

from tortoise import Model
from tortoise.queryset import QuerySet

from hubbub import models
from hubbub.schemas.portfolio import profile
from hubbub.schemas.portfolio.resource import Resource
from hubbub.schemas.portfolio.resources import RESOURCES


class Deletion(Enum):
    """What the deletion of an account does with the rows of its user."""

    DELETE = auto()  # in the transaction of the deletion
    DELETE_BY_JOB = auto()  # in batches: there may be many rows
    END_BY_JOB = auto()  # in batches, by an operation that also publishes the end
    REMOVE_BY_JOB = auto()  # in batches, by an operation that also deletes the files
    ANONYMIZE = auto()  # the row stays, without what describes the user
    KEEP = auto()  # the row stays as it is, for a reason


class UserTable(NamedTuple):
    """One table. Either `export` names it in the export, or `not_exported` gives the reason."""

    model: type[Model]
    key: str  # the field with the user's id
    deletion: Deletion
    reason: str = ""  # why rows stay: for KEEP and ANONYMIZE
    export: str | None = None
    columns: tuple[str, ...] = ()  # of the export, without digests and internal keys
    json_columns: tuple[str, ...] = ()  # of these columns, those that contain JSON text
    not_exported: str = ""

    @property
    def table(self) -> str:
        """The name of the table in the database."""
        return str(self.model._meta.db_table)  # noqa: SLF001 - Tortoise has no public name for it

    def rows(self, user_id: UUID) -> QuerySet[Any]:
        """Return a query for the rows of a user."""
        return self.model.filter(**{self.key: user_id})


_DIGESTS = "It holds digests and secrets only."
_INTERNAL = "It holds the server's own bookkeeping only."


def _items(resource: Resource) -> UserTable:
    """Return the table of a resource of portfolios."""
    return UserTable(
        models.ITEM_MODELS[resource.name],
        "user_id",
        Deletion.DELETE_BY_JOB,
        export=resource.table,
        columns=("id", "created_at", "updated_at", "deleted_at", *(each.name for each in resource.columns)),
        json_columns=tuple(each.name for each in resource.columns if each.kind == "words"),
    )


USER_TABLES = (
    UserTable(
        models.User,
        "id",
        Deletion.ANONYMIZE,
        reason="The messages of the user stay, and refer to this row.",
        export="account",
        columns=(
            *("id", "username", "username_changed_at", "email", "display_name", "first_name", "last_name"),
            *("avatar_url", "bio", "location", "website_url", "metadata"),
            *("role", "email_verified_at", "last_seen_at", "created_at", "updated_at"),
        ),
        json_columns=("metadata",),
    ),
    UserTable(models.TwoFactor, "user_id", Deletion.DELETE, not_exported=_DIGESTS),
    UserTable(models.RecoveryCode, "user_id", Deletion.DELETE, not_exported=_DIGESTS),
    UserTable(models.MfaChallenge, "user_id", Deletion.DELETE, not_exported=_DIGESTS),
    UserTable(
        models.Preference,
        "user_id",
        Deletion.DELETE,
        export="preferences",
        columns=("id", "kind", "chosen", "updated_at"),
    ),
    UserTable(
        models.Session,
        "user_id",
        Deletion.DELETE,
        export="sessions",
        columns=(
            *("id", "device_name", "user_agent", "ip", "created_at", "last_seen_at", "expires_at"),
            *("revoked_at", "revoke_reason"),
        ),
    ),
    UserTable(models.OneTimeToken, "user_id", Deletion.DELETE, not_exported=_DIGESTS),
    UserTable(models.IdempotencyKey, "user_id", Deletion.DELETE, not_exported=_INTERNAL),
    UserTable(
        models.ApiKey,
        "user_id",
        Deletion.DELETE,
        export="api_keys",
        columns=("id", "name", "prefix", "scopes", "created_at", "last_used_at", "expires_at"),
    ),
    UserTable(
        models.Identity,
        "user_id",
        Deletion.DELETE,
        export="identities",
        columns=("id", "provider", "issuer", "subject", "email", "created_at", "last_used_at"),
    ),
    UserTable(models.OAuthHandoff, "user_id", Deletion.DELETE, not_exported=_DIGESTS),
    UserTable(models.Inbox, "user_id", Deletion.DELETE, not_exported=_INTERNAL),
    UserTable(
        models.Notification,
        "user_id",
        Deletion.DELETE_BY_JOB,
        export="notifications",
        columns=(
            *("id", "seq", "kind", "room_id", "message_id", "content", "read_at", "created_at"),
            "actor_id",
        ),
    ),
    UserTable(
        models.Notification,
        "actor_id",
        Deletion.KEEP,
        reason="It belongs to another user, and refers to the row without a name.",
        not_exported="Its content is in the messages and memberships.",
    ),
    UserTable(
        models.Announcement,
        "author_id",
        Deletion.KEEP,
        reason="It was sent to all accounts; the id refers to the row without a name.",
        not_exported="It is text of the operator.",
    ),
    UserTable(
        models.Membership,
        "user_id",
        Deletion.END_BY_JOB,
        export="memberships",
        columns=("id", "room_id", "role", "joined_at", "last_read_seq", "muted"),
    ),
    UserTable(
        models.Message,
        "sender_id",
        Deletion.KEEP,
        reason="Conversations stay readable; the sender is shown without a name.",
        export="messages",
        columns=(
            *("id", "room_id", "seq", "client_id", "body", "reply_to_id", "created_at", "edited_at"),
            *("deleted_at", "attachments"),
        ),
        json_columns=("attachments",),
    ),
    UserTable(
        models.Upload,
        "user_id",
        Deletion.REMOVE_BY_JOB,
        export="uploads",
        columns=("id", "kind", "name", "content_type", "size", "width", "height", "created_at"),
    ),
    UserTable(
        models.PortfolioProfile,
        "user_id",
        Deletion.DELETE,
        export="portfolio_profile",
        columns=("id", "updated_at", *(each.name for each in profile.COLUMNS)),
    ),
    *map(_items, RESOURCES),
    UserTable(models.PortfolioSearchEntry, "user_id", Deletion.DELETE_BY_JOB, not_exported=_INTERNAL),
    UserTable(  # before the reactions: the order of the locks in the deletion of a message
        models.Mention,
        "user_id",
        Deletion.DELETE_BY_JOB,
        export="mentions",
        columns=("id", "message_id", "room_id"),
    ),
    UserTable(
        models.Reaction,
        "user_id",
        Deletion.DELETE_BY_JOB,
        export="reactions",
        columns=("id", "message_id", "emoji", "created_at"),
    ),
    UserTable(
        models.Room,
        "created_by_id",
        Deletion.KEEP,
        reason="The room belongs to its members; the id refers to the row without a name.",
        not_exported="The rooms of a user are in the memberships.",
    ),
    UserTable(
        models.EpochClaim,
        "user_id",
        Deletion.KEEP,
        reason="It counts users that are ahead of a room, by id, and holds nothing else of them.",
        not_exported=_INTERNAL,
    ),
    UserTable(
        models.AuditRecord,
        "actor_id",
        Deletion.KEEP,
        reason="A record outlives the account; it is deleted after HUBBUB_AUDIT_DAYS.",
        export="audit_log",
        columns=(
            *("id", "at", "action", "outcome", "reason", "target_kind", "target_id", "ip", "user_agent"),
        ),
    ),
)


def exported() -> list[UserTable]:
    """Return the tables of an export, in its order."""
    return [each for each in USER_TABLES if each.export is not None]


def deleted(how: Deletion) -> list[UserTable]:
    """Return the tables that a deletion treats in this way, in its order."""
    return [each for each in USER_TABLES if each.deletion is how]
