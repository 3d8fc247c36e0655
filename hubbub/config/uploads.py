"""Settings of uploads: sizes, permitted types, the storage and the virus scanner."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, PlainValidator, ValidationInfo

from hubbub.config import urls
from hubbub.config.fields import optional, setting
from hubbub.config.parsers import split_list

IMAGE_TYPES = ("png", "jpeg", "webp", "gif", "avif")
DOCUMENT_TYPES = ("pdf", "docx", "xlsx", "pptx", "odt", "txt", "md", "csv")


def _types(value: object, known: tuple[str, ...]) -> tuple[str, ...]:
    found = split_list(value.lower() if isinstance(value, str) else value)
    if unknown := [name for name in found if name not in known]:
        raise ValueError(
            f"names a type that is not supported: {unknown[0][:20]!a}; known: {', '.join(known)}"
        )
    return found


def image_types(value: object) -> tuple[str, ...]:
    """Parse the permitted types of images."""
    return _types(value, IMAGE_TYPES)


def document_types(value: object) -> tuple[str, ...]:
    """Parse the permitted types of documents."""
    return _types(value, DOCUMENT_TYPES)


def clamd_url(value: object) -> str | None:
    """Validate `tcp://host:port` or `unix:///path`."""
    if value is None:
        return None
    text, message = str(value).strip(), "must be tcp://host:port or unix:///path of a socket"
    parts = urlsplit(text)
    if parts.scheme == "unix" and not parts.netloc and parts.path.strip("/") and "?" not in text:
        return text
    if parts.scheme != "tcp":
        raise ValueError(message)
    url = urls.parse(text, ("tcp",), "tcp://host:3310")
    if len(url.servers) != 1 or url.servers[0].port is None or url.parts.path.strip("/") or "?" in text:
        raise ValueError(message)
    return text


def require_s3_keys(value: str | None, info: ValidationInfo) -> str | None:
    """Require both keys with an `s3://` storage."""
    uses_s3 = str(info.data.get("storage_url", "")).startswith("s3:")
    if uses_s3 and not (value and info.data.get("s3_access_key_id")):
        raise ValueError("is required for an s3:// storage, together with HUBBUB_S3_ACCESS_KEY_ID")
    return value


Size = Annotated[int, Field(ge=1024, le=1 << 40)]
Count = Annotated[int, Field(ge=1, le=1_000_000_000)]
Frames = Annotated[int, Field(ge=1, le=10_000)]
Storage = Annotated[str, PlainValidator(urls.storage)]
Cdn = Annotated[str | None, PlainValidator(urls.site)]
ImageTypes = Annotated[tuple[str, ...], PlainValidator(image_types)]
DocumentTypes = Annotated[tuple[str, ...], PlainValidator(document_types)]
S3Secret = Annotated[str | None, AfterValidator(require_s3_keys)]
Clamd = Annotated[str | None, PlainValidator(clamd_url)]

MAX_UPLOAD_BYTES_SETTING = setting(26_214_400, "Maximum size of a document.", section="Uploads and e-mail")
MAX_IMAGE_BYTES_SETTING = setting(10_485_760, "Maximum size of an image as it is uploaded.")
UPLOAD_QUOTA_SETTING = setting(1_073_741_824, "Total size of the uploads of a user.")
MAX_PIXELS_SETTING = setting(50_000_000, "Maximum pixels of an image, checked before it is decoded.")
MAX_FRAMES_SETTING = setting(
    300, "Maximum frames of an animated image. All frames together have at most twice the pixels."
)
IMAGE_TYPES_SETTING = setting(IMAGE_TYPES, "Types of images that are accepted.")
DOCUMENT_TYPES_SETTING = setting(DOCUMENT_TYPES, "Types of documents that are accepted.")
STORAGE_SETTING = setting(
    lambda data: urls.file_url("file", (data["data_dir"] / "uploads").absolute()),
    "Storage of uploads: `file://` and a directory, or `s3://bucket/prefix` with the parameters `region`, "
    "`endpoint` and `path_style=true`.",
    default_text="`uploads` in the data directory",
    sample="file:///srv/hubbub/uploads",
)
S3_KEY_ID_SETTING = optional(
    "Access key of the `s3://` storage. Variables of AWS are not read.",
    "AKIAEXAMPLE",
    secret=True,
    repr=False,
)
S3_SECRET_SETTING = optional("Secret key of the `s3://` storage.", "example", secret=True, repr=False)
CDN_SETTING = optional("Base URL of public files, if a CDN serves them.", "https://cdn.example")
CLAMD_SETTING = optional(
    "Virus scanner of uploads: `tcp://host:port` or `unix:///path` of a clamd. While it is unavailable, no "
    "file is accepted.",
    "tcp://127.0.0.1:3310",
)
