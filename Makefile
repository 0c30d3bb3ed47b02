# What a person types. Everything is installed into .venv; what was installed is remembered under .made/.
#
#   make run      install and start the switch on config/example.toml
#   make demo     a minute of real calls to watch
#   make test     the tests (installs SIPp, baresip, linphonec and espeak-ng when it may)
#   make check    format, lint, types, import contracts, tests
#   make load     SIPp at 100 calls a second, on a quiet machine
#   make bench    the benchmarks, as a table and as JSON
#   make fuzz     ten minutes of fuzzing (SECONDS=600) of parser, SDP, digest, stack, sessions and transactions

SHELL    := /bin/sh
PYTHON   ?= python3
BIN      := .venv/bin
CONFIG   ?= config/example.toml
SECONDS  ?= 600
WORKERS  ?= 2
PACKAGES := softswitch media acd ivr config benchmarks

.PHONY: run demo test load check lint bench fuzz format clean
.DELETE_ON_ERROR:

run: .made/run
	@exec $(BIN)/softswitch run $(CONFIG)

demo: .made/test
	@exec $(BIN)/softswitch demo

test: .made/test
	$(BIN)/python -m pytest -n $(WORKERS) --no-loadscope-reorder $(TESTS)

# SIPp at 100 calls a second and 50 through a queue, and the long runs of the queue engine (100,000 random events, 100,000
# offers in the same milliseconds): for a machine with nothing else to do.
load: .made/test
	$(BIN)/python -m pytest tests/live tests/acd -m load

check: lint test

lint: .made/test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy $(PACKAGES)
	$(BIN)/lint-imports

bench: .made/test
	$(BIN)/python -m benchmarks

fuzz: .made/fuzz
	$(BIN)/python -m tests.fuzz $(SECONDS) $(TARGETS)

format: .made/test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf .venv .made .fuzz build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# apt runs only as root or with a sudo that asks nothing; otherwise one sentence says what to type.
# Use: $(call debian-package,PACKAGE,WHY), as one shell command that succeeds when the package was installed.
define debian-package
{ if [ "$$(id -u)" = 0 ]; then sudo=; elif sudo -n true 2>/dev/null; then sudo="sudo -n"; else \
    echo "$(2): please run 'sudo apt-get install $(1)' and then the same make command again." >&2; false; fi && \
  command -v apt-get >/dev/null 2>&1 && echo "Installing $(1) with apt ($(2))." && \
  { DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -qq -y $(1) >/dev/null 2>&1 || \
    { $$sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -qq -y $(1) >/dev/null; }; }; }
endef

# Debian's python3 comes without ensurepip, so the first `python3 -m venv` fails there and leaves half a folder behind.
.made/venv:
	@mkdir -p .made
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; $(PYTHON) is older (use make PYTHON=/path/to/python3.11)." >&2; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv .venv >/dev/null 2>&1 || { rm -rf .venv; \
	  $(call debian-package,python3-venv,Python cannot make a virtual environment yet) && $(PYTHON) -m venv .venv; }
	@touch $@

.made/run: pyproject.toml .made/venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[tts,opus]'
	@touch $@

.made/test: pyproject.toml .made/venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev,tts,opus]'
	@command -v sipp >/dev/null 2>&1 || $(call debian-package,sip-tester,The SIPp scenarios need SIPp) || \
	  echo "Without SIPp the tests that use it are skipped."
	@command -v baresip >/dev/null 2>&1 || $(call debian-package,baresip-core,Encrypted calls are made with baresip) || \
	  echo "Without baresip the tests of encrypted calls with it are skipped."
	@command -v linphonec >/dev/null 2>&1 || $(call debian-package,linphone-cli,A telephone of others: linphonec) || \
	  echo "Without linphonec the tests of calls with it are skipped."
	@command -v espeak-ng >/dev/null 2>&1 || $(call debian-package,espeak-ng,Prompts are spoken by espeak-ng) || \
	  echo "Without the program espeak-ng its library from the Python package espeakng-loader speaks."
	@touch $@ .made/run

.made/fuzz: .made/test
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev,tts,opus,fuzz]'
	@touch $@
