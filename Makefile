# What a developer runs, and what .ci/run runs. Every target does its own set-up and is safe to repeat.
#   make run            the default pipelines (otel-config.yaml): open http://localhost:8080
#   make test           everything: units of the workspace, then the end-to-end tests
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:

export CARGO_TARGET_DIR ?= $(CURDIR)/target
export PHAROS_TEST_CACHE ?= $(CURDIR)/target/test
PHAROS := $(CARGO_TARGET_DIR)/debug/pharos
PYTHON := $(PHAROS_TEST_CACHE)/venv/bin/python
FUZZ_SECONDS ?= 60
# e.g. make test-e2e PYTEST_ARGS='-k shutdown -x'
PYTEST_ARGS ?=
PYTEST = PHAROS_BIN=$(PHAROS) $(PYTHON) -m pytest -c tests/pyproject.toml --rootdir tests -p no:cacheprovider

# What a durable queue survives: kills, outages, a full disk, damage, deadlines.
FAULTS := $(addprefix tests/e2e/,test_kill.py test_kill_tables.py test_kill_otlp.py test_late_commit.py test_files.py \
	test_outage.py test_disk_full.py test_damaged_queue.py test_backlog.py test_durable_shutdown.py test_reload_stop.py test_reload_delta.py \
	test_shared_queue.py test_synced_answer.py)
# of make test-long: kills at random points for each store (and reloads of each kind), seconds of each part of an outage, size of the backlog
FAULT_KILLS ?= 500
FAULT_SECONDS ?= 180
FAULT_BACKLOG_MIB ?= 10240

.PHONY: help build run test test-unit test-e2e test-faults test-long test-upstream setup web-fresh fuzz lint fmt-check clippy lint-python docs-check

help:
	@sed -n 's/^#   //p' Makefile; grep -oE '^[a-z][a-z0-9-]*:' Makefile | tr -d : | sort -u | xargs echo targets:

build:
	cargo build --locked -p pharos

run: build
	exec $(PHAROS) --config otel-config.yaml

test: test-unit test-e2e

# The programs that the end-to-end tests drive: browser, SDKs, upstream's collector.
setup:
	tests/setup/prepare

# Beside a real S3 server, which some tests of the lake ask for.
test-unit:
	tests/setup/prepare python
	$(PYTHON) tests/e2e/with_s3.py cargo test --locked --workspace --no-fail-fast

test-e2e: setup build
	$(PYTEST) $(PYTEST_ARGS) tests/e2e

# Upstream's own programs agree with us; a part of test-e2e that can be run alone.
test-upstream: build
	tests/setup/prepare python go
	$(PYTEST) $(PYTEST_ARGS) tests/e2e/test_upstream.py

# The faults alone, as short as they are in test-e2e.
test-faults: build
	tests/setup/prepare debian python
	$(PYTEST) -s $(PYTEST_ARGS) $(FAULTS)

# The tests that take longer when they may: hours.
test-long: setup build
	PHAROS_LONG_TESTS=1 $(PYTEST) $(PYTEST_ARGS) tests/e2e/test_memory.py
	PHAROS_FAULT_KILLS=$(FAULT_KILLS) PHAROS_FAULT_SECONDS=$(FAULT_SECONDS) \
		PHAROS_FAULT_BACKLOG_MIB=$(FAULT_BACKLOG_MIB) $(PYTEST) -s $(PYTEST_ARGS) $(FAULTS)

# The built script that is checked in is what its source builds to.
web-fresh:
	tests/web-fresh

# Each fuzz target for FUZZ_SECONDS, on the pinned stable compiler.
fuzz:
	tests/fuzz $(FUZZ_SECONDS)

lint: fmt-check clippy lint-python

fmt-check:
	cargo fmt --all --check

clippy:
	cargo clippy --locked --workspace --all-targets -- -D warnings

lint-python:
	tests/setup/prepare python
	$(PHAROS_TEST_CACHE)/venv/bin/ruff check --config tests/pyproject.toml tests
	$(PHAROS_TEST_CACHE)/venv/bin/ruff format --check --config tests/pyproject.toml tests
	$(PHAROS_TEST_CACHE)/venv/bin/mypy --config-file tests/pyproject.toml tests/e2e

# Every example in docs/ is a configuration that this build accepts, every named test exists.
docs-check: build
	tests/setup/prepare python
	$(PYTEST) $(PYTEST_ARGS) tests/e2e/test_docs.py
