# make run needs Python 3.11+, make and PyPI. Everything else installs what it needs, or says how.

PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 8000
UV_VERSION := 0.13.9

VENV := .venv
BIN := $(VENV)/bin
RUNSERVER_LOCK := $(wildcard requirements-runserver.lock)
INSTALLED := $(VENV)/.installed
INSTALLED_DEV := $(VENV)/.installed-dev
INSTALL := $(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header
# What depends on the database and is tested on PostgreSQL as well.
DATABASE_TESTS := tests/flowra/accounts tests/api tests/chats tests/flowra/management/test_prune.py \
	$(addprefix tests/presence/test_,admin.py api.py commands.py last_seen.py tracker.py)
TYPED := flowra chats presence realtime deploy tests benchmarks

.PHONY: help run cluster check test lint audit types fmt messages lock screenshots system bench bench-quick proof-switching
.DEFAULT_GOAL := help

help:  ## Show this list
	@grep -E '^[a-z-]+:.*##' $(firstword $(MAKEFILE_LIST)) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

run: $(INSTALLED)  ## Serve the demo on http://127.0.0.1:8000 (HOST, PORT); Ctrl-C ends it, the data stay
# In a terminal the server gets a process group of its own (set -m): Ctrl-C then is its affair alone, and make ends
# with its status instead of "Interrupt".
	@if [ -t 0 ]; then set -m; fi; $(BIN)/python manage.py serve --demo --host "$(HOST)" --port "$(PORT)"

cluster: $(INSTALLED_DEV)  ## Serve the demo as two processes on PORT and the next one; broker and data as you set them, or its own
	@if [ -t 0 ]; then set -m; fi; $(BIN)/python -m deploy.cluster --ports $(PORT) $$(($(PORT) + 1))

check: $(INSTALLED_DEV)  ## Lint, types, the fast tests and the JavaScript modules: a minute, and nothing but Python
	@$(BIN)/python -m tests.check

test: $(INSTALLED_DEV) system  ## Run all tests; the database's also on PostgreSQL
	$(BIN)/python -m tests.everything $(wildcard $(DATABASE_TESTS))

lint: $(INSTALLED_DEV)  ## Check style, templates, CSS, the layers of imports, dead code, and that no migration is missing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	find templates -name '*.html' -exec $(BIN)/djade --target-version 5.2 --check {} +
	$(BIN)/python .ci/check_page.py
	$(BIN)/lint-imports
	$(BIN)/python .ci/dead_code.py
	$(BIN)/python .ci/js_folders.py
	$(BIN)/python .ci/unused_exports.py
	$(BIN)/python manage.py makemigrations --check --dry-run

proof-switching: $(INSTALLED_DEV) system  ## Switch chats 500 times in a browser: nothing may be left behind (2 minutes)
	SWITCHES=500 $(BIN)/python -m pytest -q tests/browser/navigation/test_leaks.py

bench: $(INSTALLED_DEV) system  ## Measure speed beside peers, and write docs/performance.md (45 minutes, on an idle machine)
	$(BIN)/python -m benchmarks

bench-quick: $(INSTALLED_DEV) system  ## The same in 3 minutes, to look at; writes nothing down
	$(BIN)/python -m benchmarks --quick

audit: $(BIN)/uv  ## Ask whether a package of production has a known vulnerability; says so where nobody can be asked
	@$(BIN)/python .ci/audit.py $(BIN)/uv requirements.lock

types: $(INSTALLED_DEV)  ## Check types (mypy, strict)
	$(BIN)/mypy $(TYPED)

fmt: $(INSTALLED_DEV)  ## Format code and templates, and fix what can be fixed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	find templates -name '*.html' -exec $(BIN)/djade --target-version 5.2 {} +

messages: $(INSTALLED_DEV) system  ## Write the sentences of code and templates into locale/, and compile it
	$(BIN)/python manage.py makemessages --locale de
	msgfmt --check-format --output-file locale/de/LC_MESSAGES/django.mo locale/de/LC_MESSAGES/django.po

lock: $(BIN)/uv  ## Write requirements*.lock anew from pyproject.toml
	$(COMPILE) pyproject.toml --output-file requirements.lock
	$(COMPILE) pyproject.toml --group runserver --constraints requirements.lock --output-file requirements-runserver.lock
	$(COMPILE) pyproject.toml --group dev --constraints requirements-runserver.lock --output-file requirements-dev.lock

screenshots: $(INSTALLED_DEV) system  ## Make the pictures in docs/screenshots
	$(BIN)/python -m tests.screenshots

# The browser, the database and the JavaScript runtime that tests need; run itself needs none of them.
system:
	@./.ci/system

# As in production; where its lock is there, with daphne for `manage.py runserver`.
$(INSTALLED): requirements.lock $(RUNSERVER_LOCK) | $(BIN)/uv
	@echo "Installing packages ..."
	@$(INSTALL) -r $(or $(RUNSERVER_LOCK),requirements.lock)
	@touch $@

$(INSTALLED_DEV): requirements-dev.lock | $(BIN)/uv
	@echo "Installing packages for development ..."
	@$(INSTALL) -r requirements-dev.lock
	@touch $@ $(INSTALLED)

$(BIN)/uv:
	@command -v "$(PYTHON)" >/dev/null || { echo "Flowra needs Python 3.11 or newer, and there is no $(PYTHON). \
	Install it, or name it: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Flowra needs Python 3.11 or newer, \
	and $(PYTHON) is `$(PYTHON) --version 2>&1`. Name another: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) comes without venv. \
	Install it (Debian and Ubuntu: apt-get install python3-venv)." >&2; exit 1; }
	@[ -w . ] || { echo "Cannot write to `pwd`: Flowra keeps its packages (.venv) and data (var) here. \
	Copy it to a folder you own." >&2; exit 1; }
	@echo "Making .venv ..."
	@"$(PYTHON)" -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
