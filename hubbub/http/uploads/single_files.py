"""Files of which a user has one: routes that upload one in place of the former, and that remove it."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from aiohttp import web

from hubbub.http.request import context, no_content, ok
from hubbub.http.routes import Routes
from hubbub.http.uploads.multipart import FILE_FIELD
from hubbub.http.uploads.uploads import upload_request
from hubbub.schemas.uploads import uploads as wire
from hubbub.services.context import Context
from hubbub.services.uploads.receiving import UploadRequest


class Description(NamedTuple):
    """What the API document says about one of the two routes."""

    name: str
    summary: str
    description: str


class SingleFile(NamedTuple):
    """A file of which a user has one, such as the avatar."""

    path: str  # of both routes
    tag: str
    kind: wire.Kind
    store: Callable[[Context, UploadRequest], Awaitable[wire.Upload]]
    remove: Callable[[Context], Awaitable[None]]
    set_description: Description
    remove_description: Description


def register(routes: Routes, file: SingleFile) -> None:
    """Add `POST`, which takes multipart like `/upload/{kind}`, and `DELETE`."""

    @routes.post(
        file.path,
        **file.set_description._asdict(),
        tag=file.tag,
        files=FILE_FIELD,
        response=wire.Upload,
        status=201,
    )
    async def set_file(request: web.Request) -> web.Response:
        upload = await file.store(context(request), upload_request(request, file.kind))
        return ok(upload, 201, f"/api/v1/uploads/{upload.id}")

    @routes.delete(file.path, **file.remove_description._asdict(), tag=file.tag)
    async def remove_file(request: web.Request) -> web.Response:
        await file.remove(context(request))
        return no_content()
