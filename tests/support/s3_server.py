"""An S3 server for tests: moto, behind a check of every signature (AWS Signature Version 4), with faults.

moto accepts any signature. The check recomputes each with botocore's signer, from the request as it arrived.
"""

import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode
from wsgiref.types import StartResponse, WSGIEnvironment

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from werkzeug.serving import WSGIRequestHandler, make_server

ACCESS_KEY, SECRET_KEY, REGION, BUCKET = "AKIATEST", "the-secret-of-the-tests", "eu-central-1", "files"
ACCOUNT_ID = "123456789012"  # of moto
TIME_FORMAT = "%Y%m%dT%H%M%SZ"
WsgiApp = Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]]


class S3Server:
    """A running server. `fault` decides about each request: None lets it pass, a status is the response."""

    def __init__(self, url: str, app: "_Checked") -> None:
        self.url = url
        self._app = app

    @property
    def refused(self) -> list[str]:
        """Why requests were refused."""
        return self._app.refused

    @property
    def requests(self) -> list[str]:
        """Method and path of all requests."""
        return self._app.requests

    @contextmanager
    def faulty(self, fault: Callable[[str, str], int | None]) -> Iterator[None]:
        """Ask `fault(method, path)` about each request in the block. It may wait, in a thread."""
        self._app.fault = fault
        try:
            yield
        finally:
            self._app.fault = None

    def storage_url(self, prefix: str) -> str:
        """Return the value of HUBBUB_STORAGE_URL."""
        return f"s3://{BUCKET}/{prefix}?region={REGION}&endpoint={self.url}&path_style=true"


@contextmanager
def run_s3_server() -> Iterator[S3Server]:
    """Run a server with an empty bucket."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    app = _Checked(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        app.create_bucket()
        yield S3Server(f"http://127.0.0.1:{server.server_port}", app)
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_request(self, *_: Any) -> None:
        pass


class _Checked:
    """The WSGI application."""

    def __init__(self, inner: WsgiApp) -> None:
        self._inner = inner
        self.refused: list[str] = []
        self.requests: list[str] = []
        self.fault: Callable[[str, str], int | None] | None = None

    def create_bucket(self) -> None:
        from moto.s3.models import s3_backends

        s3_backends[ACCOUNT_ID]["aws"].create_bucket(BUCKET, REGION)

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        self.requests.append(f"{method} {path}")
        status = self.fault(method, path) if self.fault is not None else None
        if status is not None:
            return _error(environ, start, status, "InternalError")
        if reason := _refusal(environ):
            self.refused.append(reason)
            return _error(environ, start, 403, reason)
        return self._inner(environ, start)


def _error(environ: WSGIEnvironment, start: StartResponse, status: int, code: str) -> list[bytes]:
    environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    body = f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()
    start(f"{status} Error", [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
    return [body]


def _refusal(environ: WSGIEnvironment) -> str | None:
    """Return why a request is refused; None for a valid signature."""
    query = dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
    if "X-Amz-Signature" in query:
        return _query_refusal(environ, query)
    header = environ.get("HTTP_AUTHORIZATION", "")
    if not header.startswith("AWS4-HMAC-SHA256 "):
        return "AccessDenied"
    parts = dict(part.strip().split("=", 1) for part in header.split(" ", 1)[1].split(","))
    found = _signature(environ, parts["SignedHeaders"], environ["HTTP_X_AMZ_DATE"], query)
    return None if found == parts["Signature"] else "SignatureDoesNotMatch"


def _query_refusal(environ: WSGIEnvironment, query: dict[str, str]) -> str | None:
    signature = query.pop("X-Amz-Signature")
    begins = datetime.strptime(query["X-Amz-Date"], TIME_FORMAT).replace(tzinfo=UTC)
    if datetime.now(UTC) > begins + timedelta(seconds=int(query["X-Amz-Expires"])):
        return "RequestExpired"
    environ = {**environ, "HTTP_X_AMZ_CONTENT_SHA256": "UNSIGNED-PAYLOAD"}
    found = _signature(environ, query["X-Amz-SignedHeaders"], query["X-Amz-Date"], query)
    return None if found == signature else "SignatureDoesNotMatch"


def _signature(environ: WSGIEnvironment, signed_headers: str, date: str, query: dict[str, str]) -> str:
    url = f"http://{environ['HTTP_HOST']}{environ['REQUEST_URI'].partition('?')[0]}"
    request = AWSRequest(
        method=environ["REQUEST_METHOD"],
        url=f"{url}?{urlencode(query, quote_via=quote, safe='~')}" if query else url,
    )
    for name in signed_headers.split(";"):
        key = name.upper().replace("-", "_")
        request.headers[name] = environ.get(f"HTTP_{key}", environ.get(key, ""))
    request.context["timestamp"] = date
    auth = _Signer(Credentials(ACCESS_KEY, SECRET_KEY), "s3", REGION)
    auth.body_digest = environ.get("HTTP_X_AMZ_CONTENT_SHA256", "")
    text = auth.string_to_sign(request, auth.canonical_request(request))
    return str(auth.signature(text, request))


class _Signer(S3SigV4Auth):
    body_digest = ""

    def headers_to_sign(self, request: AWSRequest) -> Any:
        from botocore.compat import HTTPHeaders

        found = HTTPHeaders()
        for name, value in request.headers.items():
            found[name.lower()] = value
        return found

    def payload(self, request: AWSRequest) -> str:
        return self.body_digest
