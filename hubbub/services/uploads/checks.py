"""Checks received files, and makes of each what is stored: the file itself and its thumbnails."""

import asyncio
from typing import NamedTuple

from hubbub.core.errors import InvalidPayload, TooLarge, UnsupportedContent
from hubbub.core.files import documents, names
from hubbub.core.files.images import PLANS, Converted
from hubbub.core.files.types import Damaged, FileType, TooComplex, UnsupportedType
from hubbub.gateways.clamd import Infected
from hubbub.services.context import Container
from hubbub.services.uploads import spool
from hubbub.services.uploads.spool import LocalFile, Spool

IMAGE_KINDS = ("image", "avatar")
THUMBNAIL_TYPE = "image/webp"


class PreparedFile(NamedTuple):
    """A file to be stored."""

    name: str  # in the URL
    content_type: str
    local: LocalFile
    thumbnail_width: int | None = None  # pixels; None for the file itself


class PreparedUpload(NamedTuple):
    """An upload to be stored. The first one of its files is the file itself."""

    kind: str
    name: str
    files: list[PreparedFile]
    width: int | None = None  # pixels
    height: int | None = None

    @property
    def size(self) -> int:
        """Bytes of the file itself."""
        return self.files[0].local.size


async def prepare(
    container: Container, kind: str, name: str, received: LocalFile, files: Spool
) -> PreparedUpload:
    """Check a received file and convert it, if it is an image.

    Raises UnsupportedContent, InvalidPayload, TooLarge, StorageFull, Unavailable.
    """
    try:
        await _scan(container, received)
        if kind in IMAGE_KINDS:
            return await _prepare_image(container, kind, name, received, files)
        return await _prepare_document(container, kind, name, received)
    except UnsupportedType as error:
        raise UnsupportedContent(str(error)) from None
    except Damaged as error:
        raise InvalidPayload(str(error)) from None
    except TooComplex as error:
        raise TooLarge(str(error)) from None
    except Infected:
        raise InvalidPayload("The file contains malware.") from None
    except OSError as error:
        raise container.storage.write_error(error) from None


async def _scan(container: Container, received: LocalFile) -> None:
    if container.malware_scanner is not None:
        await container.malware_scanner.scan(received.path)


async def _prepare_document(
    container: Container, kind: str, name: str, received: LocalFile
) -> PreparedUpload:
    permitted = container.settings.document_types
    found = await asyncio.to_thread(documents.identify, received.path, name, permitted)
    return PreparedUpload(kind, name, [PreparedFile(name, found.media_type, received)])


async def _prepare_image(
    container: Container, kind: str, name: str, received: LocalFile, files: Spool
) -> PreparedUpload:
    header = await container.image_pool.read_header(received.path)
    plan = PLANS[kind]
    converted = await container.image_pool.convert(received.path, header, plan, files.new_path)
    prepared = await asyncio.to_thread(_measure, converted, name, header.file_type)
    return PreparedUpload(kind, name, prepared, converted.main.width, converted.main.height)


def _measure(converted: Converted, name: str, file_type: FileType) -> list[PreparedFile]:
    main = PreparedFile(name, file_type.media_type, spool.measure(converted.main.path))
    return [
        main,
        *(
            PreparedFile(
                names.thumbnail_name(each.width), THUMBNAIL_TYPE, spool.measure(each.path), each.width
            )
            for each in converted.thumbnails
        ),
    ]
