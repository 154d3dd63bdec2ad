# Matinee: `make run` sets up and serves, `make test` sets up and tests everything, `make help` lists the rest.
# Needs Python 3.11 or newer and make. What it installs goes to .venv and node_modules; files in there mark what is
# done, so that nothing is installed twice until a lock file changes.

SHELL := /bin/sh
.DEFAULT_GOAL := help
export PIP_DISABLE_PIP_VERSION_CHECK := 1

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --no-input
RUNTIME := $(VENV)/.installed-runtime
PROJECT := $(VENV)/.installed-project
DEV := $(VENV)/.installed-dev
TOOLS := node_modules/.installed
S3 := $(VENV)/s3/.installed
AUDITS := tests/graphql_over_http/node_modules/.installed
RELAY := tests/relay/node_modules/.installed
CODEGEN := $(VENV)/codegen/.installed
CLIENTS := tests/clients/node_modules/.installed
PYTHON_CLIENTS := $(VENV)/clients/.installed
AUDIT := $(VENV)/audit/.installed
PEERS := benchmarks/peers/node_modules/.installed
NATIVE_ARGON2 := $(VENV)/native/.installed
# What the C compiler may use: of this machine, or of all machines that an image runs on (x86-64-v3: AVX2, since 2013).
MARCH ?= native
# Extra arguments: make run ARGS="--port 9000", make test ARGS="tests/domain -x".
ARGS ?=

.PHONY: help
help: ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

## Using it

.PHONY: run
run: $(PROJECT) ## Set up what is missing and serve on http://127.0.0.1:8000 with demo data (ARGS="--port 9000")
	@$(MAKE) --silent tools \
		|| echo "The assets of /graphql and /docs are not installed; all else works. 'make tools' tries again." >&2
	@exec $(BIN)/matinee serve $(ARGS)

.PHONY: install
install: $(PROJECT) ## Install the server and its dependencies into .venv, by the hashes in requirements.lock

.PHONY: tools
tools: $(TOOLS) ## Install the assets of the playground (/graphql) and the API pages (/docs)

.PHONY: argon2
argon2: $(NATIVE_ARGON2) ## Build argon2 for this machine's processor: a password's hash takes half the time (needs a C compiler)

.PHONY: peers
peers: $(PROJECT) $(DEV) $(PEERS) ## Install the servers that `python -m benchmarks.peers` compares this one with

