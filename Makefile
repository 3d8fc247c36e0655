# One line per command; `make` lists them. Python: the first of these that is new enough, or `make … PYTHON=python3.12`.
PYTHONS := $(or $(PYTHON),python3.13 python3.12 python3.11 python3)
BIN := .venv/bin
T ?= tests
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# The lists are complete and hashed. pip resolves nothing and builds with the installed, pinned build tools: no new
# release and no version of pip changes what is installed. `pip check` confirms that a list is complete.
PINNED := $(PIP) install --use-pep517 --require-hashes --no-deps
# Tests start many processes. Bytecode is compiled first, also if Python writes none automatically. pytest compiles its
# own form of the tests, 6 s for each of its processes, and keeps it for the next run.
COMPILED = $(BIN)/python -m compileall -q hubbub tests
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header
export PIP_NO_WARN_SCRIPT_LOCATION := 1
# Downloads are cached in this folder, unless the environment names another one.
export PIP_CACHE_DIR ?= $(CURDIR)/.cache/pip
export UV_CACHE_DIR ?= $(CURDIR)/.cache/uv
export npm_config_cache ?= $(CURDIR)/.cache/npm
.DEFAULT_GOAL := help

help:  ## print this list
	@sed -n 's/^\([a-z-]*\):.*  ## /  make \1\t/p' $(MAKEFILE_LIST)

run: .venv/.run  ## run hubbub on http://127.0.0.1:8000 without other servers; ARGS="--port 9000" and the like
	@exec $(BIN)/hubbub serve $(ARGS)

# Tests wait more than they compute: four processes keep two cores busy.
test: .venv/.dev tests/node/node_modules/.ready  ## run all tests, or T=tests/core; ARGS="-x -n0" and the like
	@$(COMPILED) && PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n 4 --dist worksteal --times $(T) $(ARGS)

soak: .venv/.dev tests/node/node_modules/.ready  ## run the tests that take minutes each, in 40 minutes at most
	@$(COMPILED) && timeout 2400 $(BIN)/python -m pytest -n 2 --dist worksteal --times -m soak $(T) $(ARGS)

check: .venv/.dev  ## check format, lint, types, imports, vulnerabilities, pending migrations and generated documents
	@$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/mypy && $(BIN)/lint-imports --no-logo && $(MAKE) -s current audit

current:
	@$(BIN)/python -m tests.support.migration --check
	@$(BIN)/hubbub config --example | diff - .env.example && $(BIN)/hubbub config --reference | diff - docs/settings.md && $(BIN)/python -m tests.support.metrics_reference | diff - docs/metrics.md || { echo "These documents are generated: make documents" >&2; exit 1; }

audit: .venv/.dev  ## look up known vulnerabilities of the dependencies; offline it reports that
	@$(BIN)/python -m tests.support.vulnerabilities

documents: .venv/.run  ## generate .env.example, docs/settings.md and docs/metrics.md
	@$(BIN)/hubbub config --example > .env.example && $(BIN)/hubbub config --reference > docs/settings.md && $(BIN)/python -m tests.support.metrics_reference > docs/metrics.md

examples: .venv/.dev  ## record the examples of the API document with a test
	@$(BIN)/python -m tests.support.api_examples

migration: .venv/.dev  ## draft a migration from the last one to the models: make migration name=reactions
	@$(BIN)/python -m tests.support.migration $(name)

fix: .venv/.dev  ## format, and apply the fixes of the linter
	@$(BIN)/ruff check --fix-only --quiet . ; $(BIN)/ruff format .

coverage: .venv/.dev tests/node/node_modules/.ready  ## run all tests, list lines that they do not reach, require 90 %
	@$(BIN)/python -m pytest -n 3 --dist worksteal --cov --cov-report=term $(if $(T),,--cov-fail-under=90) $(T) $(ARGS)

requirements: .venv/.dev  ## pin the dependencies of pyproject.toml, with hashes
	@$(COMPILE) pyproject.toml requirements/build.in --extra test --extra dev --no-emit-package pip -o requirements/dev.txt
	@$(COMPILE) pyproject.toml --constraint requirements/dev.txt -o requirements/main.txt
	@$(COMPILE) requirements/build.in --constraint requirements/dev.txt -o requirements/build.txt

attack: .venv/.dev  ## attack a live instance with honest clients connected (G15); ARGS="--only ws-pong --store sqlite" and the like
	@$(BIN)/python -m bench.attack $(ARGS)

setup: .venv/.dev tests/node/node_modules/.ready  ## install everything that run, test and check need

fresh:  ## install and start a clone in an empty folder, with each supported Python of the machine, or with PYTHON
	@$(call with_python,exec $$python -m tests.support.fresh $(PYTHON))

newest:
	@$(call with_python,exec $$python -m tests.support.fresh --newest)

.PHONY: help run test soak check current audit documents examples migration fix coverage requirements attack setup fresh newest

# --- installed once, and again when a list changes ---

define with_python
for python in $(PYTHONS); do \
		if $$python -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			$(1); \
		fi; \
	done; \
	echo "hubbub needs Python 3.11 or newer with its modules venv and ensurepip; tried: $(PYTHONS)." >&2; exit 1
endef

.venv/bin/python:
	@$(call with_python,echo "Creating .venv with $$($$python --version)."; exec $$python -m venv --clear .venv)

.venv/.run: requirements/build.txt requirements/main.txt pyproject.toml .venv/bin/python
	@echo "Installing hubbub and its dependencies."
	@$(PINNED) --only-binary :all: -r requirements/build.txt
	@$(PINNED) --no-build-isolation -r requirements/main.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@$(PIP) check
	@touch $@

.venv/.dev: requirements/dev.txt .venv/.run
	@echo "Installing the dependencies of tests and checks."
	@$(PINNED) --no-build-isolation -r requirements/dev.txt
	@$(PIP) check
	@touch $@

tests/node/node_modules/.ready: tests/node/package-lock.json tests/node/browser.mjs
	@command -v npm >/dev/null || { echo "The tests need Node.js 20 or newer, with npm." >&2; exit 1; }
	@echo "Installing the Socket.IO client of Node.js, and a browser if the machine has none."
	@cd tests/node && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@node tests/node/browser.mjs
	@touch $@
