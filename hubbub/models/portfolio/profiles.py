"""The profile of a portfolio, whose row is the lock of the whole portfolio."""

from typing import TYPE_CHECKING

from tortoise import fields
from tortoise.models import Model

from hubbub.models.portfolio import generated
from hubbub.schemas.portfolio.profile import COLUMNS

if TYPE_CHECKING:
    from uuid import UUID

    from hubbub.models.users.users import User


class _ProfileBase(Model):
    id = fields.BigIntField(primary_key=True)
    user: fields.OneToOneRelation["User"] = fields.OneToOneField(
        "models.User", related_name="portfolio_profile"
    )
    version = fields.BigIntField(default=0, db_default=0)  # incremented by each change that the public sees
    updated_at = fields.DatetimeField()
    if TYPE_CHECKING:
        user_id: UUID

    class Meta:
        abstract = True


PortfolioProfile = generated.model(
    "PortfolioProfile",
    _ProfileBase,
    COLUMNS,
    table="portfolio_profiles",
    comment="The profile of a portfolio. Its row is locked first by each change of the portfolio",
)
