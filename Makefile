# Five commands: run, test, check, bench, soak. Each does its own set-up; nothing need be installed by hand
# but Debian's python3 (with venv), cargo and make.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUST := gateways/rust
export VIRTUAL_ENV := $(CURDIR)/$(VENV)
export PATH := $(CURDIR)/$(BIN):$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
RUST_SOURCES := $(shell find $(RUST) \( -path '*/target' -o -path '*/fuzz' \) -prune -o \( -name '*.rs' -o -name Cargo.toml -o -name Cargo.lock \) -print)

SECONDS ?= 600
ARGS ?=
# Tests that need no clock but their own: two at once. All others have the machine to themselves.
ALONE := tests/unit tests/scenarios

.PHONY: help setup tools run check test bench soak fuzz fix lint types rust-lint rust-test unit clean
help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(VENV)/.built  ## virtual environment, dependencies, Rust extension in release mode
	@# As pip does for what it copies: else the first start, and where PYTHONDONTWRITEBYTECODE is set every one, compiles it all.
	@$(BIN)/python -m compileall -q -x '^gateways/rust/' softswitch gateways ivr_flows

$(VENV)/.locked: deploy/locks/dev.txt
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed" if sys.version_info < (3, 11) else 0)'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r deploy/locks/dev.txt
	touch $@

$(VENV)/.built: $(VENV)/.locked pyproject.toml $(RUST_SOURCES)
	@command -v cargo >/dev/null || { echo "cargo is needed to build the Rust extension: apt install cargo (1.85 or newer), or rustup"; exit 1; }
	@deploy/install-tools.sh --build
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

run: setup  ## the demo switch in the foreground
	$(BIN)/softswitch serve --demo

check: setup lint types rust-lint rust-test unit  ## the quick half: format, lint, types, import contracts, stubs, unit tests

test: setup tools  ## everything: with Debian's test tools, phones and databases
	$(MAKE) --jobs 2 --output-sync=target lint types rust-lint
	$(BIN)/pytest --numprocesses 2 $(ALONE)
	$(BIN)/pytest tests $(ALONE:%=--ignore=%)
	cd $(RUST) && cargo test --workspace --locked

tools:
	deploy/install-tools.sh

bench: setup  ## the benchmarks (ARGS="--only a,b --quick"): a table, and lines in .state/bench.jsonl
	deploy/install-tools.sh --peers
	$(BIN)/python -m tests.bench.run $(ARGS)

soak: setup tools  ## random load with faults for SECONDS (600); asserts the invariants
	$(BIN)/python -m tests.bench.soak --seconds $(SECONDS) $(ARGS)

fuzz: setup  ## broken SIP, SDP and RTP, and broken documents, for SECONDS (600)
	$(BIN)/python -m tests.fuzz.readers --seconds $$(( $(SECONDS) / 10 ))
	$(BIN)/python -m tests.fuzz.run --seconds $(SECONDS) $(ARGS)

lint:
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports

types:
	$(BIN)/mypy
	$(BIN)/mypy --explicit-package-bases tests
	$(BIN)/python -m mypy.stubtest gateways._native

rust-lint:
	cd $(RUST) && cargo fmt --all --check
	cd $(RUST) && cargo clippy --workspace --all-targets --locked -- -D warnings

rust-test:
	cd $(RUST) && cargo test --workspace --locked --quiet

unit:
	$(BIN)/pytest --numprocesses 2 --quiet tests/unit

fix:  ## let the formatters mend what they can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	cd $(RUST) && cargo fmt --all
