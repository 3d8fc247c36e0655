"""Items of portfolios: one table per resource, generated from the descriptions."""

from typing import TYPE_CHECKING, Any

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from hubbub.core import ids
from hubbub.models.portfolio import generated
from hubbub.schemas.portfolio.resource import Resource
from hubbub.schemas.portfolio.resources import RESOURCES

if TYPE_CHECKING:
    from uuid import UUID

    from tortoise.backends.base.schema_generator import BaseSchemaGenerator

    from hubbub.models.users.users import User


class PortfolioItem(Model):
    """What the items of all resources have"""

    id = fields.UUIDField(primary_key=True, default=ids.uuid7)
    user: fields.ForeignKeyRelation["User"] = fields.ForeignKeyField("models.User", related_name=False)
    created_at = fields.DatetimeField()
    updated_at = fields.DatetimeField()
    deleted_at = fields.DatetimeField(null=True)  # restorable until it is removed by the schedule RETENTION
    if TYPE_CHECKING:
        user_id: UUID

    class Meta:
        abstract = True


class _DeletedIndex(Index):
    """The deleted items by time, for their removal."""

    def __init__(self, table: str) -> None:
        super().__init__(fields=("deleted_at",), name=f"idx_{table}_deleted")
        self.extra = " WHERE deleted_at IS NOT NULL"


class _SlugIndex(Index):
    """The slugs, each of which one item of a user has. Deleted items keep theirs without owning it."""

    def __init__(self, table: str) -> None:
        super().__init__(fields=("user_id", "slug"), name=f"uid_{table}_slug")
        self.extra = " WHERE deleted_at IS NULL"

    def get_sql(self, schema_generator: "BaseSchemaGenerator", model: type[Model], safe: bool) -> str:  # noqa: FBT001 - Tortoise's signature
        return (
            super().get_sql(schema_generator, model, safe).replace("CREATE INDEX", "CREATE UNIQUE INDEX", 1)
        )


def _model(resource: Resource) -> type[PortfolioItem]:
    indexes: list[Any] = [("user",), _DeletedIndex(resource.table)]
    if resource.slug_of is not None:
        indexes.append(_SlugIndex(resource.table))
    found: Any = generated.model(
        f"Portfolio{resource.name.title()}",
        PortfolioItem,
        resource.columns,
        table=resource.table,
        comment=f"An item of the resource {resource.name} of a portfolio",
        indexes=tuple(indexes),
    )
    return found  # type: ignore[no-any-return]


ITEM_MODELS: dict[str, type[PortfolioItem]] = {each.name: _model(each) for each in RESOURCES}  # by resource
__models__ = tuple(ITEM_MODELS.values())  # for Tortoise
