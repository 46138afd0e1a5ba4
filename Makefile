# The one list of commands: people, pre-commit and .ci/run all call these targets.
#
#   make demo     set up and run the whole product with an invented group          试用
#   make test     set up and run the whole test suite (ARGS="tests/rules -x" narrows it)
#   make check    every gate: lint,, test, wheel
#   make lint     ruff, mypy, import-linter, our own lints
#   make format   let ruff format and mend what it can
#   make docs     regenerate docs/glossary.md, docs/rules.md and docs/states.md
#   make bench    the benchmarks
#   make wheel    build the wheel, install it clean, look inside
#   make lock     regenerate the hash-locked requirements

.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
INSTALL := $(PIP) install --quiet --quiet --require-hashes --no-deps --only-binary :all:

.PHONY: help setup setup-dev demo test lint format check docs bench lock wheel

help:
	@sed -n 's/^#   //p' Makefile

# ---------------------------------------------------------------------------------------------------------------- set-up
# A stamp is renewed when what it was made from changes: the second `make demo` installs nothing.
# `.made` and not pyvenv.cfg, which is there before pip is: somebody may press Ctrl-C in between.
$(VENV)/.made:
	@if [ -z "$(PYTHON)" ] || ! "$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then \
	  echo '需要 Python 3.11 或更新版本：请先安装（Debian/Ubuntu：apt-get install python3.11 python3.11-venv），或用 make PYTHON=/路径/python3.11 指定。' >&2; \
	  echo 'Python 3.11 or newer is needed: install it, or name it with make PYTHON=/path/to/python3.11.' >&2; exit 1; fi
	@if ! "$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null; then \
	  echo '此 Python 缺少 venv/ensurepip：请安装（Debian/Ubuntu：apt-get install python3-venv），然后重新运行。' >&2; \
	  echo 'This Python lacks venv/ensurepip: install it (Debian/Ubuntu: apt-get install python3-venv) and run make again.' >&2; exit 1; fi
	@echo '正在准备运行环境 · setting up $(VENV) …'
	"$(PYTHON)" -m venv $(VENV)
	@touch $@

$(VENV)/.main: requirements/main.txt pyproject.toml | $(VENV)/.made
	@echo '正在安装依赖 · installing what it runs on …'
	$(INSTALL) -r requirements/main.txt
	$(PIP) install --quiet --quiet --no-build-isolation --no-deps --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.main
	@echo '正在安装测试工具 · installing what it is tested with …'
	$(INSTALL) -r requirements/dev.txt
	@touch $@

$(VENV)/.bench: requirements/bench.txt $(VENV)/.main
	@echo '正在安装对照用的库 · installing the peers it is measured against …'
	$(INSTALL) -r requirements/bench.txt
	@touch $@

setup: $(VENV)/.main ; @:
setup-dev: $(VENV)/.dev ; @:

# --------------------------------------------------------------------------------------------------------------- running
demo: setup
	@exec $(BIN)/wuguan demo $(ARGS)

# --------------------------------------------------------------------------------------------------------------- proving
# A process more than there are cores: many tests wait for a process, a server or a clock.
PROCESSES ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
# With bytecode written, whatever the shell says: else every process, and every program a test starts, compiles all anew.
PYTEST = env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest
test: setup-dev
	$(PYTEST) --numprocesses $(PROCESSES) --dist loadfile $(ARGS)

lint: setup-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(PYTEST) --quiet --no-header tests/architecture

format: setup-dev
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

docs: setup-dev
	$(BIN)/python .ci/generate_docs.py

wheel: setup-dev
	$(BIN)/python .ci/verify_wheel.py

check: lint test wheel

bench: setup $(VENV)/.bench
	$(BIN)/python -m bench $(ARGS)

# --------------------------------------------------------------------------------------------------------------- locking
# Only names, versions, markers and hashes are written: which index serves them is the machine's business, not ours.
COMPILE = $(BIN)/uv --no-config pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' $(UPGRADE)

lock: setup-dev
	$(COMPILE) pyproject.toml --group build --output-file requirements/main.txt
	$(COMPILE) pyproject.toml --group build --group dev --constraint requirements/main.txt --output-file requirements/dev.txt
	$(COMPILE) pyproject.toml --group bench --constraint requirements/dev.txt --output-file requirements/bench.txt
