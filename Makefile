# Two commands for people, `make demo` and `make test`; `make help` lists the others.
# Works with GNU make from 3.81 on (macOS) and any POSIX shell.

# PYTHON=... chooses the Python; otherwise the first of these that is 3.11, 3.12 or 3.13 and can make a virtual environment.
PYTHON ?=
CANDIDATES = $(if $(PYTHON),"$(PYTHON)",python3.11 python3.12 python3.13 python3)
PYTEST_ARGS ?=

PY = .venv/bin/python
PIP = $(PY) -m pip --disable-pip-version-check install --quiet --no-input
# Files of tests are shared out to as many processes as there are processors.
AT_ONCE = --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder
WITH_PATH = PATH="$(CURDIR)/.venv/bin:$$PATH"

.PHONY: help demo test test-slow lint clean setup setup-test chromium
.DEFAULT_GOAL := help

help:
	@echo "make demo       set up .venv, run the workflow on test_data/ and print the path of the report"
	@echo "make test       set up .venv with the test tools and run the test suite (PYTEST_ARGS=... go to pytest)"
	@echo "make test-slow  the slow tests only: clusters, kills, long simulations"
	@echo "make lint       ruff, mypy, snakefmt and snakemake --lint"
	@echo "make clean      remove .venv, caches and the demo's results"
	@echo "PYTHON=python3.12 make ... chooses the Python (3.11 to 3.13)"

demo: setup
	@$(WITH_PATH) $(PY) -m snakemake --snakefile Snakefile --configfile config/config.yaml --workflow-profile workflow/profiles/default
	@echo "$(CURDIR)/results/demo/report.html"

test: setup-test chromium
	@$(WITH_PATH) $(PY) -m pytest -m "not slow" $(AT_ONCE) $(PYTEST_ARGS)

test-slow: setup-test chromium
	@$(WITH_PATH) $(PY) -m pytest -m slow $(PYTEST_ARGS)

lint: setup-test
	$(WITH_PATH) ruff check src tests
	$(WITH_PATH) mypy
	$(WITH_PATH) snakefmt --check Snakefile workflow
	$(WITH_PATH) snakemake --lint

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist results/demo logs/demo

# Each step leaves a copy of what it was made from in .venv, and is done again only when that has changed.
setup:
	@set -eu; \
	if [ -e .venv ]; then \
	  wanted=""; [ -z "$(PYTHON)" ] || wanted=$$("$(PYTHON)" -c 'import sys; print(sys.version_info[:2])'); \
	  found=$$($(PY) -c 'import sys; print(sys.version_info[:2])' 2>/dev/null || echo broken); \
	  if [ "$$(cat .venv/made-in 2>/dev/null)" != "$(CURDIR)" ] || [ "$$found" = broken ] || [ "$${wanted:-$$found}" != "$$found" ]; then \
	    echo "Making .venv anew: it is unfinished, was moved, or has another Python."; rm -rf .venv; \
	  fi; \
	fi; \
	if [ ! -e .venv ]; then \
	  python=""; crippled=""; \
	  for p in $(CANDIDATES); do \
	    "$$p" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null || continue; \
	    if "$$p" -c 'import ensurepip, venv' 2>/dev/null; then python=$$p; break; else crippled=$$p; fi; \
	  done; \
	  if [ -z "$$python" ] && [ -n "$$crippled" ]; then \
	    v=$$("$$crippled" -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
	    echo "$$crippled (Python $$v) cannot make virtual environments: its modules venv and ensurepip are missing." >&2; \
	    echo "On Debian and Ubuntu: apt-get install python3-venv   (or python$$v-venv)" >&2; exit 1; \
	  fi; \
	  if [ -z "$$python" ]; then \
	    echo "gutdiv needs Python 3.11, 3.12 or 3.13; none of these is one:" $(CANDIDATES) >&2; \
	    echo "On Debian 12: apt-get install python3 python3-venv. If it is elsewhere: make PYTHON=/path/to/python3.12 ..." >&2; exit 1; \
	  fi; \
	  if [ "$$(uname -sm)" = "Darwin x86_64" ]; then \
	    echo "Macs with Intel processors are not supported: numba offers no packages for them any more." >&2; exit 1; \
	  fi; \
	  "$$python" -m venv .venv; echo "$(CURDIR)" > .venv/made-in; \
	fi; \
	if ! cmp -s requirements.lock .venv/installed.lock; then \
	  echo "Installing the pinned packages into .venv (some minutes at first)."; \
	  $(PIP) --use-pep517 --require-hashes -r requirements.lock; cp requirements.lock .venv/installed.lock; \
	fi; \
	if ! cat pyproject.toml src/gutdiv/__init__.py | cmp -s - .venv/installed.gutdiv; then \
	  $(PIP) --no-deps --no-build-isolation --editable .; cat pyproject.toml src/gutdiv/__init__.py > .venv/installed.gutdiv; \
	fi

setup-test: setup
	@cmp -s requirements-test.lock .venv/installed-test.lock || { \
	  echo "Installing the pinned test tools into .venv."; \
	  $(PIP) --require-hashes -r requirements-test.lock && cp requirements-test.lock .venv/installed-test.lock; }

# The report is opened in a browser by tests/browser; without one those tests are skipped and say so.
chromium:
	@if command -v chromium >/dev/null 2>&1 || command -v chromium-browser >/dev/null 2>&1 || command -v google-chrome >/dev/null 2>&1; then :; \
	elif grep -qx 'ID=debian' /etc/os-release 2>/dev/null && [ "$$(id -u)" = 0 ]; then \
	  echo "Installing Chromium for the browser tests."; \
	  apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends chromium fonts-dejavu-core; \
	else \
	  echo "No Chromium here, and this is not Debian with root: the browser tests will be skipped."; \
	fi
