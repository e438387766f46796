# Fabu: every target runs offline once `make setup` has run, except `make lock`.
PYTHON ?= python3
CONFIG ?= fabu.toml
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
LOCK := config/requirements-dev.txt
POT := $(VENV)/fabu.pot
# Warnings of pip about itself are not the user's.
INSTALL := $(BIN)/python -m pip --disable-pip-version-check install --root-user-action=ignore --no-warn-script-location
PROGRESS := /^Collecting/ && ++n % 25 == 0 { print "    " n " fetched"; fflush() } \
	/^Installing collected/ { print "    all fetched; unpacking them, which takes longest"; fflush() } /^FAILED$$/ { failed = 1 } END { exit failed }
COMPILE := CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-emit-options

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo run test check bench soak lock messages clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /  make \1|/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-14s %s\n", $$1, $$2}'

setup: $(STAMP) ## make .venv and install the locked packages (again only when the lock or pyproject.toml changed)

demo: setup ## run the main job, with no account and no server
	$(BIN)/fabu demo

run: setup ## run the server: make run CONFIG=fabu.toml
	$(BIN)/fabu run --config $(CONFIG)

test: setup ## run the tests; the summary says what was left out (ARGS="..." goes to pytest)
	$(BIN)/python -m pytest $(ARGS)

check: setup ## lint, format, types, import contracts, lock files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pip check
	$(BIN)/python -m pytest -q tests/unit/test_repository.py

bench: setup ## run the measurements, and write docs/benchmarks.md
	$(BIN)/python -m tests.benchmarks --write docs

soak: setup ## release while servers are killed and all else fails (ARGS="--minutes 60 --store sqlite")
	$(BIN)/python -m tests.soak $(ARGS)

lock: setup ## resolve pyproject.toml into the lock files (needs a package index; UPGRADE=1 takes newer releases)
	$(COMPILE) $(if $(UPGRADE),--upgrade) --output-file config/requirements.txt pyproject.toml
	$(COMPILE) $(if $(UPGRADE),--upgrade) --extra dev --output-file $(LOCK) pyproject.toml

messages: setup ## bring the catalogues up to date with the sources; translate what is new, then run it again
	$(BIN)/pybabel -q extract --mapping-file pyproject.toml --sort-output --no-location --project Fabu --output $(POT) .
	$(BIN)/pybabel -q update --domain fabu --input-file $(POT) --output-dir bot/i18n --width 120 --no-fuzzy-matching \
		--ignore-obsolete --ignore-pot-creation-date
	$(BIN)/pybabel -q compile --domain fabu --directory bot/i18n

clean: ## remove .venv and everything the tools made
	rm -rf $(VENV) build dist *.egg-info .coverage htmlcov .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find adapters bot config core tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Fabu needs Python 3.11 or newer; name one with: make setup PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "$(PYTHON) cannot make virtual environments. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@echo "Making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)

# The build tools come from the lock first: what has only a source release is then built without fetching anything else.
$(STAMP): $(LOCK) pyproject.toml | $(BIN)/python
	@sed -n '/^\(packaging\|pip\|setuptools\|wheel\)==/,/# via/p' $(LOCK) > $(VENV)/build-tools.txt
	@echo "1/3 Installing the build tools"
	@$(INSTALL) --quiet --require-hashes -r $(VENV)/build-tools.txt
	@echo "2/3 Installing the $$(grep -c '==' $(LOCK)) locked packages: one to three minutes the first time"
	@{ $(INSTALL) --require-hashes --no-build-isolation -r $(LOCK) || echo FAILED; } | awk '$(PROGRESS)'
	@echo "3/3 Installing Fabu"
	@$(INSTALL) --quiet --no-deps --no-build-isolation -e .
	@touch $@
	@echo "Ready: make demo, make run, make test"
