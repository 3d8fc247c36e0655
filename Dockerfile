# One image for every command. The package is installed from a wheel and no source is copied: a folder `hubbub/http`
# on the search path would hide the standard library's `http` (docs/decisions/0001-one-package.md).
FROM python:3.13-slim AS build
WORKDIR /build
RUN python -m venv /opt/hubbub
ENV PATH=/opt/hubbub/bin:$PATH PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
COPY requirements/build.txt requirements/main.txt ./
# The same install lines as in the Makefile.
RUN pip install --use-pep517 --require-hashes --no-deps --only-binary :all: -r build.txt \
 && pip install --use-pep517 --require-hashes --no-deps --no-build-isolation -r main.txt
COPY pyproject.toml README.md LICENSE ./
COPY hubbub ./hubbub
RUN pip wheel --no-deps --no-build-isolation --wheel-dir dist . \
 && pip install --no-deps dist/*.whl \
 && pip check \
 && pip uninstall --yes pip setuptools hatchling editables

FROM python:3.13-slim
# pg_dump and pg_restore, for `hubbub backup` and `hubbub restore`.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends postgresql-client \
 && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 10001 --home-dir /var/lib/hubbub --create-home hubbub
COPY --from=build /opt/hubbub /opt/hubbub
ENV PATH=/opt/hubbub/bin:$PATH \
    PYTHONSAFEPATH=1 \
    PYTHONUNBUFFERED=1 \
    HUBBUB_ENV=production \
    HUBBUB_HOST=0.0.0.0 \
    HUBBUB_PORT=8000 \
    HUBBUB_DATA_DIR=/var/lib/hubbub \
    HUBBUB_LOG_FORMAT=json
USER hubbub
WORKDIR /var/lib/hubbub
VOLUME /var/lib/hubbub
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"HUBBUB_PORT\"]}/health/live', timeout=4)"]
CMD ["hubbub", "serve"]
