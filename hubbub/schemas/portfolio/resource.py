"""The description of a resource of portfolios, from which types, tables, SQL and routes are derived."""

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, ClassVar, NamedTuple, TypeVar
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta

from hubbub.schemas.base import Command, View
from hubbub.schemas.pagination import MAX_SORT_CHARS, ListQuery, sort_rules
from hubbub.schemas.portfolio import columns
from hubbub.schemas.portfolio.columns import Column

T = TypeVar("T", bound=msgspec.Struct)

MAX_ITEMS = 500  # of a resource and a user
MAX_CONTENT_BODY_BYTES = 1 << 20  # of a body with `content`
ALWAYS_SORTABLE = ("created_at", "updated_at")
NAMES = ("title", "name")  # of an item; `sort` accepts them
ITEM_ID, ID_OR_SLUG = "item_id", "id_or_slug"  # parameters of paths
ASSIGNED = ("order", "slug")  # fields that get a value if they are left out


class Item(Command):
    """The fields of a new item: the body of POST."""

    is_normalized: ClassVar[bool] = True


ItemId = Annotated[UUID, Meta(description="An item of the caller.")]
IdOrSlug = Annotated[str, Meta(max_length=200), Meta(description="An item of the caller, by one of the two.")]


class ItemRef(Command):
    item_id: ItemId


class SlugRef(Command):
    id_or_slug: IdOrSlug


class Relation(NamedTuple):
    """Items of another resource that items may refer to, such as the company of an experience."""

    resource: str  # the name of the other one
    key: str  # the field with its id
    text: str  # the field with its name as text, which stays when the other item is deleted
    name: str  # the field with the name in the other resource
    field: str  # the field of the view with the other item
    view: type[View]  # what it shows of it


