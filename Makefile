# Run, test and pin the dashboard. `make` alone lists what there is.
#
#   make run PORT=9000 MODEL=NAME     settings of the dashboard pass through the environment
#   make run PYTHON=python3.12        another interpreter for a new .venv
#   make run INSTALLER=uv             install with uv instead of pip: a sixth of the time
#   make run TORCH_INDEX=ADDRESS      torch and torchvision from that package index (a CPU-only build, say)
#   make test ARGS="-k heat -n 0"     any options of pytest; -n 0 is one process, for a debugger

PYTHON ?= python3
VENV ?= .venv
TORCH_INDEX ?=

BIN := $(abspath $(VENV))/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile
# What pip does with one core, with all: half a minute less for torch and what it brings.
COMPILE := "$(BIN)/python" -m compileall -qq -j 0 "$(VENV)/lib" || true
# uv takes a sixth of the time, but does not read pip's configuration, where a mirror may be named.
INSTALLER ?= pip
ifeq ($(INSTALLER),uv)
INSTALL := "$(BIN)/uv" pip install --quiet --compile-bytecode --python "$(BIN)/python"
COMPILE := true
else
INSTALL := $(PIP)
endif
# Commands of a few lines start in half the time where Python may keep what it has compiled.
unexport PYTHONDONTWRITEBYTECODE
TORCH_PAIR = $$(grep -hE '^torch(vision)?==' requirements/explain.txt)
RUNTIME := $(foreach group,serve explain train scale,requirements/$(group).txt)
# Accuracy cannot be measured without a table of images; the other benchmarks draw theirs.
BENCHMARKS := $(sort $(filter-out benchmarks/accuracy.py,$(wildcard benchmarks/*.py)))

# A process a core (one more took longer), each of which may take 2 GB; the tests of a file share
# what one of them made.
PYTEST := "$(BIN)/python" -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

# Page script is linted and tested where there is a node that can; running the product needs none.
NODE := $(shell command -v npm >/dev/null && node -e 'process.exit(+(parseInt(process.versions.node) < 18))' 2>/dev/null && echo node)
NODE_MODULES := $(if $(NODE),node_modules/.stamp)
page_script = $(if $(NODE),npm run --silent $(1),@echo "No npm with node 18 or later: \`npm run $(1)\` for the page's script is skipped" >&2)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run export test check lint format bench lock clean

help: ## List these targets
	@echo "Usage: make TARGET [PYTHON=python3] [PORT=8050] [MODEL=NAME] [TORCH_INDEX=ADDRESS]"; echo
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: export ## Serve the dashboard on port 8050 (PORT changes it); makes what is missing first
	cd Dashboard && exec "$(BIN)/gunicorn" dash_ham:server

export: $(VENV)/.runtime ## Prepare the shipped models for serving; those already prepared are left alone
	@"$(BIN)/python" -m models export --all

test: $(VENV)/.dev ## Run all tests; those that need data, a browser or node skip where there is none
	$(call page_script,test)
	$(PYTEST) $(ARGS)

check: lint ## What to run before a commit: lint and the tests that take a minute together
	$(PYTEST) -q --fast $(ARGS)

lint: $(VENV)/.dev $(NODE_MODULES) ## Check style, format and types
	"$(BIN)/ruff" check .
	"$(BIN)/ruff" format --check .
	"$(BIN)/mypy"
	$(call page_script,lint)

format: $(VENV)/.dev $(NODE_MODULES) ## Put the code into the house's format
	"$(BIN)/ruff" check --fix-only --quiet .
	"$(BIN)/ruff" format .
	$(call page_script,format)

bench: $(VENV)/.dev export ## Print the speed figures that the design promises
	@echo "benchmarks/accuracy.py is left out, as it needs a table of images. To run it:"
	@echo "  $(VENV)/bin/python benchmarks/accuracy.py SPLIT.csv"
	@failed=; \
	for file in $(BENCHMARKS); do \
	  echo "== $$file"; "$(BIN)/python" "$$file" || failed="$$failed $$file"; \
	done; \
	[ -z "$$failed" ] || { echo "These failed:$$failed" >&2; exit 1; }

lock: $(VENV)/.dev ## Pin requirements/*.txt and dash_environment.yml anew from pyproject.toml
	"$(BIN)/python" requirements/lock.py

clean: ## Remove .venv, node_modules and the tools' caches; data, runs and exported models stay
	rm -rf "$(VENV)" node_modules .pytest_cache .mypy_cache .ruff_cache .hypothesis .schemathesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { \
	  echo "Python 3.11, 3.12 or 3.13 is needed, and $(PYTHON) is not one of them: make PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) cannot make virtual environments: install its venv package (python3-venv on Debian)" >&2; exit 1; }
	$(PYTHON) -m venv "$(VENV)"

# A stamp is as new as the requirements it stands for: when they have not changed, pip is not called.
$(VENV)/.runtime: $(RUNTIME) | $(VENV)/bin/python
	@echo "Installing what the dashboard and the commands need (some minutes the first time)"
	$(if $(filter uv,$(INSTALLER)),$(PIP) $$(grep '^uv==' requirements/dev.txt))
	$(if $(TORCH_INDEX),$(INSTALL) --no-deps --index-url "$(TORCH_INDEX)" $(TORCH_PAIR))
	$(INSTALL) $(addprefix -r ,$(RUNTIME))
	@$(COMPILE)
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.runtime
	$(INSTALL) -r requirements/dev.txt
	@$(COMPILE)
	@touch $@

node_modules/.stamp: package.json package-lock.json
	npm ci --silent --no-audit --no-fund
	@touch $@
