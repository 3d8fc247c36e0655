"""The client of an S3-compatible storage: aiobotocore, configured by the settings of hubbub alone."""

import os
import ssl
from contextlib import AsyncExitStack
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from hubbub.config import Settings

CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 15.0  # without a byte of the response
MAX_ATTEMPTS = 3
MAX_CONNECTIONS = 20
DEFAULT_REGION = "us-east-1"


class Bucket(NamedTuple):
    """The place of the objects, and the keys to it."""

    name: str
    prefix: str  # empty, or ends with a slash
    region: str
    endpoint: str | None
    path_style: bool
    access_key_id: str
    secret_access_key: str


def bucket_of(settings: Settings) -> Bucket:
    """Return the bucket of `HUBBUB_STORAGE_URL`."""
    url = urlsplit(settings.storage_url)
    options = {name: values[0] for name, values in parse_qs(url.query).items()}
    prefix = url.path.strip("/")
    return Bucket(
        name=url.netloc,
        prefix=f"{prefix}/" if prefix else "",
        region=options.get("region", DEFAULT_REGION),
        endpoint=options.get("endpoint"),
        path_style=options.get("path_style", "false").lower() == "true",
        access_key_id=settings.s3_access_key_id or "",
        secret_access_key=settings.s3_secret_access_key or "",
    )


async def open_client(bucket: Bucket, stack: AsyncExitStack) -> Any:  # noqa: ANN401 - generated at runtime
    """Open a client, until `stack` closes. It connects at the first call.

    The library is imported here, because only deployments with S3 use it.
    """
    from aiobotocore.config import AioConfig  # noqa: PLC0415
    from aiobotocore.session import AioSession  # noqa: PLC0415
    from botocore.handlers import add_expect_header  # noqa: PLC0415

    session = AioSession()
    # aiohttp stops the read timeout at an interim response after the body, for example at a second 100.
    session.unregister("before-call.s3", add_expect_header)
    session.register_component("config_store", _without_environment())
    config = AioConfig(
        signature_version="s3v4",
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=READ_TIMEOUT_S,
        max_pool_connections=MAX_CONNECTIONS,
        retries={"total_max_attempts": MAX_ATTEMPTS, "mode": "standard"},
        ignore_configured_endpoint_urls=True,  # of the environment
        s3={"addressing_style": "path" if bucket.path_style else "virtual"},
        # Checksums in trailers are an extension that not every compatible storage has.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    return await stack.enter_async_context(
        session.create_client(
            "s3",
            region_name=bucket.region,
            endpoint_url=bucket.endpoint,
            aws_access_key_id=bucket.access_key_id,
            aws_secret_access_key=bucket.secret_access_key,
            verify=ssl.get_default_verify_paths().cafile or True,
            config=config,
        )
    )


def _without_environment() -> Any:  # noqa: ANN401 - the library has no types
    """Return the defaults of botocore, without the variables and files of AWS."""
    from botocore.configprovider import (  # noqa: PLC0415
        BOTOCORE_DEFAUT_SESSION_VARIABLES,
        ConfigValueStore,
        ConstantProvider,
    )

    defaults = {name: each[2] for name, each in BOTOCORE_DEFAUT_SESSION_VARIABLES.items()}
    defaults |= {"config_file": os.devnull, "credentials_file": os.devnull}
    return ConfigValueStore(mapping={name: ConstantProvider(value) for name, value in defaults.items()})
