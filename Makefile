# The two commands that matter: `make run` and `make test`. `make check` is exactly what CI calls.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CATALOGUES := $(patsubst %.po,%.mo,$(wildcard scheduler/translations/*/LC_MESSAGES/messages.po))

.PHONY: run test check lint types catalogues audit install messages bench soak clean

run: $(VENV)/.installed $(CATALOGUES) ## a live demo of the whole thing
	@$(BIN)/python -m scheduler.demo

install: $(VENV)/.installed $(CATALOGUES) ## what an installation needs, nothing more

test: $(VENV)/.installed-dev $(CATALOGUES) ## all tests, on SQLite, PostgreSQL, in a browser and in calendar apps
	@sh tests/install_tools.sh
	$(BIN)/pytest -n 2 --dist worksteal

check: lint types catalogues audit test ## what CI calls

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.installed-dev
	$(BIN)/mypy

catalogues: $(VENV)/.installed-dev ## every visible text is in every catalogue
	$(BIN)/python -m scheduler.translations check

audit: $(VENV)/.installed-dev ## known weaknesses of the pinned libraries, where the advisory service can be reached
	$(BIN)/python -m tests.audit_dependencies

bench: $(VENV)/.installed-dev ## how fast, as ratios taken in one run
	-$(BIN)/python -m bench.slots
	-$(BIN)/python -m bench.booking
	-$(BIN)/python -m bench.matching
	-$(BIN)/python -m bench.forecast
	-$(BIN)/python -m bench.board
	-$(BIN)/python -m bench.feeds
	-$(BIN)/python -m bench.reminders

soak: $(VENV)/.installed-dev ## a busy morning for a minute; a thousand visits while processes are killed; bad input
	$(BIN)/python -m bench.soak
	$(BIN)/python -m bench.soak_messages
	$(BIN)/python -m bench.attack
	$(BIN)/python -m bench.bad_input

messages: $(VENV)/.installed-dev ## bring the catalogues up to date with the sources
	$(BIN)/python -m scheduler.translations update

clean:
	rm -rf $(VENV) var

$(VENV)/bin/python:
	@echo "Making the Python environment in $(VENV)"
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python requirements.lock
	@echo "Installing the pinned libraries (about half a minute)"
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.lock
	@echo "Installing what the tests need"
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

%.mo: %.po $(VENV)/.installed
	@$(BIN)/pybabel --quiet compile --input-file=$< --output-file=$@
