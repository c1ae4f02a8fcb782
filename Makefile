# Needs nothing but Python 3.11 or newer. On Linux without a GPU,
#   make install PIP_FLAGS="--extra-index-url https://download.pytorch.org/whl/cpu"
# saves gigabytes: PyTorch's usual build brings CUDA along.
PYTHON ?= python3
PIP_FLAGS ?=
DEMO ?= runs/demo
BIN := .venv/bin

.PHONY: install demo test lint bench clean

install: .venv/.installed

.venv/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check $(PIP_FLAGS) -c constraints.txt "torch==2.13.0"
	$(BIN)/pip install --quiet --disable-pip-version-check $(PIP_FLAGS) -c constraints.txt -e ".[dev]"
	touch $@

demo: install
	rm -rf $(DEMO)
	$(BIN)/zerosum train demo --out $(DEMO)

test: install
	$(BIN)/python -m pytest -n 2

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: install
	$(BIN)/python -m benchmarks

clean:
	rm -rf .venv
