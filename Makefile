# make demo: see it work.  make test: run every test.  make help: the rest.
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: help demo test check bench torture docs lock clean

help:
	@echo "make demo     install into .venv and watch sample webhooks become messages"
	@echo "make test     install what the tests need and run all of them"
	@echo "make check    formatting, lint and types only"
	@echo "make bench    measure; see benchmarks/README.md"
	@echo "make torture  the long crash test (make test has a short one)"
	@echo "make docs     regenerate the parts of docs/ that come from the code"
	@echo "make lock     resolve the dependencies anew into the lock files"

demo: $(VENV)/.run
	$(BIN)/relay demo

test: $(VENV)/.test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not torture"

check: $(VENV)/.test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: $(VENV)/.test
	$(BIN)/python -m benchmarks

torture: $(VENV)/.test
	$(BIN)/python -m pytest -m torture --timeout 1800 tests/torture

docs: $(VENV)/.test
	$(BIN)/python -m relay.config.reference > docs/configuration.md
	$(BIN)/python -m docs.drawing
	$(BIN)/python -m tests.failures.confusion docs/failures.md

lock: $(VENV)/.test
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --upgrade \
		--python-version 3.11 pyproject.toml --extra postgres --group build -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate \
		--python-version 3.11 pyproject.toml --extra postgres --extra fsspec --group build --group test \
		-c requirements.lock -o requirements-test.lock

$(VENV)/.run: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "relay needs Python 3.11 or newer; none was found. Install one, or say make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "Python's venv module is missing. On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@echo "installing into $(VENV) …"
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.test: requirements-test.lock $(VENV)/.run
	@echo "installing what the tests need …"
	@$(PIP) install --require-hashes -r requirements-test.lock
	@touch $@

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist
