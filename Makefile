# Suyuan: every target makes the environment it needs, then does its job.
# Needs only Python 3.11 to 3.14 (with venv) and make; installs wheels only, so no compiler.
#
#   make demo [ARGS="--once --out DIR"]   four members, one ledger, a donation and a data access traced and verified
#   make test                             ruff, mypy --strict, pytest with coverage
#   make lint                             ruff and mypy alone
#   make bench [ARGS=...]                 throughput and latency of four members, and of etcd where installed
#   make page                             the page that verifies bundles in a browser, offline (needs Node 20 and npm)
#   make hunt SECONDS=600                 fresh simulator schedules for so long
#   make soak SECONDS=600                 real members killed, frozen, cut off, with wrong clocks, for so long
#   make mutants                          seeded bugs that the simulator must catch, each alone
#   make clean                            removes the environment and what tools left behind
#
# PYTHON=python3.12 chooses the interpreter, VENV=DIR the environment's folder.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test lint bench page hunt soak mutants clean

VENV ?= .venv
BIN := $(VENV)/bin
SECONDS ?= 60
WORKERS ?= 2
ROOMS := ledger consensus chaincode network node client suyuan.py tests $(wildcard benchmarks)

# A name on PATH is not yet an interpreter (version managers leave stubs there), and some systems
# package venv apart: so each candidate is run before it is believed, newest first.
ifndef PYTHON
PYTHON := $(shell for p in python3.14 python3.13 python3.12 python3.11 python3 python; do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' \
	>/dev/null 2>&1 && { echo $$p; break; }; done)
endif

# The stamps carry the interpreter's name: another PYTHON builds the environment anew.
KEY := $(subst /,_,$(PYTHON))
RUN := $(VENV)/installed-to-run-$(KEY)
TEST := $(VENV)/installed-to-test-$(KEY)
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
WHEELS := --only-binary=:all: --constraint constraints.txt

help:
	@sed -n '2,/^$$/s/^#\{1,\} \{0,1\}//p' Makefile

$(VENV)/created-$(KEY):
	@test -n "$(PYTHON)" || { \
		echo "Suyuan needs Python 3.11, 3.12, 3.13 or 3.14 with its venv module, and found none on PATH."; \
		echo "Debian, Ubuntu: apt-get install python3 python3-venv. Or name one: make PYTHON=/path/to/python3"; \
		exit 1; } >&2
	@$(PYTHON) -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' || { \
		echo "$(PYTHON) is not a Python 3.11 to 3.14 with its venv module (Debian: python3-venv)." >&2; exit 1; }
	@echo "making $(VENV) with $(PYTHON)"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(PIP) install $(WHEELS) --upgrade pip hatchling editables
	@touch $@

# Without build isolation, the build backend is the one of constraints.txt too.
$(RUN): $(VENV)/created-$(KEY) pyproject.toml constraints.txt
	@echo "installing what Suyuan runs on"
	@$(PIP) install $(WHEELS) --no-build-isolation --editable .
	@touch $@

$(TEST): $(VENV)/created-$(KEY) pyproject.toml constraints.txt
	@echo "installing what Suyuan runs on and is tested with"
	@$(PIP) install $(WHEELS) --no-build-isolation --editable '.[test]'
	@touch $@ $(RUN)

demo: $(RUN)
	@$(BIN)/suyuan demo $(ARGS)

lint: $(TEST)
	$(BIN)/ruff check .
	$(BIN)/mypy $(ROOMS)

# One file stays with one worker, so that a module's consortium is started once.
test: lint
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --cov --cov-report=term-missing:skip-covered $(ARGS)

bench: $(RUN)
	@$(BIN)/python -m benchmarks $(ARGS)

page: $(RUN)
	@$(BIN)/python -m client.portal
	@cd client/portal && npm ci --no-audit --no-fund && npm run build
	@echo "client/portal/dist/verify.html"

hunt: $(TEST)
	@$(BIN)/python -m tests.simulator --hunt $(SECONDS) $(ARGS)

soak: $(TEST)
	@$(BIN)/python -m tests.processes.soak --seconds $(SECONDS) $(ARGS)

mutants: $(TEST)
	@$(BIN)/python -m tests.simulator.mutants $(ARGS)

clean:
	rm -rf $(VENV) build dist htmlcov .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage .coverage.*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
