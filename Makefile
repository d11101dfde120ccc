# storyreel: `make demo` renders a film on a fresh machine, `make test` checks everything. Needs Linux and Python 3.11+.
PYTHON ?= python3
DATA ?= .storyreel
SCRIPT ?= en
KILLS ?= 40
SEED ?=
ONLY ?=
RUNS ?= 3
UV := .tools/bin/uv
BIN := .venv/bin
LOG_TESTS := $(addprefix tests/integration/,aiokafka_defects api coordinator faults faust_defects)
TARGETS := api gpu_agents infra projections schemas streams tests

.DEFAULT_GOAL := help
.PHONY: help browser install install-gpu install-dev demo up down status test test-log test-parts faults bench lint fmt lock clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

$(UV):
	@$(PYTHON) -c 'import sys; assert (3, 11) <= sys.version_info < (3, 14), "Python 3.11 to 3.13 is needed (make PYTHON=python3.x ...)"'
	@$(PYTHON) -m venv .tools && .tools/bin/python -m pip install --quiet --disable-pip-version-check 'uv>=0.9,<1'

.venv/.runtime: $(UV) requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(UV) venv --quiet --python $(PYTHON) .venv
	@echo "installing the product into .venv"
	@$(UV) pip install --quiet --python .venv --require-hashes --compile-bytecode -r requirements.lock
	@$(UV) pip install --quiet --python .venv --no-deps --editable .
	@touch $@

.venv/.gpu: .venv/.runtime requirements-gpu.lock
	@echo "installing torch, diffusers, insightface into .venv (5 GB)"
	@$(UV) pip install --quiet --python .venv --require-hashes --compile-bytecode -r requirements-gpu.lock
	@touch $@

.venv/.dev: .venv/.gpu requirements-dev.lock
	@echo "installing the test tools into .venv"
	@$(UV) pip install --quiet --python .venv --require-hashes --compile-bytecode -r requirements-dev.lock
	@touch $@

install: .venv/.runtime ## prepare .venv with the storyreel command

install-gpu: .venv/.gpu ## the same plus engines with weights: torch, diffusers, insightface

install-dev: .venv/.dev ## the same plus test tools

demo: install ## script to film on a local stack: SCRIPT=en, zh or a file
	@$(BIN)/storyreel demo --data "$(DATA:~/%=$(HOME)/%)" --script "$(SCRIPT:~/%=$(HOME)/%)"

up: install ## start the local stack and leave it running
	@$(BIN)/storyreel up --detach --data "$(DATA:~/%=$(HOME)/%)"

down: install ## stop it
	@$(BIN)/storyreel down --data "$(DATA:~/%=$(HOME)/%)"

status: install ## what runs where
	@$(BIN)/storyreel status --data "$(DATA:~/%=$(HOME)/%)"

browser:
	@command -v chromium chromium-browser google-chrome >/dev/null || { \
	  test "$$(id -u)" = 0 && command -v apt-get >/dev/null && echo "installing Chromium for the page tests" && \
	  apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null 2>&1; } || \
	  echo "no Chromium: the page tests will be skipped (apt-get install chromium)"

test: install-dev browser ## every test: units, contracts, real Kafka and PostgreSQL, the demo
	@$(BIN)/python -m pytest tests/unit tests/contract --numprocesses 2 --dist loadfile
	@$(MAKE) --no-print-directory --jobs 2 test-log test-parts

test-log: # two halves side by side: tests with real servers wait more than they compute
	@$(BIN)/python -m pytest $(LOG_TESTS) tests/e2e

test-parts:
	@$(BIN)/python -m pytest $(filter-out $(LOG_TESTS),$(patsubst %/,%,$(dir $(wildcard tests/integration/*/__init__.py))))

faults: install-dev ## put a real stack through kills and other faults: KILLS=40, SEED=number
	@$(BIN)/python -m tests.faults --kills "$(KILLS)" $(if $(SEED),--seed "$(SEED)")

bench: install-dev ## measure speed and memory, beside the usual way to build this: ONLY=accepts,video RUNS=3
	@$(BIN)/python -m tests.benchmarks --runs "$(RUNS)" $(if $(ONLY),--only "$(ONLY)") $(BENCH_OPTIONS)

lint: install-dev ## style, types, import directions
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy $(TARGETS)
	@$(BIN)/lint-imports

fmt: install-dev ## put the code into its one form
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lock: $(UV) ## resolve the locks anew; no registry is named in them
	@$(UV) pip compile --quiet pyproject.toml --universal --generate-hashes --no-header --no-emit-index-url --no-annotate --python-version 3.11 -o requirements.lock
	@$(UV) pip compile --quiet pyproject.toml --extra gpu --universal --generate-hashes --no-header --no-emit-index-url --no-annotate --python-version 3.11 -c requirements.lock -o requirements-gpu.lock
	@$(UV) pip compile --quiet pyproject.toml --group dev --universal --generate-hashes --no-header --no-emit-index-url --no-annotate --python-version 3.11 -c requirements.lock -c requirements-gpu.lock -o requirements-dev.lock

clean: ## remove what make built, keep data
	@rm -rf .venv .tools .pytest_cache .mypy_cache .ruff_cache .hypothesis
