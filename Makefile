# Frameproof: the two commands are `make run` and `make test`; `make help` lists the rest.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MANAGE := $(BIN)/python manage.py
READY := $(VENV)/.ready
READY_DEV := $(VENV)/.ready-dev

export UV_PROJECT_ENVIRONMENT := $(CURDIR)/$(VENV)
# What is set on make's command line (PORT=…, HOST=…, DATA_DIR=…) reaches Django as environment by itself.

# The detector of generated video that is fetched (90 MB, once) and used; empty: the small one that comes with the project.
DETECTOR ?= clip-b16-1

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev run serve ingest migrate test test-slow test-integration test-browser check format messages openapi lock screenshots icons clean

help:  ## Explain every target
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# uv makes the environment; where the machine has none, it is installed into that environment itself.
define sync
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed (PYTHON=…)")'
	@if command -v uv >/dev/null 2>&1; then \
	  uv venv --quiet --allow-existing --python $(PYTHON) $(VENV) && uv sync --frozen $(1); \
	else \
	  { [ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV); } && \
	  { [ -x $(BIN)/uv ] || $(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null; } && \
	  { [ -x $(BIN)/uv ] || $(BIN)/python -m pip install --quiet --disable-pip-version-check 'uv>=0.9,<1'; } && \
	  $(BIN)/uv sync --frozen --inexact $(1); \
	fi
endef

$(READY): pyproject.toml uv.lock
	$(call sync,--extra demo --no-dev)
	@touch $@

$(READY_DEV): pyproject.toml uv.lock
	$(call sync,--extra demo)
	@touch $@ $(READY)

setup: $(READY)  ## Make the environment in .venv from the lock file

setup-dev: $(READY_DEV)  ## The same with the tools for tests and checks

migrate: $(READY)  ## Bring the database up to date
	@$(MANAGE) migrate --verbosity 0

run: $(READY)  ## Index video (VIDEOS=path for your own), find a screenshot of it, and serve (PORT, HOST, DATA_DIR, DETECTOR)
	@$(if $(DETECTOR),$(MANAGE) deepfake_model install $(DETECTOR) --activate >/dev/null || \
	  echo "The larger detector is not to be had now; the small one that comes with the project answers.")
	@$(MANAGE) anime_demo $(if $(VIDEOS),--videos "$(VIDEOS)")

serve: migrate  ## Serve what is indexed
	@$(MANAGE) serve

ingest: migrate  ## Index VIDEOS=path without serving
	@$(MANAGE) anime_ingest "$(VIDEOS)"

test: $(READY_DEV)  ## Run the default test suite
	@$(BIN)/python -m pytest -n auto

test-slow: $(READY_DEV)  ## What takes many seconds each: commands that are killed, benchmarks on little input
	@$(BIN)/python -m pytest -n auto -m "slow and not integration"

test-integration: $(READY_DEV)  ## The main job on PostgreSQL, Redis and Celery workers (TEST_DATABASE_URL, TEST_REDIS_URL)
	@$(BIN)/python -m pytest -m integration

test-browser: $(READY_DEV)  ## The pages in a real browser (needs chromium)
	@$(BIN)/python -m pytest -m browser

check: $(READY_DEV)  ## Format, lint, types, import contracts, migrations, deployment settings, OpenAPI document
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(MANAGE) makemigrations --check --dry-run
	HTTPS=1 $(MANAGE) check --deploy --fail-level WARNING
	$(MANAGE) openapi_write --check

format: $(READY_DEV)  ## Format the code and mend what the linter can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

messages: $(READY_DEV)  ## Collect the pages' texts into locale/ and compile what is translated (needs gettext)
	@$(MANAGE) makemessages --locale ko --locale ja --locale zh_Hant --locale zh_Hans --no-location --no-wrap --verbosity 0 \
	  $(foreach folder,tests benchmarks clients docs data .venv */training,--ignore '$(folder)/*')
	@$(MANAGE) compilemessages --ignore .venv --verbosity 0

openapi: $(READY_DEV)  ## Make docs/openapi.json anew after an API was changed
	@$(MANAGE) openapi_write

screenshots: $(READY_DEV)  ## Make the pictures of the README anew (needs chromium)
	@$(BIN)/python docs/make_screenshots.py

icons: $(READY_DEV)  ## Make the icons and the social card anew from static/icons/favicon.svg (needs chromium)
	@$(BIN)/python docs/make_icons.py

lock: $(READY_DEV)  ## Renew the lock file after pyproject.toml was changed
	@if command -v uv >/dev/null 2>&1; then uv lock; else $(BIN)/uv lock; fi

clean:  ## Remove the environment and caches (not the data)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
