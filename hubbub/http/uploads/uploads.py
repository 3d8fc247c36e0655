"""/upload and /uploads: store files; list, get and delete uploads."""

from aiohttp import web

from hubbub.http.app_keys import container_of
from hubbub.http.request import context, no_content, ok, page, query
from hubbub.http.routes import PAGE_META, Routes
from hubbub.http.uploads.multipart import FILE_FIELD, MAX_FILES, SEVERAL_FIELD, MultipartReader
from hubbub.schemas.uploads import uploads as wire
from hubbub.services.uploads import checks, uploads
from hubbub.services.uploads.receiving import UploadRequest

routes = Routes()

_UNUSED = "An upload that nothing refers to is removed after 24 hours."


def upload_request(request: web.Request, kind: wire.Kind, *, several: bool = False) -> UploadRequest:
    """Return the files of a request. Raises UnsupportedMediaType, BadRequest."""
    settings = container_of(request).settings
    max_bytes = settings.max_image_bytes if kind in checks.IMAGE_KINDS else settings.max_upload_bytes
    field, max_files = (SEVERAL_FIELD, MAX_FILES) if several else (FILE_FIELD, 1)
    reader = MultipartReader(request, field, max_bytes * max_files)
    return UploadRequest(kind, reader.files(), field, max_files)


async def _store_one(request: web.Request, kind: wire.Kind) -> web.Response:
    (upload,) = await uploads.store(context(request), upload_request(request, kind))
    return ok(upload, 201, f"/api/v1/uploads/{upload.id}")


@routes.post(
    "/api/v1/upload/image",
    name="uploads.create_image",
    tag="uploads",
    summary="Upload an image",
    description=(
        "It is rotated upright, encoded again without metadata, and given thumbnails of 320, 960 and 1920 "
        f"pixels width, without enlarging it. {_UNUSED}"
    ),
    files=FILE_FIELD,
    response=wire.Upload,
    status=201,
)
async def create_image(request: web.Request) -> web.Response:
    return await _store_one(request, "image")


@routes.post(
    "/api/v1/upload/images",
    name="uploads.create_images",
    tag="uploads",
    summary="Upload several images",
    description=(
        f"At most {MAX_FILES}, all or none: `errors` names the rejected one by its position, as `files[2]`. "
        f"{_UNUSED}"
    ),
    files=SEVERAL_FIELD,
    response=list[wire.Upload],
    status=201,
)
async def create_images(request: web.Request) -> web.Response:
    return ok(await uploads.store(context(request), upload_request(request, "image", several=True)), 201)


@routes.post(
    "/api/v1/upload/document",
    name="uploads.create_document",
    tag="uploads",
    summary="Upload a document",
    description=f"The type follows from the content. Documents are sent for saving only. {_UNUSED}",
    files=FILE_FIELD,
    response=wire.Upload,
    status=201,
)
async def create_document(request: web.Request) -> web.Response:
    return await _store_one(request, "document")


@routes.post(
    "/api/v1/upload/avatar",
    name="uploads.create_avatar",
    tag="uploads",
    summary="Upload an image for an avatar",
    description=(
        "Only uploads it, with square thumbnails of 64, 256 and 512 pixels. An image of more than 1024 "
        f"pixels on a side is reduced. `POST /users/profile/avatar` sets one. {_UNUSED}"
    ),
    files=FILE_FIELD,
    response=wire.Upload,
    status=201,
)
async def create_avatar(request: web.Request) -> web.Response:
    return await _store_one(request, "avatar")


@routes.post(
    "/api/v1/upload/resume",
    name="uploads.create_resume",
    tag="uploads",
    summary="Upload a resume",
    description=f"A document of any permitted type. {_UNUSED}",
    files=FILE_FIELD,
    response=wire.Upload,
    status=201,
)
async def create_resume(request: web.Request) -> web.Response:
    return await _store_one(request, "resume")


@routes.get(
    "/api/v1/uploads",
    name="uploads.list",
    tag="uploads",
    summary="List the caller's uploads",
    description="Newest first by default. Each one has a signed URL, which works without a header.",
    query=wire.ListUploads,
    response=list[wire.OwnUpload],
    meta=PAGE_META,
)
async def list_uploads(request: web.Request) -> web.Response:
    params = query(request, wire.ListUploads)
    items, total = await uploads.list_uploads(context(request), params)
    return page(items, total, params)


@routes.get(
    "/api/v1/uploads/{upload_id}",
    name="uploads.get",
    tag="uploads",
    summary="Get an upload",
    description="One of the caller's own, with a signed URL.",
    query=wire.UploadRef,
    response=wire.OwnUpload,
)
async def get(request: web.Request) -> web.Response:
    return ok(await uploads.get(context(request), query(request, wire.UploadRef)))


@routes.delete(
    "/api/v1/uploads/{upload_id}",
    name="uploads.delete",
    tag="uploads",
    summary="Delete an upload",
    description=(
        "Its URLs stop working at once, except at a CDN and at the storage, for as long as these have it in "
        "their cache. 409 names what refers to the upload."
    ),
    query=wire.UploadRef,
    errors=("conflict",),
)
async def delete(request: web.Request) -> web.Response:
    await uploads.delete(context(request), query(request, wire.UploadRef))
    return no_content()
