"""The storage that the settings name."""

from pathlib import Path
from urllib.parse import urlsplit

from hubbub.config import Settings, urls
from hubbub.gateways.storage import s3_client
from hubbub.gateways.storage.folder import SPOOL, FolderStorage
from hubbub.gateways.storage.interface import Storage
from hubbub.gateways.storage.s3 import S3Storage


def build(settings: Settings) -> Storage:
    """Return the storage of `HUBBUB_STORAGE_URL`. It connects at the first call."""
    if settings.storage_url.startswith("s3:"):
        return S3Storage(s3_client.bucket_of(settings), settings.data_dir.absolute() / SPOOL)
    return FolderStorage(folder_of(settings.storage_url))


def http_origins(settings: Settings) -> list[str]:
    """Return the origins without TLS from which browsers load files: of the CDN, and of an S3 storage.

    A storage may be addressed with the bucket before its host name.
    """
    urls = [settings.cdn_url] if settings.cdn_url is not None else []
    if settings.storage_url.startswith("s3:"):
        bucket = s3_client.bucket_of(settings)
        host = urlsplit(bucket.endpoint or "").netloc
        urls += [bucket.endpoint or "", f"{urlsplit(bucket.endpoint or '').scheme}://{bucket.name}.{host}"]
    origins = [f"{parts.scheme}://{parts.netloc}" for parts in map(urlsplit, urls) if parts.scheme == "http"]
    return list(dict.fromkeys(origins))


def folder_of(storage_url: str) -> Path:
    """Return the folder of a `file://` URL. A relative one is relative to the working directory."""
    return urls.file_path(storage_url).absolute()
