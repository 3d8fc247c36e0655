"""The profile of a portfolio: what it says of its user, and which parts the public sees."""

from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import UNSET, Meta

from hubbub.schemas.base import Command, View
from hubbub.schemas.portfolio import columns
from hubbub.schemas.portfolio.columns import Column
from hubbub.schemas.portfolio.fields import COLOR, FILE_URL, markdown, single_line, web_url
from hubbub.schemas.portfolio.resources import RESOURCES

Theme = Literal["system", "light", "dark"]
MAX_PORTFOLIO_URL_CHARS = 200


class _Fields(Command):
    """Those that do not depend on the resources."""

    is_normalized: ClassVar[bool] = True

    bio: Annotated[str, markdown(2000), Meta(description="In Markdown.")] | None = None
    resume_url: Annotated[str, FILE_URL, Meta(description="A document.")] | None = None
    location: Annotated[str, single_line(100), Meta(description="Where the user lives.")] | None = None
    available_for_hire: Annotated[bool, Meta(description="Whether the user looks for work.")] | None = False
    portfolio_url: (
        Annotated[
            str,
            web_url(MAX_PORTFOLIO_URL_CHARS),
            Meta(description="Another portfolio of the user."),
        ]
        | None
    ) = None
    theme: Annotated[Theme, Meta(description="Of the public pages.")] | None = "system"
    accent: Annotated[str, COLOR, Meta(description="Color of the public pages.")] | None = None
    is_public: Annotated[bool, Meta(description="Whether the public sees the portfolio.")] | None = False


_SWITCH = columns.with_null(columns.described(bool, "Whether the public sees this part."))
ProfileFields: Any = msgspec.defstruct(
    "ProfileFields",
    [(resource.switch, _SWITCH, True) for resource in RESOURCES],
    bases=(_Fields,),
    frozen=True,
    kw_only=True,
    module=__name__,
    namespace={"__doc__": "The fields of a profile. A field that is left out or null has its default."},
)
FIELDS = msgspec.structs.fields(ProfileFields)
COLUMNS: tuple[Column, ...] = tuple(columns.of_field(field, assigned=False) for field in FIELDS)
RESUME_REFERENCE = "resume"  # the kind of the reference to the upload in `resume_url`

_NEW_AVATAR = Annotated[
    str, FILE_URL, Meta(description="An image. It becomes `avatar_url` of the user. Null removes it.")
]
UpdateProfile: Any = msgspec.defstruct(
    "UpdatePortfolioProfile",
    [
        ("avatar", columns.with_unset(columns.with_null(_NEW_AVATAR)), UNSET),
        *((field.name, columns.with_unset(field.type), UNSET) for field in FIELDS),
    ],
    bases=(Command,),
    frozen=True,
    kw_only=True,
    module=__name__,
    namespace={
        "__doc__": "A missing field is unchanged; null is the default.",
        "is_normalized": True,
    },
)
_AVATAR = columns.described(str, "The same as `avatar_url` of the user. Null if there is no picture.")
Profile: Any = msgspec.defstruct(
    "PortfolioProfile",
    [
        ("avatar", columns.with_null(_AVATAR)),
        *(
            (field.name, columns.of_view(field, column))
            for field, column in zip(FIELDS, COLUMNS, strict=True)
        ),
    ],
    bases=(View,),
    frozen=True,
    kw_only=True,
    module=__name__,
    namespace={"__doc__": "The profile of a portfolio."},
)
