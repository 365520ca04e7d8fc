# make demo, make test: each sets up .venv by itself; a second run does not install again.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
# One thread to a process: several of them with several threads each fight for the cores.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --maxprocesses 4

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-all lint audit docs format clean

help:
	@echo "make demo      the whole way on simulated ECGs, with a report at the end"
	@echo "make test      the tests"
	@echo "make test-all  the tests, slow ones included"
	@echo "make lint      ruff, mypy, import-linter"
	@echo "make audit     known vulnerabilities of the dependencies"
	@echo "make docs      the documentation as pages, in site"
	@echo "make format    format the code"
	@echo "make clean     remove the environment and what tools left behind"

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "acsbench needs Python 3.11 or newer: make PYTHON=/path/to/python3.12"; exit 2; }
	@echo "Setting up .venv (some minutes the first time) ..."
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--constraint constraints.txt --editable '.[train,onnx,dask,hdf5,formats,explain,leaderboard,docs,dev]'
	@touch $(READY)

demo: $(READY)
	@$(BIN)/acsbench demo

test: $(READY)
	@$(PYTEST) -m "not slow" --cov --cov-report=term:skip-covered

test-all: $(READY)
	@$(PYTEST) --cov --cov-report=term:skip-covered

lint: $(READY)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

audit: $(READY)
	@$(BIN)/python .ci/audit

docs: $(READY)
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "site/index.html; with search: python3 -m http.server --directory site"

format: $(READY)
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage
