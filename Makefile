PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BENCH_VENV := .venv-bench
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PIP := $(BIN)/python -m pip --disable-pip-version-check
WORKERS ?= 2
EXTRAS := --extra postgres --extra encryption --extra javascript --extra test --extra dev
LOCK := $(VENV)-lock/bin/pip-compile --quiet --strip-extras --no-header --no-emit-index-url \
	--no-emit-find-links --no-emit-trusted-host

.DEFAULT_GOAL := help
.PHONY: help setup test test-sqlite test-postgresql test-mariadb test-mariadb-if-any mutants fuzz lint format demo bench lock clean

help: ## show what there is to make
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

setup: $(STAMP) ## create .venv with the locked versions; repeats only when the lock or pyproject.toml changed

$(STAMP): requirements/ci.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --requirement requirements/ci.txt
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	touch $@

test: test-sqlite test-postgresql test-mariadb-if-any ## run the whole suite, on SQLite and then on a real PostgreSQL

test-sqlite: setup ## run the suite on SQLite
	SAFE_IMPORT_TEST_BACKEND=sqlite $(BIN)/python -m pytest --numprocesses $(WORKERS)

test-postgresql: setup ## run the suite on PostgreSQL (its own, unless SAFE_IMPORT_TEST_DATABASE_URL names one)
	SAFE_IMPORT_TEST_BACKEND=postgresql $(BIN)/python -m tests.postgresql --every-version --numprocesses $(WORKERS)

test-mariadb: setup ## run what matters there on MariaDB (on 127.0.0.1, unless SAFE_IMPORT_TEST_MARIADB_URL names one)
	$(BIN)/python -m tests.mariadb --numprocesses $(WORKERS)

test-mariadb-if-any: setup
	$(BIN)/python -m tests.mariadb --if-any --numprocesses $(WORKERS)

mutants: setup ## take one protection away after the other; fails when no test notices (MUTANTS="lock journal" for some)
	$(BIN)/python -m tests.mutants $(MUTANTS)

fuzz: setup ## feed files that are nearly right to every source (FUZZ="--seconds 600 --only xlsx" for some, and how long)
	$(BIN)/python -m tests.fuzzing $(FUZZ)

lint: setup ## check style, types and layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup ## put the code into its canonical form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

demo: setup ## run the main job on real files, narrated, in a database of its own
	$(BIN)/python -m commands.demo

bench: $(BENCH_VENV)/.installed ## measure imports and backups against what people use today (BENCH="--plot --psycopg3" ...)
	$(BENCH_VENV)/bin/python -m bench $(BENCH)

$(BENCH_VENV)/.installed: requirements/bench.txt pyproject.toml
	$(PYTHON) -m venv $(BENCH_VENV)
	$(BENCH_VENV)/bin/python -m pip --disable-pip-version-check install --quiet --requirement requirements/bench.txt
	$(BENCH_VENV)/bin/python -m pip --disable-pip-version-check install --quiet --no-deps --no-build-isolation --editable .
	touch $@

lock: ## renew requirements/ci.txt and bench.txt from pyproject.toml
	$(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/python -m pip install --quiet pip-tools
	rm -f requirements/ci.txt requirements/bench.txt
	$(LOCK) $(EXTRAS) --output-file requirements/ci.txt pyproject.toml
	$(LOCK) $(EXTRAS) --extra bench --constraint requirements/ci.txt --output-file requirements/bench.txt pyproject.toml
	rm -r $(VENV)-lock

clean: ## remove the virtual environment and all caches
	rm -rf $(VENV) $(BENCH_VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
