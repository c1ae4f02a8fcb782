# Needs nothing but Python 3.11 or newer. PyTorch's usual build for Linux brings gigabytes of CUDA along: where there is
# no NVIDIA GPU, `make install` takes the build without, if its index can be reached. `make install PIP_FLAGS=...` gives
# pip other flags in place of these.
PYTHON ?= python3
PIP_FLAGS ?= $(shell $(PYTHON) tools/pip_flags.py)
DEMO ?= runs/demo
BIN := .venv/bin

.PHONY: install demo test lint bench clean

install: .venv/.installed

.venv/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(eval FLAGS := --disable-pip-version-check $(PIP_FLAGS) -c constraints.txt)
	@echo "PyTorch and its packages (flags: $(FLAGS))"
	$(BIN)/pip install $(FLAGS) "torch==2.13.0"
	@echo "zerosum and what it needs to be tested"
	$(BIN)/pip install $(FLAGS) -e ".[dev]"
	touch $@
	@echo "ready: . .venv/bin/activate puts zerosum on the PATH of this shell"

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
