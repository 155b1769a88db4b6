# Each target does all of its own set-up: it needs Python 3.11 or newer, make and a package index.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: quickstart test docs clean

quickstart: $(STAMP)
	$(BIN)/python -m inr stage=all experiment=quickstart

test: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile # a process a core

docs: $(STAMP)
	$(BIN)/python -m pip install --quiet -c constraints.txt --editable '.[docs]'
	$(BIN)/mkdocs build

# The pinned versions are those that the figures in the README were measured with.
$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -c constraints.txt torch
	$(BIN)/python -m pip install --quiet -c constraints.txt --editable '.[dev]'
	touch $(STAMP)

clean:
	rm -rf $(VENV)
