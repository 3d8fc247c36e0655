"""The search index of portfolios: one row per item, with its words in a column or table of the database."""

from typing import TYPE_CHECKING

from tortoise import fields
from tortoise.models import Model

if TYPE_CHECKING:
    from uuid import UUID

    from hubbub.models.users.users import User


class PortfolioSearchEntry(Model):
    """An item in the search index of portfolios. Migration 21 defines where its words are"""

    id = fields.BigIntField(primary_key=True)  # the rowid of FTS5
    user: fields.ForeignKeyRelation["User"] = fields.ForeignKeyField("models.User", related_name=False)
    item_id = fields.UUIDField(unique=True)
    if TYPE_CHECKING:
        user_id: UUID

    class Meta:
        table = "portfolio_search"
        indexes = (("user",),)