.PHONY: clean
clean: ## Remove caches and what was installed; keep the data in .matinee
	rm -rf $(VENV) node_modules tests/*/node_modules benchmarks/peers/node_modules *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

## Working on it

.PHONY: setup
setup: $(PROJECT) $(DEV) $(TOOLS) $(S3) $(AUDITS) $(RELAY) $(CODEGEN) ## Install what all commands below need (make does it as they need it)

# Each process has a PostgreSQL of its own and takes a file at a time; with ARGS="-n 0" there is one, for a debugger.
# Without bytecode, where the environment wants none, each would compile the whole suite, and each server itself.
.PHONY: test
test: setup ## Set up what is missing and run the whole suite (ARGS="tests/domain -x")
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder $(ARGS)

.PHONY: fuzz
fuzz: $(PROJECT) $(DEV) ## Hold the server to /openapi.json by many more requests than make test (FUZZ_EXAMPLES=100)
	FUZZ_EXAMPLES=$(or $(FUZZ_EXAMPLES),100) $(BIN)/python -m pytest tests/hostile/test_schemathesis.py $(ARGS)

.PHONY: faults
faults: $(PROJECT) $(DEV) ## Break what is around the server, and see that nothing is lost (needs root; ARGS="kill-primary-haproxy")
	$(BIN)/python -m tests.failover $(ARGS)

.PHONY: compatible
compatible: $(PROJECT) $(DEV) ## Run the last release's server (released.commit) and this one side by side on one database
	$(BIN)/python -m tests.compatible

# The list of known holes is OSV's. Offline the inventory is made all the same, and the end says what was not done; that
# fails a person's run, and not CI's (CI=true), where a hole that is found does.
.PHONY: audit
audit: $(AUDIT) ## Write what the server consists of (sbom.json, CycloneDX), and look for known holes in it
	$(VENV)/audit/bin/cyclonedx-py requirements requirements.lock --output-format JSON --output-reproducible --output-file sbom.json
	@$(VENV)/audit/bin/pip-audit --requirement requirements.lock --require-hashes --disable-pip --vulnerability-service osv \
		> $(VENV)/audit/report 2>&1; status=$$?; \
		if grep -qE "ConnectionError|ServiceError|Timeout" $(VENV)/audit/report; then \
			tail -n 1 $(VENV)/audit/report; \
			echo "NOT AUDITED: the list of known holes at osv.dev cannot be reached; sbom.json is written." >&2; \
			if [ "$$CI" = true ]; then exit 0; else exit 2; fi; \
		fi; tail -n 40 $(VENV)/audit/report; exit $$status

.PHONY: clients
clients: $(PROJECT) $(DEV) $(CLIENTS) $(PYTHON_CLIENTS) ## Book seats with real clients: Apollo, urql, gql.tada, graphql-codegen, openapi-fetch, gql
	TEST_CLIENTS=1 $(BIN)/python -m pytest tests/clients $(ARGS)

.PHONY: check
check: lint types arrows sdl released migrations docs-current ## All checks below: style, types, import arrows, SDL, migrations, docs

.PHONY: lint
lint: $(PROJECT) $(DEV) ## Style and formatting (ruff)
	$(BIN)/ruff check
	$(BIN)/ruff format --check

.PHONY: format
format: $(DEV) ## Mend what ruff can mend
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

.PHONY: types
types: $(PROJECT) $(DEV) ## Strict types (mypy)
	$(BIN)/mypy .

.PHONY: arrows
arrows: $(PROJECT) $(DEV) ## Who may import whom (import-linter)
	$(BIN)/lint-imports --no-logo

.PHONY: sdl
sdl: $(PROJECT) ## schema.graphql is what the code serves (mend with: matinee schema export --out schema.graphql)
	$(BIN)/matinee schema export | diff -u schema.graphql -

.PHONY: released
released: $(PROJECT) ## Clients of the last release (released.graphql) go on working
	$(BIN)/matinee schema check released.graphql

.PHONY: release
release: $(PROJECT) ## Make the contract of today the one that later changes are held against
	$(BIN)/matinee schema export --out released.graphql
	git rev-parse HEAD > released.commit

.PHONY: migrations
migrations: $(PROJECT) $(DEV) ## Migrations make the tables that the models describe, up and down
	$(BIN)/python -m pytest -q tests/db/test_migrations.py

.PHONY: docs-current
docs-current: $(PROJECT) ## The generated pages of docs/ are what the code makes (mend with: make docs)
	$(BIN)/python docs/generator --check

.PHONY: docs
docs: $(PROJECT) ## Write the generated pages of docs/: configuration, data model, errors
	$(BIN)/python docs/generator

.PHONY: lock
lock: $(DEV) ## Write the lock files anew after a change of pyproject.toml (UPGRADE=--upgrade: newest versions)
	$(LOCK) pyproject.toml --group build -o requirements.lock
	$(LOCK) --group dev -c requirements.lock -o requirements-dev.lock
	$(LOCK) --group npm -c requirements.lock -o requirements-npm.lock
	$(LOCK) --group native -c requirements.lock -o requirements-native.lock
	$(LOCK) --group s3 -o requirements-s3.lock
	$(LOCK) --group codegen -o requirements-codegen.lock
	$(LOCK) --group clients -o requirements-clients.lock
	$(LOCK) --group audit -o requirements-audit.lock

LOCK := $(BIN)/uv --quiet pip compile --generate-hashes --no-emit-index-url --no-header --universal --python-version 3.11 $(UPGRADE)

# What the commands above stand on

# The first Python that is new enough; PYTHON=/path/to/python chooses another.
$(BIN)/python:
	@for python in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11 python; do \
		if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			echo "Making $(VENV) with $$($$python --version)"; exec $$python -m venv $(VENV); \
		fi; \
	done; echo "Matinee needs Python 3.11 or newer: install it, or name it with make PYTHON=/path/to/python" >&2; exit 1

$(RUNTIME): requirements.lock | $(BIN)/python
	@echo "Installing the dependencies in requirements.lock"
	@$(PIP) install --require-hashes -r requirements.lock
	@touch $@

# Installed in place; what it holds is listed when it is installed, so a new package at the root means once more.
$(PROJECT): pyproject.toml $(RUNTIME) $(wildcard */__init__.py)
	@$(PIP) install --no-deps --no-build-isolation -e .
	@# Half a second of each start, also where the environment says that Python is to write no bytecode.
	@$(BIN)/python -m compileall -q $(wildcard *.py) $(patsubst %/__init__.py,%,$(wildcard */__init__.py))
	@touch $@

$(DEV): requirements-dev.lock $(RUNTIME) | $(PROJECT)
	@echo "Installing the tools in requirements-dev.lock"
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@