@dataclass(frozen=True, eq=False)
class Resource:
    """A resource: what its items consist of and how they are listed. Everything else is derived."""

    name: str  # in URLs, exports, tables and references to uploads: plural, at most 16 characters
    noun: str  # one item, in texts
    item: type[Item]  # `New…`: the fields of an item
    default_order: tuple[str, ...]  # as in `sort`
    filters: tuple[str, ...] = ()  # fields that a list can be filtered by
    searched: tuple[str, ...] = ()  # fields in which `q` finds words
    hidden_unless: str | None = None  # the public sees only items for which this field is true
    period: tuple[str, str] | None = None  # the fields with a start and an end
    open_period: str | None = None  # the field that says that a period has no end yet
    slug_of: str | None = None  # the field from which `slug` is generated
    excerpt_of: str | None = None  # the field from which `excerpt` is generated
    grouped_by: str | None = None  # the field by whose values a list can be grouped
    relation: Relation | None = None  # the other resource that items may refer to

    @property
    def type_name(self) -> str:
        """The name of an item in types, such as `Project`."""
        return self.item.__name__.removeprefix("New")

    @property
    def table(self) -> str:
        """The name of the table."""
        return f"portfolio_{self.name}"

    @property
    def key_field(self) -> str:
        """The parameter of paths that names an item: its id, or also its slug."""
        return ITEM_ID if self.slug_of is None else ID_OR_SLUG

    @property
    def switch(self) -> str:
        """The field of the profile that shows the resource to the public."""
        return f"show_{self.name}"

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The columns of the fields, without those that all items have; the server's own ones last."""
        found = [
            columns.of_field(field, assigned=field.name in ASSIGNED)
            for field in msgspec.structs.fields(self.item)
        ]
        if self.is_published:
            found.append(Column("published_at", "time"))
        return tuple(found)

    @cached_property
    def column(self) -> dict[str, Column]:
        """The columns by name, with `created_at` and `updated_at`."""
        times = (Column(name, "time", nullable=False) for name in ALWAYS_SORTABLE)
        return {each.name: each for each in (*self.columns, *times)}

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of the fields that clients write."""
        return self.item.__struct_fields__

    @property
    def is_ordered(self) -> bool:
        """Whether users arrange the items."""
        return "order" in self.fields

    @property
    def is_published(self) -> bool:
        """Whether items are published by users, and have the time of it."""
        return self.hidden_unless == "published"

    @property
    def upload_fields(self) -> tuple[str, ...]:
        """The fields that may refer to uploads."""
        return tuple(each.name for each in self.columns if each.is_upload)

    @cached_property
    def sortable(self) -> tuple[str, ...]:
        """The names that `sort` accepts."""
        ordered = (name.removeprefix("-") for name in self.default_order)
        named = (name for name in NAMES if name in self.fields)
        return tuple(dict.fromkeys([*ordered, *ALWAYS_SORTABLE, *named]))

    @cached_property
    def update(self) -> type[Command]:
        """The body of PATCH: a missing field is unchanged, null is as if it was left out at the creation."""
        fields = [
            (field.name, columns.with_unset(field.type), UNSET) for field in msgspec.structs.fields(self.item)
        ]
        key = (self.key_field, ItemId if self.slug_of is None else IdOrSlug)
        return self._command(f"Update{self.type_name}", [key, *fields])

    @cached_property
    def create(self) -> type[Item]:
        """The body of POST."""
        return self.item

    @cached_property
    def view(self) -> type[View]:
        """An item in responses."""
        written = {field.name: field for field in msgspec.structs.fields(self.item)}
        fields: list[tuple[str, Any]] = [
            ("id", columns.described(UUID, "Generated by the server. Sorts by time.")),
            ("created_at", columns.described(str, "RFC 3339, UTC.")),
            ("updated_at", columns.described(str, "Time of the last change, RFC 3339, UTC.")),
        ]
        for column in self.columns:
            field = written.get(column.name)
            fields.append((column.name, columns.of_view(field, column) if field else _PUBLISHED_AT))
        if self.relation is not None:
            fields.append((self.relation.field, columns.with_null(self.relation.view)))
        return _struct(self.type_name, fields, View, self._doc("One"))

    @cached_property
    def list_query(self) -> type[ListQuery]:
        """The query of a list."""
        described = Meta(description=f"`{','.join(self.default_order)}` if it is left out.")
        sort = Annotated[
            str, Meta(min_length=1, max_length=MAX_SORT_CHARS, **sort_rules(*self.sortable)), described
        ]
        words = Annotated[
            str, Meta(max_length=200), Meta(description=f"Words in {_enumerate(self.searched)}.")
        ]
        fields: list[Any] = [
            ("query", columns.with_null(words), None),
            ("sort", columns.with_null(sort), None),
            *((name, self._filter_type(name), None) for name in self.filters),
            ("deleted", columns.described(bool, "Only deleted items, instead of the others."), False),
        ]
        if self.grouped_by is not None:
            grouped = columns.described(bool, f"An object with the items of each {self.grouped_by}.")
            fields.append(("grouped", grouped, False))
        return _struct(f"List{self.type_name}s", fields, ListQuery, self._doc("A page of"))

    @property
    def _types(self) -> dict[str, Any]:
        return {field.name: field.type for field in msgspec.structs.fields(self.item)}

    def _filter_type(self, name: str) -> Any:  # noqa: ANN401 - a type
        column = self.column[name]
        if column.kind == "words":
            each_word = Meta(description="Only items with each of these words, separated by commas.")
            kind: Any = Annotated[str, Meta(max_length=500), each_word]
        elif column.choices or column.kind != "line":
            kind = columns.without_null(self._types[name])
        else:
            kind = Annotated[str, Meta(max_length=200), Meta(description="Only items with this value.")]
        return columns.with_null(kind)

    def _doc(self, start: str) -> str:
        return f"{start} {self.noun}."

    def _command(self, name: str, fields: list[Any]) -> type[Command]:
        return _struct(
            name,
            fields,
            Command,
            f"Changes of a {self.noun}.",
            is_normalized=True,
            max_body_bytes=self.item.max_body_bytes,
        )


_PUBLISHED_AT = columns.with_null(
    columns.described(str, "Time of the first publication, RFC 3339, UTC. It does not change.")
)


def _struct(name: str, fields: list[Any], base: type[T], doc: str, **attributes: object) -> type[T]:
    """Return a frozen struct. Its fields have the names, types and defaults of `fields`."""
    kind: Any = msgspec.defstruct(
        name,
        fields,
        bases=(base,),
        frozen=True,
        kw_only=True,
        module=__name__,
        namespace={"__doc__": doc, **attributes},
    )
    return kind  # type: ignore[no-any-return]


def _enumerate(names: tuple[str, ...]) -> str:
    return ", ".join(names[:-1]) + " and " + names[-1] if len(names) > 1 else "".join(names)
