# `make demo` and `make test` each work as the first command in a clean clone: what they need is
# installed into .venv, once, and again when pyproject.toml or constraints.txt changes.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet -c constraints.txt

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help demo headline calibrate recover test bench clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile
	@echo "  Another Python: make PYTHON=python3.12 test"

demo: $(VENV)/.runtime ## compare the support designs and write figures and tables to results/demo
	$(BIN)/cpdiffusion study=compare out=results/demo overwrite=true

headline: $(VENV)/.runtime ## the main finding under the posterior, to results/headline; about a minute
	$(BIN)/cpdiffusion study=headline out=results/headline overwrite=true

calibrate: $(VENV)/.calibrate ## which parameters fit the evidence, to results/calibrate; about a quarter of an hour
	$(BIN)/cpdiffusion study=calibrate out=results/calibrate overwrite=true

recover: $(VENV)/.calibrate ## whether planted parameters are found again, to results/recover; about ten minutes
	$(BIN)/cpdiffusion study=recover out=results/recover overwrite=true

test: $(VENV)/.dev ## style, types and all tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -n 2

bench: $(VENV)/.bench ## time the engine against other libraries; about seven minutes
	$(BIN)/python tests/bench/bench.py

clean: ## remove the virtual environment, caches and builds; results stay
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find model tests -name __pycache__ -type d -prune -exec rm -rf {} +

# One line for the user instead of a traceback from venv or a refusal from pip.
define check_python
@command -v $(PYTHON) >/dev/null 2>&1 || { \
	echo "$(PYTHON) not found: install Python 3.11, 3.12 or 3.13."; exit 1; }
@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { \
	echo "cpdiffusion needs Python 3.11, 3.12 or 3.13; $(PYTHON) is" \
	"$$($(PYTHON) -V 2>&1). Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	echo "$(PYTHON) cannot make virtual environments; on Debian and Ubuntu:" \
	"apt-get install python3-venv"; exit 1; }
endef

$(VENV)/.runtime: pyproject.toml constraints.txt
	$(check_python)
	@echo "Installing cpdiffusion into $(VENV); the first time takes a few minutes ..."
	@$(PYTHON) -m venv $(VENV)
	@$(INSTALL) -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime
	@echo "Adding the tools for the tests ..."
	@$(INSTALL) -e ".[dev]"
	@touch $@

$(VENV)/.calibrate: $(VENV)/.runtime
	@echo "Adding the library for calibration ..."
	@$(INSTALL) -e ".[calibrate]"
	@touch $@

$(VENV)/.bench: $(VENV)/.runtime
	@echo "Adding the libraries to compare with ..."
	@$(INSTALL) -e ".[bench]"
	@touch $@
