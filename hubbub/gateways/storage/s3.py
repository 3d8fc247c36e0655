"""An S3-compatible storage."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import aiohttp

from hubbub.core.errors import StorageFull, Unavailable
from hubbub.gateways.storage import s3_client
from hubbub.gateways.storage.interface import (
    FAILED_WRITE_S,
    NOT_READ,
    NOT_STORED,
    RETRY_AFTER_MS,
    ObjectMissing,
    SignedUrl,
    Storage,
)
from hubbub.gateways.storage.s3_client import Bucket

log = logging.getLogger(__name__)

PART_BYTES = 8 << 20  # a larger file is uploaded in parts, each of which is in memory; S3's minimum is 5 MiB
MAX_TRANSFERS = 4  # at the same time, so that the parts need at most 32 MiB
CALL_TIMEOUT_S = 60.0  # of one call, with its repetitions
CHUNK_BYTES = 128 * 1024
MAX_DELETES = 8  # at the same time
SIGNED_URL_S = 300
_MISSING = ("NoSuchKey", "404", "NotFound")
_FULL = ("XMinioStorageFull", "XMinioAdminBucketQuotaExceeded", "QuotaExceeded", "InsufficientStorage", "507")
_FULL_STATUS = 507


class S3Storage(Storage):
    """Objects in a bucket."""

    def __init__(self, bucket: Bucket, spool_folder: Path) -> None:
        super().__init__()
        self.spool_folder = spool_folder
        self._bucket = bucket
        self._stack = AsyncExitStack()  # closes the client
        self._opening = asyncio.Lock()
        self._client: Any = None  # opened at the first call
        self._transfers = asyncio.Semaphore(MAX_TRANSFERS)

    async def _open(self) -> Any:  # noqa: ANN401 - generated at runtime
        async with self._opening:
            if self._client is None:
                self._client = await s3_client.open_client(self._bucket, self._stack)
        return self._client

    def _place(self, key: str) -> dict[str, str]:
        return {"Bucket": self._bucket.name, "Key": self._bucket.prefix + key}

    async def put(self, key: str, source: Path) -> None:
        async with self._transfers, self._calls("put", NOT_STORED) as client:
            file = await asyncio.to_thread(source.open, "rb")
            try:
                await self._put(client, key, file)
            finally:
                file.close()
        self.record_write()
        await asyncio.to_thread(source.unlink, missing_ok=True)

    async def _put(self, client: Any, key: str, file: BinaryIO) -> None:  # noqa: ANN401 - likewise
        part = await asyncio.to_thread(file.read, PART_BYTES)
        if len(part) < PART_BYTES:
            async with asyncio.timeout(CALL_TIMEOUT_S):
                await client.put_object(**self._place(key), Body=part)
            return
        async with asyncio.timeout(CALL_TIMEOUT_S):
            upload_id = (await client.create_multipart_upload(**self._place(key)))["UploadId"]
        try:
            await self._put_parts(client, key, upload_id, part, file)
        except BaseException:
            await self._abort(client, key, upload_id)
            raise

    async def _put_parts(
        self,
        client: Any,  # noqa: ANN401 - likewise
        key: str,
        upload_id: str,
        part: bytes,
        file: BinaryIO,
    ) -> None:
        parts: list[dict[str, object]] = []
        while part:
            number = len(parts) + 1
            async with asyncio.timeout(CALL_TIMEOUT_S):
                response = await client.upload_part(
                    **self._place(key), UploadId=upload_id, PartNumber=number, Body=part
                )
            parts.append({"ETag": response["ETag"], "PartNumber": number})
            part = await asyncio.to_thread(file.read, PART_BYTES)
        async with asyncio.timeout(CALL_TIMEOUT_S):
            await client.complete_multipart_upload(
                **self._place(key), UploadId=upload_id, MultipartUpload={"Parts": parts}
            )

    async def _abort(self, client: Any, key: str, upload_id: str) -> None:  # noqa: ANN401 - likewise
        """Remove the parts of an upload that failed. Otherwise the lifecycle rule of the bucket does it."""
        try:
            async with self._calls("abort", NOT_STORED), asyncio.timeout(s3_client.CONNECT_TIMEOUT_S):
                await client.abort_multipart_upload(**self._place(key), UploadId=upload_id)
        except (Unavailable, ObjectMissing):
            log.warning("the parts of a failed upload are left in the bucket")

    async def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        if end is not None and end <= start:
            return
        range_header = f"bytes={start}-{'' if end is None else end - 1}"
        async with self._calls("get", NOT_READ) as client:
            async with asyncio.timeout(CALL_TIMEOUT_S):
                response = await client.get_object(**self._place(key), Range=range_header)
            async with response["Body"] as body:
                async for chunk in body.iter_chunks(CHUNK_BYTES):
                    yield chunk

    async def delete(self, keys: Iterable[str]) -> None:
        slots = asyncio.Semaphore(MAX_DELETES)

        async def delete_one(client: Any, key: str) -> None:  # noqa: ANN401 - likewise
            async with slots, asyncio.timeout(CALL_TIMEOUT_S):
                await client.delete_object(**self._place(key))

        async with self._calls("delete", NOT_STORED) as client:
            results = await asyncio.gather(*(delete_one(client, key) for key in keys), return_exceptions=True)
            for result in results:
                if isinstance(result, BaseException):
                    raise result

    async def list_keys(self, before: datetime) -> AsyncIterator[list[str]]:
        options = {"Bucket": self._bucket.name, "Prefix": self._bucket.prefix}
        more: dict[str, str] = {}
        while True:
            async with self._calls("list", NOT_READ) as client, asyncio.timeout(CALL_TIMEOUT_S):
                page = await client.list_objects_v2(**options, **more)
            keys = [
                each["Key"].removeprefix(self._bucket.prefix)
                for each in page.get("Contents", ())
                if each["LastModified"] < before
            ]
            if keys:
                yield keys
            if not page.get("IsTruncated"):
                return
            more = {"ContinuationToken": page["NextContinuationToken"]}

    async def signed_url(self, key: str, response: SignedUrl, /) -> str | None:
        params = {
            **self._place(key),
            "ResponseContentType": response.content_type,
            "ResponseContentDisposition": response.disposition,
            "ResponseCacheControl": response.cache_control,
        }
        client = await self._open()
        url: str = await client.generate_presigned_url("get_object", Params=params, ExpiresIn=SIGNED_URL_S)
        return url

    async def check(self) -> None:
        async with self._calls("head", NOT_STORED) as client, asyncio.timeout(CALL_TIMEOUT_S):
            await client.head_bucket(Bucket=self._bucket.name)

    async def close(self) -> None:
        await self._stack.aclose()
        self._client = None

    @asynccontextmanager
    async def _calls(self, call: str, message: str) -> AsyncIterator[Any]:
        """Translate the errors of calls. Raises ObjectMissing, StorageFull, Unavailable."""
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - see s3_client

        try:
            yield await self._open()
        except ClientError as error:
            raise self._translate(call, message, error.response) from None
        except (BotoCoreError, aiohttp.ClientError, OSError, TimeoutError) as error:
            raise self._unavailable(call, message, type(error).__name__) from None

    def _translate(self, call: str, message: str, response: dict[str, Any]) -> Exception:
        code = str(response.get("Error", {}).get("Code", ""))
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        if code in _FULL or status == _FULL_STATUS:
            self._record("degraded", FAILED_WRITE_S)
            return StorageFull()
        if call != "head" and code in _MISSING:
            return ObjectMissing()
        return self._unavailable(call, message, f"{status} {code}")

    def _unavailable(self, call: str, message: str, reason: str) -> Unavailable:
        if message is NOT_STORED and call != "head":
            self._record("unavailable", FAILED_WRITE_S)
        log.warning("the storage of files is unavailable", extra={"call": call, "why": reason[:100]})
        return Unavailable(message, retry_after_ms=RETRY_AFTER_MS)