# An S3 API for the tests; in an environment of its own, for its requirements contradict ours.
$(S3): requirements-s3.lock | $(BIN)/python
	@echo "Installing the S3 API in requirements-s3.lock"
	@$(BIN)/python -m venv $(VENV)/s3
	@$(VENV)/s3/bin/python -m pip --quiet --no-input install --require-hashes -r requirements-s3.lock
	@touch $@

# The wheels of argon2-cffi-bindings are made for every processor since 2003, so without AVX. What builds it is in an
# environment of its own; the server gets the one package alone. After an update of requirements.lock it is to be made again.
$(NATIVE_ARGON2): requirements-native.lock $(RUNTIME)
	@echo "Building argon2 for the processor ($(MARCH))"
	@rm -rf $(VENV)/native && $(BIN)/python -m venv $(VENV)/native
	@PIP="$(VENV)/native/bin/python -m pip --quiet --no-input"; export CFLAGS="-O3 -march=$(MARCH)"; \
		$$PIP install --require-hashes -r requirements-native.lock \
		&& PATH="$(CURDIR)/$(VENV)/native/bin:$$PATH" $$PIP wheel --no-deps --no-build-isolation --no-cache-dir \
			--no-binary argon2-cffi-bindings --require-hashes -r requirements-native.lock -w $(VENV)/native/wheels
	@$(PIP) install --force-reinstall --no-deps $(VENV)/native/wheels/argon2_cffi_bindings-*.whl
	@touch $@

# A generator of typed clients for the tests; in an environment of its own, for it needs an older graphql-core.
$(CODEGEN): requirements-codegen.lock | $(BIN)/python
	@echo "Installing the generator of clients in requirements-codegen.lock"
	@$(BIN)/python -m venv $(VENV)/codegen
	@$(VENV)/codegen/bin/python -m pip --quiet --no-input install --require-hashes -r requirements-codegen.lock
	@touch $@

# Clients in Python for `make clients`; in an environment of their own, as their users have them.
$(PYTHON_CLIENTS): requirements-clients.lock | $(BIN)/python
	@echo "Installing the clients in requirements-clients.lock"
	@$(BIN)/python -m venv $(VENV)/clients
	@$(VENV)/clients/bin/python -m pip --quiet --no-input install --require-hashes -r requirements-clients.lock
	@touch $@

# What looks for holes in the dependencies.
$(AUDIT): requirements-audit.lock | $(BIN)/python
	@echo "Installing the audit in requirements-audit.lock"
	@$(BIN)/python -m venv $(VENV)/audit
	@$(VENV)/audit/bin/python -m pip --quiet --no-input install --require-hashes -r requirements-audit.lock
	@touch $@

# `npm ci` in a folder: npm 9 or newer where the machine has it, otherwise the one that PyPI packs, in .venv.
define npm-ci
	@if test "$$(npm --version 2>/dev/null | cut -d. -f1)" -ge 9 2>/dev/null; then \
		cd $(1) && npm ci --silent --no-progress; \
	else \
		$(PIP) install --require-hashes -r requirements-npm.lock \
			&& cd $(1) && PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --silent --no-progress; \
	fi
endef

$(TOOLS): package.json package-lock.json .npmrc requirements-npm.lock | $(BIN)/python
	@echo "Installing the assets in package-lock.json"
	$(call npm-ci,.)
	@touch $@

# After the assets: with `make --jobs` two would fetch the same npm at once.
$(AUDITS): $(addprefix tests/graphql_over_http/,package.json package-lock.json .npmrc) requirements-npm.lock | $(TOOLS)
	@echo "Installing the audits in tests/graphql_over_http/package-lock.json"
	$(call npm-ci,tests/graphql_over_http)
	@touch $@

$(RELAY): $(addprefix tests/relay/,package.json package-lock.json .npmrc) requirements-npm.lock | $(AUDITS)
	@echo "Installing Relay's compiler in tests/relay/package-lock.json"
	$(call npm-ci,tests/relay)
	@touch $@

$(CLIENTS): $(addprefix tests/clients/,package.json package-lock.json .npmrc) requirements-npm.lock | $(BIN)/python
	@echo "Installing the clients in tests/clients/package-lock.json"
	$(call npm-ci,tests/clients)
	@touch $@

# Always with the Node that PyPI packs, so that every machine measures the same one.
$(PEERS): $(addprefix benchmarks/peers/,package.json package-lock.json .npmrc) requirements-npm.lock | $(TOOLS)
	@echo "Installing the servers in benchmarks/peers/package-lock.json"
	@$(PIP) install --require-hashes -r requirements-npm.lock
	@cd benchmarks/peers && PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --silent --no-progress
	@touch $@
