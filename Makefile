# Every target sets up what it needs, the virtual environment included, and sets it up once.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

JOBS ?= auto
PYTEST_ARGS ?=
BENCH_ARGS ?=

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 14

.PHONY: set-up
set-up: ## make the virtual environments; the other targets do this themselves
	@.ci/set-up

.PHONY: demo
demo: set-up ## run the main job on fixtures/ and leave its files in build/demo/
	@.venv/bin/python -m zonekit.cli.demo build/demo

.PHONY: test
test: set-up ## run the suite on Python 3.11, and on the newest Python here all but the laboratory; ONE_PYTHON=1 leaves that out
	@.venv/bin/python -m pytest -n $(JOBS) --dist loadgroup $(PYTEST_ARGS)
ifndef ONE_PYTHON
	@if [[ -d .venv-newest ]]; then .venv-newest/bin/python -m pytest -n $(JOBS) --dist loadgroup --ignore tests/lab $(PYTEST_ARGS); fi
endif

.PHONY: lab
lab: set-up ## run only the tests in the laboratory: private root, operators, resolvers and a client on loopback
	@.venv/bin/python -m pytest -n $(JOBS) --dist loadgroup $(PYTEST_ARGS) tests/lab

.PHONY: lint
lint: set-up ## ruff, mypy --strict and import-linter
	.venv/bin/python -m ruff check .
	.venv/bin/python -m ruff format --check .
	.venv/bin/python -m mypy --strict zonekit
	.venv/bin/lint-imports --no-cache

.PHONY: peers
peers: set-up ## install the programs that the tests hold zonekit against (Debian), starting no daemon
	@.ci/install-peers .venv/bin/python

.PHONY: bench
bench: set-up ## measure zonekit beside its peers; BENCH_ARGS=--json for a program to read
	@.venv/bin/python -m tests.bench $(BENCH_ARGS)

.PHONY: build
build: set-up ## build the wheel and the sdist into dist/
	@.venv/bin/python -m build --no-isolation --outdir dist .

.PHONY: clean
clean: ## remove everything that the targets made
	rm -rf .venv .venv-newest build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
