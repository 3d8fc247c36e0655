"""/portfolio/profile: the profile of the caller's portfolio, with avatar and résumé."""

from aiohttp import web

from hubbub.http.entity_tags import expected
from hubbub.http.portfolio.items import PREFIX, TAG, unless_known, with_tag
from hubbub.http.request import context, read
from hubbub.http.routes import Routes
from hubbub.http.uploads.single_files import Description, SingleFile, register
from hubbub.schemas.portfolio import profile as wire
from hubbub.services.portfolio import profile as profile_operations
from hubbub.services.uploads import avatars

routes = Routes()

_PATH = f"{PREFIX}/profile"


@routes.get(
    _PATH,
    name="portfolio_profile.get",
    tag=TAG,
    summary="Get the profile of the caller's portfolio",
    description="With the defaults if it was never changed. The response has an `ETag`.",
    response=wire.Profile,
    has_etag=True,
)
async def get(request: web.Request) -> web.Response:
    return unless_known(request, await profile_operations.get(context(request)))


@routes.patch(
    _PATH,
    name="portfolio_profile.update",
    tag=TAG,
    summary="Update the profile of the caller's portfolio",
    description=(
        "Fields that are left out keep their value; null is the default. `avatar` and `resume_url` are the "
        "URL of an own upload, which is kept while it is referenced, or any URL with https. With `If-Match` "
        "the profile is changed only if it has this `ETag`."
    ),
    body=wire.UpdateProfile,
    response=wire.Profile,
    has_etag=True,
    errors=("precondition_failed",),
)
async def update(request: web.Request) -> web.Response:
    command = await read(request, wire.UpdateProfile)
    return with_tag(await profile_operations.update(context(request), command, expected(request)))


AVATAR = SingleFile(
    f"{_PATH}/avatar",
    TAG,
    "avatar",
    avatars.set_avatar,
    avatars.remove_avatar,
    Description(
        "portfolio_profile.set_avatar",
        "Upload an image and make it the caller's avatar",
        "The same as `/users/profile/avatar`: a user has one avatar, here `avatar`.",
    ),
    Description(
        "portfolio_profile.remove_avatar",
        "Remove the caller's avatar",
        "The same as `/users/profile/avatar`. Without an avatar nothing happens.",
    ),
)
RESUME = SingleFile(
    f"{_PATH}/resume",
    TAG,
    "resume",
    profile_operations.set_resume,
    profile_operations.remove_resume,
    Description(
        "portfolio_profile.set_resume",
        "Upload a document and make it the résumé of the caller's portfolio",
        "Replaces the résumé before. `resume_url` becomes the URL of the upload, which is public while the "
        "portfolio is.",
    ),
    Description(
        "portfolio_profile.remove_resume",
        "Remove the résumé of the caller's portfolio",
        "The file is no longer public. Without a résumé nothing happens.",
    ),
)
for _each in (AVATAR, RESUME):
    register(routes, _each)
